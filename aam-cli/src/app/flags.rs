//! Flags generated from options.

use std::ffi::OsString;

use aam_api::options::{FileUse, OptionInfo};
use aam_api::{ComponentInfo, KindEntry};
use clap::{Arg, ArgAction, Command, ValueHint};
use serde_json::Value;

use crate::jobs::Job;
use crate::settings::reference;

/// The subcommand of a job, including those component flags in `arguments` that no component has.
pub(super) fn subcommand(job: &Job, arguments: &[OsString]) -> Command {
    let brief = is_brief(job, arguments);
    let mut after = format!("Examples:\n  {}", job.examples.replace('\n', "\n  "));
    if brief {
        after = format!("All flags: aam {} --help\n\n{after}", job.name);
    }
    let mut command = Command::new(job.name)
        .about(job.about)
        .after_help(after)
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("PATH")
                .value_hint(ValueHint::FilePath)
                .help("TOML file with the same names as the flags, which take precedence over it")
                .help_heading("General"),
        )
        .arg(
            Arg::new("print-config")
                .long("print-config")
                .help("Print all settings as a configuration file and exit")
                .hide(brief)
                .action(ArgAction::SetTrue)
                .help_heading("General"),
        );
    if job.name == "simulate" {
        command = command.args(simulate_output());
    }
    if job.name == "check" {
        command = command.arg(study_folder());
    }
    if job.name != "simulate" {
        let help = match job.name {
            "check" => "Print JSON: an object",
            "compare" | "tune" => "Print JSON: an array of objects; also report the runs as JSON",
            _ => "Write all messages as JSON, one event per line",
        };
        command = command.arg(
            Arg::new("json")
                .long("json")
                .help(help)
                .hide(brief)
                .action(ArgAction::SetTrue)
                .help_heading("General"),
        );
    }
    for group in &job.groups {
        for option in &group.options {
            let hidden = brief && !option.facts.common;
            command = command.arg(flag(option, group.heading).hide(hidden));
            if option.is_switch() {
                command = command.arg(negation(option));
            }
        }
    }
    for (kind, components) in &job.kinds {
        let flags = component_flags(kind, components, job.name == "compare").into_iter();
        command = command.args(flags.map(|flag| flag.hide(brief)));
        command = command.args(unknown_component_flags(kind, components, arguments));
    }
    command.args(reference::hidden_flags(job))
}

/// Whether only the common flags of `job` are shown: `-h` was given, and there are many.
fn is_brief(job: &Job, arguments: &[OsString]) -> bool {
    /// More flags than fit a screen.
    const MANY: usize = 40;
    let common = job.options().filter(|option| option.facts.common).count();
    common > 0 && job.options().count() > MANY && arguments.iter().any(|text| text == "-h")
}

/// Flags for the output of a simulated study, which are not part of its settings.
fn simulate_output() -> [Arg; 2] {
    let directory = Arg::new("output-dir")
        .long("output-dir")
        .value_name("DIR")
        .help("Directory to create")
        .required_unless_present("print-config")
        .help_heading("General");
    let overwrite = Arg::new("overwrite")
        .long("overwrite")
        .help("Replace a study in the directory")
        .action(ArgAction::SetTrue)
        .help_heading("General");
    [directory, overwrite]
}

/// The argument for a folder with the files of a study.
fn study_folder() -> Arg {
    Arg::new("folder")
        .value_name("DIR")
        .value_hint(ValueHint::DirPath)
        .help("Folder with the files of a study, recognised by their contents; flags name other files")
}

fn flag(option: &OptionInfo, heading: &'static str) -> Arg {
    let arg = Arg::new(option.name.clone())
        .long(option.name.clone())
        .value_name(value_name(option))
        .help(help(option))
        .help_heading(heading)
        .allow_negative_numbers(true);
    let arg = match option.joint() {
        Some(_) => arg.action(ArgAction::Append),
        None => arg,
    };
    let arg = match option.facts.file {
        None | Some(FileUse::MayBeRead) => arg,
        Some(_) => arg.value_name("PATH").value_hint(ValueHint::AnyPath),
    };
    match (option.is_switch(), &option.facts.bare) {
        (true, _) => bare(arg, "true"),
        (false, Some(value)) => bare(arg, value),
        (false, None) => arg,
    }
}

/// Makes the value of a flag optional.
fn bare(arg: Arg, value: &str) -> Arg {
    arg.num_args(0..=1).default_missing_value(value.to_owned())
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
    help_with(option, shown(&option.default))
}

fn help_with(option: &OptionInfo, default: Option<String>) -> String {
    let mut help = option.description.trim_end_matches('.').to_owned();
    let words = option.words();
    if !words.is_empty() {
        help.push_str(&format!(" [{}]", words.join(", ")));
    }
    if let Some(default) = default {
        help.push_str(&format!(" [default: {default}]"));
    }
    help
}

/// The help of an option that several components have, once for all those that describe it alike.
fn help_of_each(holders: &[(&ComponentInfo, &OptionInfo)]) -> String {
    let mut rest = holders.to_vec();
    let mut parts = Vec::new();
    while let Some(&(_, first)) = rest.first() {
        let is_alike = |info: &OptionInfo| {
            info.description == first.description && info.type_name == first.type_name
        };
        let (alike, others): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|(_, info)| is_alike(info));
        let owners: Vec<&str> = alike.iter().map(|(component, _)| component.name).collect();
        let help = help_with(first, default_of_each(&alike));
        parts.push(format!("{}: {help}", owners.join(", ")));
        rest = others;
    }
    parts.join("; ")
}

/// The default of an option that several components have; if it differs, the default of each.
fn default_of_each(holders: &[(&ComponentInfo, &OptionInfo)]) -> Option<String> {
    let (_, first) = holders.first()?;
    if holders
        .iter()
        .all(|(_, info)| info.default == first.default)
    {
        return shown(&first.default);
    }
    let each = holders.iter().map(|(component, info)| {
        let default = shown(&info.default).unwrap_or_else(|| "none".to_owned());
        format!("{} {default}", component.name)
    });
    Some(each.collect::<Vec<_>>().join(", "))
}

/// A default as a flag would give it, if it is worth showing.
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

/// Returns `--head` and, for every option of any head, `--head.option`.
fn component_flags(kind: &KindEntry, components: &[ComponentInfo], several: bool) -> Vec<Arg> {
    let names: Vec<&str> = components.iter().map(|component| component.name).collect();
    let heading = format!("Components: {} (`aam plugins list {0}`)", kind.name);
    let choice = Arg::new(kind.name)
        .long(kind.name)
        .value_name(if several { "A,B,…" } else { "NAME" })
        .help(format!("{} [{}]", kind.summary, names.join(", ")))
        .help_heading(heading.clone());
    let choice = match several {
        true => choice.action(ArgAction::Append),
        false => choice,
    };
    let mut facts = components.iter().map(|component| &component.facts);
    let choice = match facts.find_map(|facts| facts.bare.as_deref()) {
        Some(name) => bare(choice, name),
        None => choice,
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

fn component_flag(kind: &KindEntry, option: &str, components: &[ComponentInfo]) -> Arg {
    let name = format!("{}.{option}", kind.name);
    let holders: Vec<(&ComponentInfo, &OptionInfo)> = components
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
    let is_same = |(_, info): &(&ComponentInfo, &OptionInfo)| value_name(info) == value_name(first);
    let arg = arg
        .value_name(match holders.iter().all(is_same) {
            true => value_name(first),
            false => "VALUE",
        })
        .help(help_of_each(&holders));
    match holders.iter().any(|(_, info)| info.is_switch()) {
        true => bare(arg, "true"),
        false => arg,
    }
}

fn unknown_component_flags(
    kind: &KindEntry,
    components: &[ComponentInfo],
    arguments: &[OsString],
) -> Vec<Arg> {
    let known = |option: &str| components.iter().any(|c| c.option(option).is_some());
    let mut unknown: Vec<&str> = arguments
        .iter()
        .filter_map(|argument| argument.to_str()?.strip_prefix("--")?.split_once('.'))
        .filter(|(name, _)| kind.is_called(name))
        .map(|(_, rest)| rest)
        .map(|rest| rest.split('=').next().unwrap_or(rest))
        .filter(|option| !option.is_empty() && !known(option))
        .collect();
    unknown.sort_unstable();
    unknown.dedup();
    let flags = unknown.into_iter();
    flags
        .map(|option| {
            let aliases = kind.aliases.iter().map(|kind| format!("{kind}.{option}"));
            component_flag(kind, option, &[]).aliases(aliases.collect::<Vec<_>>())
        })
        .collect()
}
