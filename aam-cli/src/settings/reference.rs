//! The flags of the reference implementation that are spelled differently here.
//!
//! One table says what each of them means: the same settings under our names, nothing, or
//! something that this program does not do, which is said rather than passed over.

use clap::{Arg, ArgAction};

use super::flags::Given;
use crate::app::jobs::Job;
use crate::failure::Failure;

/// A flag of the reference implementation.
struct Spelling {
    flag: &'static str,
    takes_value: bool,
    meaning: Meaning,
}

enum Meaning {
    /// These settings.
    Same(&'static [Set]),
    /// Nothing: results are the same without it, for this reason.
    NoEffect(&'static str),
    /// Something not supported, and what there is instead.
    Unsupported(&'static str),
}

/// A setting that a flag implies.
struct Set {
    setting: &'static str,
    /// `None` stands for the flag's own value.
    value: Option<&'static str>,
    /// Whether it yields to anything else that sets the same.
    weak: bool,
}

const fn given(setting: &'static str) -> Set {
    Set {
        setting,
        value: None,
        weak: false,
    }
}

const fn fixed(setting: &'static str, value: &'static str) -> Set {
    Set {
        setting,
        value: Some(value),
        weak: false,
    }
}

const fn unless_set(setting: &'static str, value: &'static str) -> Set {
    Set {
        setting,
        value: Some(value),
        weak: true,
    }
}

const fn value(flag: &'static str, meaning: Meaning) -> Spelling {
    Spelling {
        flag,
        takes_value: true,
        meaning,
    }
}

const fn switch(flag: &'static str, meaning: Meaning) -> Spelling {
    Spelling {
        flag,
        takes_value: false,
        meaning,
    }
}

use Meaning::{NoEffect, Same, Unsupported};

#[rustfmt::skip]
const SPELLINGS: &[Spelling] = &[
    // Heads; of those that a flag implies, the first one counts
    value("film-conditioning", Same(&[given("head.columns"), unless_set("head", "film")])),
    value("moe-routing", Same(&[given("head.routing"), unless_set("head", "moe")])),
    value("regressor-hidden-dims", Same(&[given("head.hidden"), unless_set("head", "mlp")])),
    value("regressor-dropout", Same(&[given("head.dropout")])),
    switch("residual-regression-head", Same(&[fixed("head", "residual")])),
    // Fusions
    value("categorical-fusion", Same(&[given("fusion")])),
    value("cross-attn-heads", Same(&[given("fusion.heads")])),
    value("perceiver-num-latents", Same(&[given("fusion.latents"), unless_set("fusion", "perceiver")])),
    value("perceiver-num-layers", Same(&[given("fusion.layers"), unless_set("fusion", "perceiver")])),
    // Losses
    value("loss-type", Same(&[given("loss")])),
    value("quantiles", Same(&[given("loss.levels"), unless_set("loss", "quantile")])),
    value("over-penalty", Same(&[given("loss.over-penalty"), unless_set("loss", "asymmetric")])),
    value("under-penalty", Same(&[given("loss.under-penalty"), unless_set("loss", "asymmetric")])),
    value("class-weights", Same(&[given("loss.class-weights")])),
    // Weights of the terms
    value("penalty", Same(&[given("unifrac-weight")])),
    value("nuc-penalty", Same(&[given("nucleotide-weight")])),
    value("count-penalty", Same(&[given("count-weight")])),
    value("target-penalty", Same(&[given("target-weight")])),
    switch("count-prediction", Same(&[unless_set("count-weight", "1")])),
    switch("no-count-prediction", Same(&[fixed("count-weight", "0")])),
    // Strategies
    switch("distributed", Same(&[fixed("strategy", "ddp")])),
    switch("data-parallel", Same(&[fixed("strategy", "data-parallel")])),
    switch("fsdp", Same(&[fixed("strategy", "fsdp")])),
    switch("fsdp-sharded-checkpoint", Same(&[fixed("strategy.sharded-checkpoint", "true"), unless_set("strategy", "fsdp")])),
    switch("sync-batchnorm", NoEffect("the model has no batch normalization")),
    // Model and target
    switch("no-count-embedding", Same(&[fixed("count-embedding", "none")])),
    value("count-embedding-method", Same(&[given("count-embedding")])),
    switch("normalize-targets", Same(&[unless_set("target-transform", "minmax")])),
    switch("no-normalize-targets", Same(&[fixed("target-transform", "none")])),
    switch("log-transform-targets", Same(&[fixed("target-transform", "log-minmax")])),
    value("normalize-targets-by", Same(&[given("normalize-by")])),
    value("out-dim", NoEffect("the number of outputs follows from the target's columns and classes")),
    switch("bounded-targets", Same(&[fixed("output-activation", "sigmoid")])),
    // Optimization
    value("warmup-steps", Same(&[given("warmup")])),
    value("resume-from", Same(&[given("output-dir"), fixed("resume", "true")])),
    // Devices, memory, speed
    switch("auto-batch-size", NoEffect("the batch size is the one given, or fits the study")),
    switch("no-auto-batch-size", NoEffect("the batch size is the one given, or fits the study")),
    value("max-memory-fraction", NoEffect("memory depends on --asv-chunk-size, not on the batch")),
    value("target-effective-batch-size", Unsupported("give --batch-size and --gradient-accumulation-steps")),
    value("num-workers", NoEffect("data are in memory; --threads sets the threads to compute with")),
    switch("no-sequence-cache", NoEffect("sequences are always read once")),
    switch("use-expandable-segments", NoEffect("it is a setting of another library's memory")),
    switch("compile-model", NoEffect("the model is compiled")),
    switch("tf32", NoEffect("a GPU uses what it has for products; --mixed-precision chooses fewer bits")),
    switch("gradient-checkpointing", NoEffect("it changes memory only, which is managed without it")),
    switch("no-gradient-checkpointing", NoEffect("it changes memory only, which is managed without it")),
    switch("memory-profile", Unsupported("use a profiler of the system")),
    // Random Forest
    value("n-estimators", Same(&[given("trees")])),
    value("random-seed", Same(&[given("seed")])),
    value("val-samples", Same(&[given("validation-samples")])),
    value("output", Same(&[given("output-dir")])),
    value("n-jobs", NoEffect("trees are grown on all threads; --threads sets their number")),
    // Validation and prediction
    switch("categorical-help", Unsupported("`aam plugins list fusion` describes the choices")),
];

/// Words of the reference implementation for values of flags that are spelled alike.
const VALUES: &[(&str, &str, &str)] = &[
    ("attn-implementation", "mem_efficient", "auto"),
    ("attn-implementation", "sdpa", "auto"),
    ("unifrac-metric", "unifrac", "unweighted"),
    ("unifrac-metric", "faith_pd", "faith-pd"),
    ("best-metric", "val_loss", "loss"),
    ("scheduler", "warmup_cosine", "warmup-cosine"),
    ("scheduler", "cosine_restarts", "cosine-restarts"),
];

/// Whether what a flag of the reference implementation implies for `setting` yields to `other`, too:
/// targets that are normalised by category are not scaled as a whole.
pub(super) fn yields(setting: &str, other: &str) -> bool {
    setting == other || (setting, other) == ("target-transform", "normalize-by")
}

/// What a flag that usually has a value means without one.
pub fn bare_value(setting: &str) -> Option<&'static str> {
    (setting == "count-embedding").then_some("add")
}

/// Our word for a value.
pub(super) fn renamed(setting: &str, text: &str) -> Option<&'static str> {
    let mut values = VALUES.iter();
    let found = values.find(|(of, theirs, _)| *of == setting && *theirs == text);
    found.map(|(_, _, ours)| *ours)
}

/// The table's flags for `job`, hidden from its help.
pub fn hidden_flags(job: &Job) -> Vec<Arg> {
    let flags = of(job).map(|spelling| {
        let arg = Arg::new(spelling.flag).long(spelling.flag).hide(true);
        match spelling.takes_value {
            true => arg.value_name("VALUE").allow_negative_numbers(true),
            false => arg.action(ArgAction::SetTrue),
        }
    });
    flags.collect()
}

/// The rows for `job`: all are for training but those of the forest; prediction has one, too.
fn of(job: &Job) -> impl Iterator<Item = &'static Spelling> + use<'_> {
    const OF_FOREST: [&str; 5] = [
        "n-estimators",
        "random-seed",
        "val-samples",
        "output",
        "n-jobs",
    ];
    let name = job.name;
    SPELLINGS
        .iter()
        .filter(move |spelling| match name {
            "predict" => spelling.flag == "no-sequence-cache",
            "pretrain" | "train" | "compare" | "lr-find" | "tune" => {
                !OF_FOREST.contains(&spelling.flag)
            }
            "rf-baseline" => OF_FOREST.contains(&spelling.flag),
            _ => false,
        })
        // What one command does not have, another may.
        .filter(move |spelling| {
            let own = spelling.flag.strip_prefix("no-").unwrap_or(spelling.flag);
            job.option(spelling.flag).is_none()
                && job.option(own).is_none_or(|option| !option.is_switch())
        })
}

/// What a row of the table says, for documentation.
#[derive(Clone, Debug)]
pub struct Row {
    /// The flag, without dashes.
    pub flag: &'static str,
    /// What it is here.
    pub here: String,
    /// The setting that it gives, if it gives one.
    pub setting: Option<&'static str>,
    /// Why it has no effect or is refused, if so.
    pub reason: Option<&'static str>,
}

/// The rows for `job`.
pub fn rows(job: &Job) -> Vec<Row> {
    let row = |spelling: &Spelling| {
        let (here, setting, reason) = match &spelling.meaning {
            Same(sets) => {
                let own = sets.iter().map(|set| match (set.value, set.weak) {
                    (Some(value), false) => format!("`--{} {value}`", set.setting),
                    (Some(value), true) => format!("`--{} {value}` if not given", set.setting),
                    (None, _) => format!("`--{}`", set.setting),
                });
                let own: Vec<String> = own.collect();
                (own.join(", "), Some(sets[0].setting), None)
            }
            NoEffect(reason) => ("accepted, without effect".to_owned(), None, Some(*reason)),
            Unsupported(reason) => ("refused".to_owned(), None, Some(*reason)),
        };
        Row {
            flag: spelling.flag,
            here,
            setting,
            reason,
        }
    };
    of(job).map(row).collect()
}

/// What the flags of the table in `matches` mean, and remarks on those without effect.
///
/// # Errors
/// A flag for something that is not supported.
pub(super) fn given_in(
    job: &Job,
    matches: &clap::ArgMatches,
) -> Result<(Vec<Given>, Vec<String>), Failure> {
    let mut all = Vec::new();
    let mut remarks = Vec::new();
    for spelling in of(job) {
        let text = match spelling.takes_value {
            true => match matches.get_one::<String>(spelling.flag) {
                Some(text) => text.as_str(),
                None => continue,
            },
            false if matches.get_flag(spelling.flag) => "",
            false => continue,
        };
        let flag = format!("--{}", spelling.flag);
        match &spelling.meaning {
            Same(sets) => all.extend(same(job, &flag, sets, text)?),
            NoEffect(reason) => remarks.push(format!("{flag} has no effect here: {reason}")),
            Unsupported(reason) => return Err(unsupported(&flag, reason)),
        }
    }
    Ok((all, remarks))
}

fn unsupported(flag: &str, instead: &str) -> Failure {
    Failure::usage(format!("{flag} is not supported: {instead}"))
}

/// The run that a checkpoint in it stands for.
fn run_of(checkpoint: &str) -> Result<&str, Failure> {
    if checkpoint.ends_with(".pt") {
        let instead = "weights of the reference implementation come in through `aam import`, and \
                       start a run with --pretrained-encoder";
        return Err(unsupported(&format!("--resume-from {checkpoint}"), instead));
    }
    let path = checkpoint.trim_end_matches('/');
    let run = path.rsplit_once("/checkpoints/");
    Ok(run.map_or(path, |(run, _)| run))
}

fn same(job: &Job, flag: &str, sets: &[Set], text: &str) -> Result<Vec<Given>, Failure> {
    let text = match flag {
        "--resume-from" => run_of(text)?,
        _ => text,
    };
    let mut all = Vec::with_capacity(sets.len());
    for set in sets {
        let component = set.setting.split('.').next().unwrap_or(set.setting);
        if job.option(set.setting).is_none() && !job.has_kind(component) {
            // A weight of zero for a term the command does not have is how it is anyway.
            if text.parse() == Ok(0.0) {
                continue;
            }
            return Err(unsupported(
                flag,
                &format!("`aam {}` has no '--{}'", job.name, set.setting),
            ));
        }
        all.push(Given {
            setting: set.setting.to_owned(),
            text: set.value.unwrap_or(text).to_owned(),
            spelled: flag.to_owned(),
            weak: set.weak,
        });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::jobs;

    #[test]
    fn every_row_has_one_meaning_and_one_spelling() {
        for job in jobs::all().unwrap() {
            let rows: Vec<&str> = of(&job).map(|spelling| spelling.flag).collect();
            for (i, flag) in rows.iter().enumerate() {
                assert!(!rows[..i].contains(flag), "{flag} is in the table twice");
                assert!(
                    job.option(flag).is_none(),
                    "{flag} is a flag of `aam {}`",
                    job.name
                );
                let switch = flag.strip_prefix("no-").and_then(|name| job.option(name));
                assert!(
                    switch.is_none_or(|option| !option.is_switch()),
                    "{flag} is one already"
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
    fn what_a_row_sets_is_a_setting() {
        let jobs = jobs::all().unwrap();
        for spelling in SPELLINGS {
            let Same(sets) = &spelling.meaning else {
                continue;
            };
            for set in *sets {
                let kind = set.setting.split('.').next().unwrap();
                let known = |job: &Job| job.option(set.setting).is_some() || job.has_kind(kind);
                assert!(jobs.iter().any(known), "{}: {}", spelling.flag, set.setting);
            }
        }
    }
}
