//! `docs/flags.md` and the help texts under `tests/help/` match the program.
//!
//! Both are generated: `AAM_UPDATE=1 cargo test --release --test flag_reference` rewrites them.

mod python_aam;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use aam_api::options::{OnResume, OptionInfo};
use aam_cli::jobs::{self, Job};
use aam_cli::settings::reference;
use aam_tests::aam;
use serde_json::{Map, Value};

const INTRODUCTION: &str = "\
# Flags

Made from the program itself by `AAM_UPDATE=1 cargo test --release --test flag_reference`.
`aam COMMAND --help` says what each flag does; here is how they relate to those of the Python AAM,
which are all accepted in its spelling or answered, and why the defaults are what they are.
[differences.md](differences.md) has what behaves differently.
";

const RF_BASELINE: &str = "
## `rf-baseline`

| flag | its default | here |
|---|---|---|
| `--table`, `--metadata`, `--metadata-column`, `--train-samples` | – | the same |
| `--val-samples` | – | `--validation-samples` |
| `--output` | – | `--output-dir`: a directory, as of `train` |
| `--n-estimators` | 500 | `--trees` |
| `--max-features` | sqrt | the same; without it `third` for numbers, which is better |
| `--random-seed` | 42 | `--seed` |
| `--n-jobs` | -1 | accepted, without effect: `--threads` |

Features are relative abundances rather than counts, of the ASVs that occur in enough samples.
";

#[test]
fn the_page_of_flags_is_up_to_date() {
    let mut page = INTRODUCTION.to_owned();
    let jobs = jobs::all().unwrap();
    let job = |name: &str| jobs.iter().find(|job| job.name == name).expect(name);
    page.push_str("\n## Flags of the Python AAM\n");
    for (command, own) in python_aam::COMMANDS {
        let shared = python_aam::COMMANDS[0].1;
        let title = match *command {
            "pretrain" => "`pretrain`, and all but the last of `train` too".to_owned(),
            other => format!("`{other}`"),
        };
        write!(page, "\n### {title}\n\n").unwrap();
        page.push_str("| flag | its default | here | default | why |\n|---|---|---|---|---|\n");
        for (flag, theirs) in *own {
            page.push_str(&theirs_row(job(command), flag, theirs));
        }
        if *command == "train" {
            for (flag, theirs) in &shared[..shared.len() - 1] {
                let (pretrain, train) = (
                    theirs_row(job("pretrain"), flag, theirs),
                    theirs_row(job("train"), flag, theirs),
                );
                // Shared flags with a different meaning in training.
                if train != pretrain {
                    page.push_str(&train);
                }
            }
        }
    }
    page.push_str(RF_BASELINE);
    page.push_str("\n## Flags that the Python AAM does not have\n");
    let train = job("train");
    // A comparison trains: it has no flags of its own.
    for job in jobs.iter().filter(|job| job.name != "compare") {
        let of_training = ["tune", "lr-find"].contains(&job.name);
        let title = format!("`{}`", job.name);
        write!(page, "\n### {title}\n\n").unwrap();
        page.push_str("| flag | what | default | why |\n|---|---|---|---|\n");
        for option in job
            .options()
            .filter(|option| !is_theirs(job.name, &option.name))
            .filter(|option| !(of_training && train.option(&option.name).is_some()))
        {
            let (default, why) = default_and_why(option);
            let what = option.description.trim_end_matches('.').replace('|', "\\|");
            writeln!(page, "| `--{}` | {what} | {default} | {why} |", option.name).unwrap();
        }
    }
    is_in_file("docs/flags.md", &page);
}

/// The row of a flag of the Python AAM.
fn theirs_row(job: &Job, flag: &str, theirs: &str) -> String {
    let spelled = reference::rows(job)
        .into_iter()
        .find(|row| row.flag == flag);
    let negated = flag.strip_prefix("no-").and_then(|name| job.option(name));
    let (here, default, why) = match (job.option(flag), spelled, negated) {
        (Some(option), ..) | (None, None, Some(option)) => {
            let (default, why) = default_and_why(option);
            (format!("`--{flag}`"), default, why)
        }
        (_, Some(row), _) => {
            let (default, why) = match &row.setting {
                Some(setting) => setting_default(job, setting),
                None => ("–".to_owned(), row.reason.unwrap_or_default()),
            };
            (row.here, default, why)
        }
        _ => {
            let (default, why) = setting_default(job, flag);
            (format!("`--{flag}`"), default, why)
        }
    };
    format!("| `--{flag}` | {theirs} | {here} | {default} | {why} |\n")
}

/// Default and reason of an option, a choice of component, or a component option.
fn setting_default(job: &Job, setting: &str) -> (String, String) {
    if let Some(option) = job.option(setting) {
        return default_and_why(option);
    }
    let (name, option) = setting.split_once('.').unwrap_or((setting, ""));
    let kind = job.kinds.iter().find(|(kind, _)| kind.name == name);
    let (kind, components) = kind.unwrap_or_else(|| panic!("`aam {}` has no --{name}", job.name));
    let mut options = components.iter().flat_map(|component| &component.options);
    let reasoned = |info: &&OptionInfo| info.name == option && info.facts.reason.is_some();
    if let Some(info) = options.find(reasoned) {
        return default_and_why(info);
    }
    if !option.is_empty() {
        let why = format!("see `aam plugins describe {name}`");
        return ("of the component".to_owned(), why);
    }
    let Some(default) = kind.default_component(&Map::new()) else {
        let why = format!("`aam plugins list {name}` has those there are");
        return ("by the other settings".to_owned(), why);
    };
    let component = components
        .iter()
        .find(|component| component.name == default);
    let why = component.and_then(|component| component.facts.reason.clone());
    (format!("`{default}`"), why.unwrap_or_default())
}

fn is_theirs(command: &str, option: &str) -> bool {
    let lists = python_aam::COMMANDS.iter();
    let mut lists =
        lists.filter(|(name, _)| *name == command || (command, *name) == ("train", "pretrain"));
    lists.any(|(_, flags)| flags.iter().any(|(flag, _)| *flag == option))
}

/// The default of an option and its reason, which every default except "off" needs.
fn default_and_why(option: &OptionInfo) -> (String, String) {
    let facts = &option.facts;
    let default = match &option.default {
        Value::Null => None,
        Value::Bool(false) => Some("off".to_owned()),
        Value::Bool(true) => Some("on".to_owned()),
        Value::String(text) => Some(format!("`{text}`")),
        Value::Array(items) if items.is_empty() => None,
        other => Some(format!("`{other}`")),
    };
    let reason = facts.reason.as_deref().or(facts.otherwise.as_deref());
    let (default, why) = match (default, reason) {
        (Some(default), Some(why)) => (default, why),
        (Some(default), None) if default == "off" => (default, "only as asked"),
        (Some(default), None) => (default, ""),
        (None, _) if facts.required => ("required".to_owned(), "–"),
        (None, why) => {
            let default = facts.otherwise.clone().unwrap_or("none".to_owned());
            (default, why.unwrap_or("only as asked"))
        }
    };
    (default, why.to_owned())
}

#[test]
fn every_default_of_training_has_a_reason() {
    for job in jobs::all().unwrap() {
        for option in job
            .options()
            .filter(|_| ["pretrain", "train"].contains(&job.name))
        {
            let (default, why) = default_and_why(option);
            assert!(
                !why.is_empty(),
                "--{} is {default}, and nobody says why",
                option.name
            );
        }
    }
}

/// The part of `docs/stop-and-resume.md` between these lines is generated from the options.
const MARKS: [&str; 2] = ["<!-- made from the options -->\n", "<!-- end -->\n"];

#[test]
fn the_page_on_resuming_names_what_may_change() {
    let jobs = jobs::all().unwrap();
    let mut names: Vec<&str> = Vec::new();
    for job in jobs
        .iter()
        .filter(|job| ["train", "pretrain"].contains(&job.name))
    {
        let options = job.options();
        let may_change = options.filter(|option| option.facts.on_resume == OnResume::MayChange);
        names.extend(may_change.map(|option| option.name.as_str()));
        let kinds = job.kinds.iter().filter(|(kind, _)| kind.may_change);
        names.extend(kinds.map(|(kind, _)| kind.name));
    }
    names.sort_unstable();
    names.dedup();
    let flags: Vec<String> = names.iter().map(|name| format!("`--{name}`")).collect();
    let mut list = String::new();
    let mut width = 0;
    for flag in flags {
        if width > 0 && width + flag.len() > 90 {
            list.push('\n');
            width = 0;
        }
        if width > 0 {
            list.push(' ');
        }
        width += flag.len() + 1;
        list.push_str(&flag);
    }
    let name = "docs/stop-and-resume.md";
    let page = std::fs::read_to_string(in_project(name)).unwrap();
    let (before, rest) = page.split_once(MARKS[0]).expect(MARKS[0]);
    let (_, after) = rest.split_once(MARKS[1]).expect(MARKS[1]);
    let made = format!("{before}{}{list}\n{}{after}", MARKS[0], MARKS[1]);
    is_in_file(name, &made);
}

#[test]
fn facts_about_options_name_options_and_components() {
    let all = jobs::all().unwrap();
    for job in &all {
        for option in job.options() {
            let lifts = option.facts.lifts.iter();
            let is_known = |other: &String| all.iter().any(|job| job.option(other).is_some());
            let unknown: Vec<_> = lifts.filter(|other| !is_known(other)).collect();
            assert!(unknown.is_empty(), "--{}: {unknown:?}", option.name);
            for (_, word) in &option.facts.words {
                assert!(option.parse(word).is_ok(), "--{} {word}", option.name);
            }
        }
        for (kind, linked) in &job.kinds {
            // Without a default here, the run decides.
            if let Some(default) = kind.default_component(&Map::new()) {
                let mut linked = linked.iter();
                assert!(
                    linked.any(|component| component.name == default),
                    "{default}"
                );
            }
        }
    }
}

#[test]
fn help_texts_are_frozen() {
    let aam = aam!();
    let commands = aam.ok("--help").stdout;
    is_in_file("tests/help/aam.txt", &commands);
    for job in jobs::all().unwrap() {
        let help = aam.ok(&format!("{} --help", job.name)).stdout;
        is_in_file(&format!("tests/help/{}.txt", job.name), &help);
    }
}

/// Checks that the file `name` of the project contains `text`; with `AAM_UPDATE`, writes it.
#[track_caller]
fn is_in_file(name: &str, text: &str) {
    let path = in_project(name);
    if std::env::var_os("AAM_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).unwrap();
        std::fs::write(&path, text).unwrap();
        return;
    }
    let held = std::fs::read_to_string(&path).unwrap_or_default();
    let lines = held.lines().zip(text.lines()).enumerate();
    let different = lines.into_iter().find(|(_, (old, new))| old != new);
    assert!(
        held == text,
        "{name} is not what the program has (first difference: {different:?}); \
         AAM_UPDATE=1 cargo test --release --test flag_reference writes it anew"
    );
}

fn in_project(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}
