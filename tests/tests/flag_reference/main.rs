//! `docs/flags.md` and the help texts under `tests/help/` are what the program has.
//!
//! Both are generated: `AAM_UPDATE=1 cargo test --release --test flag_reference` writes them anew.

mod python_aam;
mod reasons;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use aam_api::options::OptionInfo;
use aam_cli::app::jobs::{self, Job};
use aam_cli::settings::reference;
use aam_tests::aam;
use serde_json::Value;

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
fn the_page_of_flags_is_true() {
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
                // Flags of both that mean something else in training.
                if train != pretrain {
                    page.push_str(&train);
                }
            }
        }
    }
    page.push_str(RF_BASELINE);
    page.push_str("\n## Flags that the Python AAM does not have\n");
    let train = job("train");
    // What is compared is trained: there is no flag of its own.
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
            let (default, why) = default_and_why(job.name, option);
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
    let kind = job.kinds.iter().find(|(kind, _)| kind.name == flag);
    let (here, default, why) = match (job.option(flag), spelled, negated, kind) {
        (Some(option), ..) => {
            let (default, why) = default_and_why(job.name, option);
            (format!("`--{flag}`"), default, why)
        }
        (_, Some(row), ..) => {
            let option = row.setting.and_then(|setting| job.option(setting));
            let (default, why) = match (option, row.setting) {
                (Some(option), _) => default_and_why(job.name, option),
                (None, Some(setting)) => component_default(job, setting, &row.here),
                (None, None) => ("–".to_owned(), row.reason.unwrap_or("").to_owned()),
            };
            (row.here, default, why)
        }
        (_, _, Some(option), _) => {
            let (default, why) = default_and_why(job.name, option);
            (format!("`--{flag}`"), default, why)
        }
        (_, _, _, Some(_)) => {
            let why = reasons::of(flag).unwrap_or("").to_owned();
            (format!("`--{flag}`"), "by the target".to_owned(), why)
        }
        _ => panic!("`aam {}` neither has nor answers --{flag}", job.name),
    };
    format!("| `--{flag}` | {theirs} | {here} | {default} | {why} |\n")
}

/// Default and reason of a setting of a component, or of the choice of one that `here` names.
fn component_default(job: &Job, setting: &str, here: &str) -> (String, String) {
    let kind = setting.split('.').next().unwrap_or(setting);
    let Some((_, components)) = job.kinds.iter().find(|(known, _)| known.name == kind) else {
        let why = format!("`aam {}` takes it if it is 0 only", job.name);
        return ("–".to_owned(), why);
    };
    let choice = format!("--{kind} ");
    let named = here.split('`').find_map(|part| part.strip_prefix(&choice));
    match named {
        Some(name) if !components.iter().any(|component| component.name == name) => {
            ("–".to_owned(), format!("refused: no {kind} is called so"))
        }
        _ if setting == kind => {
            let why = reasons::of(kind).unwrap_or("").to_owned();
            ("by the target".to_owned(), why)
        }
        _ => {
            let why = format!("`aam plugins describe {kind}` tells it");
            ("of the component".to_owned(), why)
        }
    }
}

fn is_theirs(command: &str, option: &str) -> bool {
    let lists = python_aam::COMMANDS.iter();
    let mut lists =
        lists.filter(|(name, _)| *name == command || (command, *name) == ("train", "pretrain"));
    lists.any(|(_, flags)| flags.iter().any(|(flag, _)| *flag == option))
}

/// The default of an option and the reason for it, which every default but "off" needs.
fn default_and_why(command: &str, option: &OptionInfo) -> (String, String) {
    let default = match &option.default {
        Value::Null => None,
        Value::Bool(false) => Some("off".to_owned()),
        Value::Bool(true) => Some("on".to_owned()),
        Value::String(text) => Some(format!("`{text}`")),
        Value::Array(items) if items.is_empty() => None,
        other => Some(format!("`{other}`")),
    };
    let reason = reasons::of(&option.name);
    let (default, why) = match (default, reason) {
        (Some(default), Some(why)) => (default, why),
        (Some(default), None) if default == "off" => (default, "only as asked"),
        (Some(default), None) => (default, ""),
        (None, _) if reasons::is_required(command, &option.name) => ("required".to_owned(), "–"),
        (None, Some(why)) => (reasons::without(&option.name).to_owned(), why),
        (None, None) => ("none".to_owned(), "only as asked"),
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
            let (default, why) = default_and_why(job.name, option);
            assert!(
                !why.is_empty(),
                "--{} is {default}, and nobody says why",
                option.name
            );
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

/// Checks that the file `name` of the project holds `text`; with `AAM_UPDATE` writes it.
#[track_caller]
fn is_in_file(name: &str, text: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
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
