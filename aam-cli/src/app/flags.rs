//! Flags generated from options.

use std::ffi::OsString;

use aam_api::options::OptionInfo;
use clap::{Arg, ArgAction, Command, ValueHint};
use serde_json::Value;

use super::jobs::Job;
use crate::components::{Component, ComponentKind};
use crate::settings::reference;

/// The subcommand of a job, and of it the component flags in `arguments` that no component has.
pub(super) fn subcommand(job: &Job, arguments: &[OsString]) -> Command {
    let mut command = Command::new(job.name)
        .about(job.about)
        .after_help(format!(
            "Examples:\n  {}",
            job.examples.replace('\n', "\n  ")
        ))
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("PATH")
                .value_hint(ValueHint::FilePath)
                .help("TOML file with the same names as the flags, which come before it")
                .help_heading("General"),
        )
        .arg(
            Arg::new("print-config")
                .long("print-config")
                .help("Print all settings as such a file, and stop")
                .action(ArgAction::SetTrue)
                .help_heading("General"),
        );
    if job.name == "simulate" {
        command = command.args(simulate_output());
    }
    if job.name != "simulate" {
        let help = match job.name {
            "compare" => "Print JSON: an array of objects; and tell of the runs in JSON, too",
            _ => "Tell everything in JSON, a line an event",
        };
        command = command.arg(
            Arg::new("json")
                .long("json")
                .help(help)
                .action(ArgAction::SetTrue)
                .help_heading("General"),
        );
    }
    for group in &job.groups {
        for option in &group.options {
            command = command.arg(flag(option, group.heading));
            if option.is_switch() {
                command = command.arg(negation(option));
            }
        }
    }
    for (kind, components) in &job.kinds {
        command = command.args(component_flags(kind, components, job.name == "compare"));
        command = command.args(unknown_component_flags(kind, components, arguments));
    }
    command.args(reference::hidden_flags(job))
}

/// Where a simulated study goes is not part of what it is.
fn simulate_output() -> [Arg; 2] {
    let directory = Arg::new("output-dir")
        .long("output-dir")
        .value_name("DIR")
        .help("Directory to make and fill")
        .required_unless_present("print-config")
        .help_heading("General");
    let overwrite = Arg::new("overwrite")
        .long("overwrite")
        .help("Replace a study that the directory holds")
        .action(ArgAction::SetTrue)
        .help_heading("General");
    [directory, overwrite]
}

/// Options that are paths, which their schemas cannot tell from other text.
const PATHS: [&str; 13] = [
    "table",
    "sequences",
    "unifrac-matrix",
    "unifrac-ids",
    "tree",
    "train-samples",
    "validation-samples",
    "metadata",
    "pretrained-encoder",
    "output-dir",
    "model",
    "samples",
    "output",
];

fn flag(option: &OptionInfo, heading: &'static str) -> Arg {
    let arg = Arg::new(option.name.clone())
        .long(option.name.clone())
        .value_name(value_name(option))
        .help(help(option))
        .help_heading(heading)
        .allow_negative_numbers(true);
    let arg = match option.is_list() {
        true => arg.action(ArgAction::Append),
        false => arg,
    };
    let arg = match PATHS.contains(&option.name.as_str()) {
        true => arg.value_name("PATH").value_hint(ValueHint::AnyPath),
        false => arg,
    };
    match (option.is_switch(), reference::bare_value(&option.name)) {
        (true, _) => bare(arg, "true"),
        (false, Some(value)) => bare(arg, value),
        (false, None) => arg,
    }
}

/// Lets a flag stand without a value.
fn bare(arg: Arg, value: &'static str) -> Arg {
    arg.num_args(0..=1).default_missing_value(value)
}

fn negation(option: &OptionInfo) -> Arg {
    let name = format!("no-{}", option.name);
    Arg::new(name.clone())
        .long(name)
        .hide(true)
        .action(ArgAction::SetTrue)
        .conflicts_with(option.name.clone())
}

fn value_name(option: &OptionInfo) -> &'static str {
    let type_name = option.type_name.as_str();
    match type_name {
        name if name.starts_with("list") => "A,B,…",
        name if name.starts_with("integer") => "N",
        name if name.starts_with("number") => "X",
        name if name.starts_with("one of") => "WORD",
        name if name.starts_with("true") => "BOOL",
        _ => "TEXT",
    }
}

fn help(option: &OptionInfo) -> String {
    let mut help = option.description.trim_end_matches('.').to_owned();
    let words = option.words();
    if !words.is_empty() {
        help.push_str(&format!(" [{}]", words.join(", ")));
    }
    if let Some(default) = shown(&option.default) {
        help.push_str(&format!(" [default: {default}]"));
    }
    help
}

/// A default as a flag would give it, where there is one worth telling.
pub fn shown(default: &Value) -> Option<String> {
    match default {
        Value::Null | Value::Bool(false) => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(shown).collect();
            Some(items.join(","))
        }
        other => Some(other.to_string()),
    }
}

/// `--head` and, for every option of any head, `--head.option`.
fn component_flags(kind: &ComponentKind, components: &[Component], several: bool) -> Vec<Arg> {
    let names: Vec<&str> = components.iter().map(|component| component.name).collect();
    let heading = format!("Components: {} (`aam plugins list {0}`)", kind.name);
    let choice = Arg::new(kind.name)
        .long(kind.name)
        .value_name(if several { "A,B,…" } else { "NAME" })
        .help(format!("{} [{}]", capitalized(kind.name), names.join(", ")))
        .help_heading(heading.clone());
    let choice = match several {
        true => choice.action(ArgAction::Append),
        false => choice,
    };
    let mut flags = vec![choice];
    let mut done: Vec<&str> = Vec::new();
    for option in components.iter().flat_map(|component| &component.options) {
        if done.contains(&option.name.as_str()) {
            continue;
        }
        done.push(&option.name);
        flags.push(component_flag(kind, &option.name, components).help_heading(heading.clone()));
    }
    flags
}

fn component_flag(kind: &ComponentKind, option: &str, components: &[Component]) -> Arg {
    let name = format!("{}.{option}", kind.name);
    let holders: Vec<(&Component, &OptionInfo)> = components
        .iter()
        .flat_map(|component| component.options.iter().map(move |info| (component, info)))
        .filter(|(_, info)| info.name == option)
        .collect();
    let arg = Arg::new(name.clone())
        .long(name)
        .allow_negative_numbers(true)
        .action(ArgAction::Append);
    let Some((_, first)) = holders.first() else {
        return bare(arg, "true").hide(true);
    };
    let owners: Vec<&str> = holders
        .iter()
        .map(|(component, _)| component.name)
        .collect();
    let arg =
        arg.value_name(value_name(first))
            .help(format!("{}: {}", owners.join(", "), help(first)));
    match holders.iter().any(|(_, info)| info.is_switch()) {
        true => bare(arg, "true"),
        false => arg,
    }
}

fn unknown_component_flags(
    kind: &ComponentKind,
    components: &[Component],
    arguments: &[OsString],
) -> Vec<Arg> {
    let known = |option: &str| {
        let mut options = components.iter().flat_map(|component| &component.options);
        options.any(|info| info.name == option)
    };
    let prefix = format!("--{}.", kind.name);
    let mut unknown: Vec<&str> = arguments
        .iter()
        .filter_map(|argument| argument.to_str()?.strip_prefix(&prefix))
        .map(|rest| rest.split('=').next().unwrap_or(rest))
        .filter(|option| !option.is_empty() && !known(option))
        .collect();
    unknown.sort_unstable();
    unknown.dedup();
    let flags = unknown.into_iter();
    flags
        .map(|option| component_flag(kind, option, &[]))
        .collect()
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
