//! `aam plugins`: lists and describes components.

use aam_api::kind::{kind_called, kinds};
use aam_api::{ComponentInfo, Kind, KindEntry, LearnerKind, PluginError};
use aam_runtime::evaluation::evaluation::NETWORK;
use clap::ArgMatches;
use serde_json::Value;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::print_as;

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let (text, json, components) = match matches.subcommand() {
        Some(("describe", matches)) => {
            let kind =
                kind(matches)?.ok_or_else(|| Failure::usage("no kind of component was given"))?;
            let name = matches.get_one::<String>("name").map_or("", String::as_str);
            let component = kind.find(name)?;
            (
                describe(&component),
                matches.get_flag("json"),
                vec![component],
            )
        }
        Some((_, matches)) => {
            let components = match kind(matches)? {
                Some(kind) => kind.list()?,
                None => {
                    let lists: Result<Vec<_>, _> =
                        kinds()?.iter().map(|kind| kind.list()).collect();
                    lists?.concat()
                }
            };
            (list(&components), matches.get_flag("json"), components)
        }
        None => {
            return Err(Failure::usage(
                "`aam plugins` needs a subcommand: list or describe",
            ));
        }
    };
    let text = match json {
        false => text,
        true => serde_json::to_string_pretty(&components)
            .map(|text| text + "\n")
            .map_err(|error| Failure::new(Exit::Bug, error.to_string()))?,
    };
    print_as(json, &text)?;
    Ok(Exit::Done)
}

fn kind(matches: &ArgMatches) -> Result<Option<&'static KindEntry>, PluginError> {
    match matches.get_one::<String>("kind") {
        Some(name) => kind_called(name),
        None => Ok(None),
    }
}

/// One line per component, in columns.
fn list(components: &[ComponentInfo]) -> String {
    let rows: Vec<[String; 4]> = components
        .iter()
        .map(|c| {
            let provider = format!("{} {}", c.provider, c.version);
            [
                c.kind.to_owned(),
                c.name.to_owned(),
                provider,
                c.summary.clone(),
            ]
        })
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let (kind, name, provider) = (width(0), width(1), width(2));
    rows.iter()
        .map(|[a, b, c, d]| format!("{a:kind$}  {b:name$}  {c:provider$}  {d}\n"))
        .collect()
}

/// Everything about a component, with its options as flags.
fn describe(component: &ComponentInfo) -> String {
    let ComponentInfo {
        kind,
        name,
        provider,
        version,
        documentation,
        options,
        aliases,
        publishes_attention,
        ..
    } = component;
    let mut text = format!("{kind} '{name}', from {provider} {version}\n\n{documentation}\n");
    if !aliases.is_empty() {
        text.push_str(&format!("\nAlso called {}.\n", aliases.join(", ")));
    }
    if *publishes_attention {
        text.push_str("\nPublishes attention weights: `aam explain --attention` writes them.\n");
    }
    if options.is_empty() {
        text.push_str("\nIt has no options.\n");
        return text;
    }
    text.push_str("\nOptions:\n");
    // Options of a kind that is not chosen by a flag have no flags either.
    let chosen = matches!(kind_called(kind), Ok(Some(kind)) if !kind.chosen_in.is_empty());
    let flag = match chosen {
        true => format!("--{kind}."),
        false => String::new(),
    };
    for option in options {
        let default = match &option.default {
            Value::Null => "none".to_owned(),
            default => default.to_string(),
        };
        text.push_str(&format!(
            "  {flag}{}  ({}; default {default})\n      {}\n",
            option.name,
            option.type_and_range(),
            option.description
        ));
    }
    if let (LearnerKind::NAME, Some(option)) = (*kind, options.first()) {
        text.push_str(&format!(
            "\nAs a member:\n\n--members {NETWORK},{name}:{}={}\n",
            option.name, option.default
        ));
    }
    if !chosen {
        return text;
    }
    text.push_str(&format!(
        "\nIn a configuration file:\n\n[{kind}]\nname = \"{name}\"\n"
    ));
    for option in options {
        if !option.default.is_null() {
            // JSON scalars and lists are valid TOML.
            text.push_str(&format!("{} = {}\n", option.name, option.default));
        }
    }
    text
}
