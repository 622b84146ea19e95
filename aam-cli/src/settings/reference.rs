//! Flags of the reference implementation that have another name here.
//!
//! A flag that sets one of our options is declared on that option, in its
//! [`Facts`](aam_api::options::Facts). Flags that correspond to no option here are in a table: they have
//! no effect, or ask for something that this program does not do, which is reported rather than ignored.

use aam_api::options::{OptionInfo, Spelling};
use aam_api::{ComponentInfo, KindEntry};
use clap::{Arg, ArgAction, ArgMatches};

use super::flags::Given;
use crate::failure::Failure;
use crate::jobs::Job;

/// The response to a flag that corresponds to no option here.
struct Answer {
    flag: &'static str,
    takes_value: bool,
    commands: &'static [&'static str],
    meaning: Meaning,
}

#[derive(Clone, Copy)]
enum Meaning {
    /// No effect: results are the same without it, for this reason.
    NoEffect(&'static str),
    /// Not supported, and what to use instead.
    Unsupported(&'static str),
    /// The weight, under our name, of a term that the command does not have, so that only 0 is possible.
    OnlyZero(&'static str),
    /// The checkpoint of a run to resume.
    Checkpoint,
}

const fn value(flag: &'static str, commands: &'static [&'static str], meaning: Meaning) -> Answer {
    Answer {
        flag,
        takes_value: true,
        commands,
        meaning,
    }
}

const fn switch(flag: &'static str, commands: &'static [&'static str], meaning: Meaning) -> Answer {
    Answer {
        takes_value: false,
        ..value(flag, commands, meaning)
    }
}

use Meaning::{Checkpoint, NoEffect, OnlyZero, Unsupported};

const TRAINING: &[&str] = &["pretrain", "train", "compare", "lr-find", "tune"];

#[rustfmt::skip]
const ANSWERS: &[Answer] = &[
    value("count-penalty", &["pretrain"], OnlyZero("count-weight")),
    value("resume-from", TRAINING, Checkpoint),
    value("out-dim", TRAINING, NoEffect("the number of outputs follows from the target's columns and classes")),
    switch("sync-batchnorm", TRAINING, NoEffect("the model has no batch normalization")),
    value("num-workers", TRAINING, NoEffect("data are in memory; --threads sets the number of computing threads")),
    switch("no-sequence-cache", &["pretrain", "train", "compare", "lr-find", "tune", "predict"], NoEffect("sequences are always read once")),
    switch("use-expandable-segments", TRAINING, NoEffect("it concerns the memory of another library")),
    switch("compile-model", TRAINING, NoEffect("the model is always compiled")),
    switch("tf32", TRAINING, NoEffect("a GPU chooses how it computes products; --mixed-precision selects fewer bits")),
    switch("gradient-checkpointing", TRAINING, NoEffect("it only affects memory, which is managed without it")),
    switch("no-gradient-checkpointing", TRAINING, NoEffect("it only affects memory, which is managed without it")),
    switch("categorical-help", TRAINING, Unsupported("`aam plugins list fusion` describes the choices")),
    value("n-jobs", &["rf-baseline"], NoEffect("trees are grown on all threads; --threads sets their number")),
];

/// A flag that sets an option.
struct Alias {
    spelling: Spelling,
    /// The option: one of the command, a kind of component, or `kind.option`.
    setting: String,
    /// The component, with its kind, that it chooses unless another is chosen.
    chosen: Option<(&'static str, &'static str)>,
    /// Whether it is ignored if the chosen component has no such option.
    passes: bool,
}

impl Alias {
    fn of(spelling: &Spelling, setting: impl Into<String>) -> Self {
        Self {
            spelling: spelling.clone(),
            setting: setting.into(),
            chosen: None,
            passes: false,
        }
    }

    /// The settings that it gives with this `text`; the component that it chooses comes last.
    fn given(&self, text: &str) -> Vec<Given> {
        let spelled = format!("--{}", self.spelling.flag);
        let set = Given {
            setting: self.setting.clone(),
            text: self.spelling.sets.as_deref().unwrap_or(text).to_owned(),
            spelled: spelled.clone(),
            has_value: self.spelling.sets.is_none(),
            weak: self.spelling.yields,
            passes: self.passes,
        };
        let chosen = self.chosen.map(|(kind, name)| Given {
            setting: kind.to_owned(),
            text: name.to_owned(),
            spelled,
            has_value: false,
            weak: true,
            passes: false,
        });
        std::iter::once(set).chain(chosen).collect()
    }
}

/// The flags that set options of `job`.
fn aliases(job: &Job) -> Vec<Alias> {
    let options = job.options();
    let mut all: Vec<Alias> = options
        .flat_map(|option| {
            let spellings = option.facts.spellings.iter();
            spellings.map(|spelling| Alias::of(spelling, option.name.clone()))
        })
        .collect();
    for (kind, components) in &job.kinds {
        all.extend(aliases_of(kind, components));
    }
    let mut known: Vec<String> = Vec::new();
    all.retain(|alias| {
        let flag = &alias.spelling.flag;
        let is_new = !known.contains(flag);
        known.push(flag.clone());
        is_new && is_free(job, flag)
    });
    all
}

/// The flags that choose components of a kind or set their options, sorted so that flags that identify
/// the component most specifically come first: if several choose a component, the first one counts.
fn aliases_of(kind: &'static KindEntry, components: &[ComponentInfo]) -> Vec<Alias> {
    let mut all = Vec::new();
    for alias in kind.aliases {
        all.push((0, Alias::of(&Spelling::flag(alias), kind.name)));
        for option in components.iter().flat_map(|component| &component.options) {
            let flag = Spelling::flag(&format!("{alias}.{}", option.name));
            let setting = format!("{}.{}", kind.name, option.name);
            all.push((0, Alias::of(&flag, setting)));
        }
    }
    for component in components {
        for spelling in &component.facts.spellings {
            all.push((0, Alias::of(spelling, kind.name)));
        }
        for option in &component.options {
            let holders = components.iter().flat_map(|component| &component.options);
            let holders = holders.filter(|other| other.name == option.name).count();
            for spelling in &option.facts.spellings {
                let setting = format!("{}.{}", kind.name, option.name);
                let chosen = spelling.chooses.then_some((kind.name, component.name));
                // An option without a default was recorded only if it was given.
                let passes = spelling.former && !option.default.is_null();
                let alias = Alias {
                    chosen,
                    passes,
                    ..Alias::of(spelling, setting)
                };
                all.push((holders, alias));
            }
        }
    }
    all.sort_by_key(|(holders, _)| *holders);
    all.into_iter().map(|(_, alias)| alias).collect()
}

/// The component option that used to be the option `name` of the command, with its kind.
pub(super) fn former<'a>(job: &'a Job, name: &str) -> Option<(&'static KindEntry, &'a OptionInfo)> {
    job.kinds.iter().find_map(|(kind, components)| {
        let mut options = components.iter().flat_map(|component| &component.options);
        Some((*kind, options.find(|option| option.was_option(name))?))
    })
}

/// The responses to flags of `job` that set nothing.
fn answers(job: &Job) -> impl Iterator<Item = &'static Answer> + use<'_> {
    let answers = ANSWERS.iter();
    answers.filter(|answer| answer.commands.contains(&job.name) && is_free(job, answer.flag))
}

/// Whether `flag` is not one of the command's own flags; other commands may have it.
fn is_free(job: &Job, flag: &str) -> bool {
    let own = flag.strip_prefix("no-").unwrap_or(flag);
    job.option(flag).is_none() && job.option(own).is_none_or(|option| !option.is_switch())
}

/// The flags of the reference implementation for `job`, hidden from its help.
pub fn hidden_flags(job: &Job) -> Vec<Arg> {
    let aliases = aliases(job);
    let aliases = aliases.iter().map(|alias| {
        let Spelling { flag, sets, .. } = &alias.spelling;
        (flag.as_str(), sets.is_none())
    });
    let answers = answers(job).map(|answer| (answer.flag, answer.takes_value));
    let flags = aliases.chain(answers).map(|(flag, takes_value)| {
        let arg = Arg::new(flag.to_owned()).long(flag.to_owned()).hide(true);
        match takes_value {
            true => arg.value_name("VALUE").allow_negative_numbers(true),
            false => arg.action(ArgAction::SetTrue),
        }
    });
    flags.collect()
}

/// What a flag of the reference implementation corresponds to here, for documentation.
#[derive(Clone, Debug)]
pub struct Row {
    /// The flag, without dashes.
    pub flag: String,
    /// What it corresponds to.
    pub here: String,
    /// The setting that it gives, if any.
    pub setting: Option<String>,
    /// Why it has no effect or is refused, if so.
    pub reason: Option<String>,
}

/// The flags of the reference implementation that `job` accepts or refuses.
pub fn rows(job: &Job) -> Vec<Row> {
    let aliases = aliases(job).into_iter().map(|alias| {
        let given = alias.given("");
        let here = given
            .iter()
            .map(|given| match (given.has_value, given.weak) {
                (true, _) => format!("`--{}`", given.setting),
                (false, false) => format!("`--{} {}`", given.setting, given.text),
                (false, true) => format!("`--{} {}` if not given", given.setting, given.text),
            });
        Row {
            flag: alias.spelling.flag.clone(),
            here: here.collect::<Vec<_>>().join(", "),
            setting: Some(alias.setting),
            reason: None,
        }
    });
    let answers = answers(job).map(|answer| {
        let (here, setting, reason) = match answer.meaning {
            NoEffect(reason) => ("accepted, without effect", None, Some(reason.to_owned())),
            Unsupported(reason) => ("refused", None, Some(reason.to_owned())),
            OnlyZero(_) => {
                let reason = format!("`aam {}` accepts only 0", job.name);
                ("accepted if 0", None, Some(reason))
            }
            Checkpoint => ("`--output-dir`, `--resume true`", Some("output-dir"), None),
        };
        Row {
            flag: answer.flag.to_owned(),
            here: here.to_owned(),
            setting: setting.map(str::to_owned),
            reason,
        }
    });
    aliases.chain(answers).collect()
}

/// Returns the settings given by flags of the reference implementation in `matches`, and remarks on
/// flags without effect.
///
/// # Errors
/// A flag for something that is not supported.
pub(super) fn given_in(
    job: &Job,
    matches: &ArgMatches,
) -> Result<(Vec<Given>, Vec<String>), Failure> {
    let mut all = Vec::new();
    let mut remarks = Vec::new();
    for alias in aliases(job) {
        let Spelling { flag, sets, .. } = &alias.spelling;
        if let Some(text) = text(matches, flag, sets.is_none()) {
            all.extend(alias.given(text));
        }
    }
    for answer in answers(job) {
        let Some(text) = text(matches, answer.flag, answer.takes_value) else {
            continue;
        };
        let flag = format!("--{}", answer.flag);
        match answer.meaning {
            NoEffect(reason) => remarks.push(format!("{flag} has no effect here: {reason}")),
            Unsupported(instead) => return Err(unsupported(&flag, instead)),
            OnlyZero(_) if text.parse() == Ok(0.0) => {}
            OnlyZero(setting) => {
                let instead = format!(
                    "`aam {}` accepts only 0; `aam train --{setting}` has that term",
                    job.name
                );
                return Err(unsupported(&flag, &instead));
            }
            Checkpoint => {
                let set = |setting: &str, text: &str| Given::strong(setting, text, &flag);
                all.push(set("output-dir", run_of(text)?));
                all.push(set("resume", "true"));
            }
        }
    }
    Ok((all, remarks))
}

/// The value of a flag that is given; empty if the flag takes none.
fn text<'a>(matches: &'a ArgMatches, flag: &str, takes_value: bool) -> Option<&'a str> {
    match takes_value {
        true => matches.get_one::<String>(flag).map(String::as_str),
        false => matches.get_flag(flag).then_some(""),
    }
}

fn unsupported(flag: &str, instead: &str) -> Failure {
    Failure::usage(format!("{flag} is not supported: {instead}"))
}

/// The run that a checkpoint belongs to.
fn run_of(checkpoint: &str) -> Result<&str, Failure> {
    if checkpoint.ends_with(".pt") {
        let instead = "import weights of the reference implementation with `aam import`, and start \
                       a run from them with --pretrained-encoder";
        return Err(unsupported(&format!("--resume-from {checkpoint}"), instead));
    }
    let path = checkpoint.trim_end_matches('/');
    let run = path.rsplit_once("/checkpoints/");
    Ok(run.map_or(path, |(run, _)| run))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs;

    #[test]
    fn every_flag_has_one_meaning_and_one_spelling() {
        for job in jobs::all().unwrap() {
            let rows = rows(&job);
            for (i, row) in rows.iter().enumerate() {
                let flag = &row.flag;
                let before = rows[..i].iter().any(|other| other.flag == *flag);
                assert!(!before, "{flag} means two things");
                assert!(
                    is_free(&job, flag),
                    "{flag} is a flag of `aam {}`",
                    job.name
                );
                assert!(
                    job.kinds.iter().all(|(kind, _)| kind.name != flag),
                    "{flag}"
                );
            }
        }
    }

    #[test]
    fn a_checkpoint_stands_for_its_run() {
        for path in [
            "runs/a",
            "runs/a/",
            "runs/a/checkpoints/last",
            "runs/a/checkpoints/best/",
        ] {
            assert_eq!(run_of(path).unwrap(), "runs/a");
        }
        assert!(run_of("out/checkpoints/best_model.pt").is_err());
    }

    #[test]
    fn flags_set_existing_options() {
        for job in jobs::all().unwrap() {
            for alias in aliases(&job) {
                if let (Some(value), Some(option)) =
                    (&alias.spelling.sets, job.option(&alias.setting))
                {
                    assert!(option.parse(value).is_ok(), "{}", alias.spelling.flag);
                }
            }
        }
    }
}
