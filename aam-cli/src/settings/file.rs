//! Settings from a configuration file.

use std::path::Path;

use aam_api::error::nearest;
use aam_api::options::{OptionInfo, shown};
use aam_runtime::data::bounded::read_text_file;
use aam_runtime::io_words::unreadable;
use serde_json::{Map, Number, Value};

use super::several::are_several;
use super::{did_you_mean, reference};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::jobs::{self, Job};
use crate::output::have;

/// The maximum size of a configuration file, in bytes.
const LONGEST: u64 = 4 << 20;

/// What a configuration file sets.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FileSettings {
    /// The file, for messages.
    pub name: String,
    /// Options.
    pub options: Map<String, Value>,
    /// Components, in the order of the file.
    pub components: Vec<FileComponent>,
    /// Options of components under their former names.
    pub former: Vec<FormerOption>,
}

/// An option of a component that used to be an option of the command.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FormerOption {
    /// The kind of the component.
    pub kind: &'static str,
    /// The option, as one of the components describes it.
    pub option: OptionInfo,
    /// The key in the file.
    pub key: String,
    /// The value.
    pub value: Value,
}

/// A table such as `[head]`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FileComponent {
    /// The kind.
    pub kind: &'static str,
    /// The name, if the table holds one.
    pub name: Option<String>,
    /// Everything else in the table.
    pub options: Map<String, Value>,
}

/// Reads the configuration file at `path` for `job`.
///
/// # Errors
/// The file cannot be read, is not TOML, is for another command, has a key that the command does not
/// have, or a value of the wrong type.
pub(super) fn read(job: &Job, path: &Path) -> Result<FileSettings, Failure> {
    let text = read_text_file(path, LONGEST)
        .map_err(|error| Failure::from(unreadable(path, &error)).with_exit(Exit::Usage))?;
    parse(job, &text, &path.display().to_string())
}

pub(super) fn parse(job: &Job, text: &str, name: &str) -> Result<FileSettings, Failure> {
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| Failure::usage(error.to_string().trim_end()).at(name))?;
    let mut settings = FileSettings {
        name: name.to_owned(),
        ..FileSettings::default()
    };
    // Checked first, because it explains keys that this command does not have.
    if let Some(toml::Value::String(command)) = table.get("command") {
        check_command(job, &Value::String(command.clone())).map_err(|failure| failure.at(name))?;
    }
    for (key, value) in table {
        let value = json(value)
            .map_err(|problem| Failure::usage(problem).at(&format!("{name}: key '{key}'")))?;
        if key == "command" {
            check_command(job, &value).map_err(|failure| failure.at(name))?;
        } else if let Some(kind) = job.kind(&key) {
            settings.components.push(component(name, kind.name, value)?);
        } else if let Some(option) = job.option(&key) {
            let value = checked_as(option, value, job.name == "compare")
                .map_err(|failure| failure.at(&format!("{name}: key '{key}'")))?;
            settings.options.insert(key, value);
        } else if let Some((kind, option)) = reference::former(job, &key) {
            let value = checked(option, value)
                .map_err(|failure| failure.at(&format!("{name}: key '{key}'")))?;
            settings.former.push(FormerOption {
                kind: kind.name,
                option: option.clone(),
                key,
                value,
            });
        } else {
            return Err(unknown_key(job, &key)?.at(name));
        }
    }
    Ok(settings)
}

/// Checks the value of an option, or each of them if there may be `several`.
fn checked_as(option: &OptionInfo, value: Value, several: bool) -> Result<Value, Failure> {
    match value {
        Value::Array(values) if several && are_several(option, &Value::Array(values.clone())) => {
            let values = values.into_iter().map(|value| checked(option, value));
            values.collect()
        }
        value => checked(option, value),
    }
}

fn checked(option: &OptionInfo, value: Value) -> Result<Value, Failure> {
    let Err(expected) = option.check(&value) else {
        return Ok(value);
    };
    // Accept a single item in place of a list.
    let listed = Value::Array(vec![value.clone()]);
    if option.is_list() && option.check(&listed).is_ok() {
        return Ok(listed);
    }
    match value.as_str() {
        Some("none") if option.allows_none() => Ok(Value::Null),
        found => {
            let similar = found.and_then(|found| nearest(found, option.words()));
            Err(Failure::usage(format!(
                "expected {expected}, found {}{}",
                shown(&value),
                did_you_mean(similar)
            )))
        }
    }
}

fn check_command(job: &Job, value: &Value) -> Result<(), Failure> {
    // The configuration of a training run can also be compared and searched around.
    let of_training = ["compare", "lr-find", "tune"].contains(&job.name);
    let training = of_training && value.as_str() == Some("train");
    if training || value.as_str() == Some(job.name) {
        return Ok(());
    }
    let command = value.as_str().unwrap_or("?");
    Err(Failure::usage(format!(
        "the file is for `aam {command}`, not for `aam {}`",
        job.name
    )))
}

fn component(file: &str, kind: &'static str, value: Value) -> Result<FileComponent, Failure> {
    let (name, options) = match value {
        Value::String(name) => (Some(name), Map::new()),
        Value::Object(mut options) => match options.shift_remove("name") {
            None => (None, options),
            Some(Value::String(name)) => (Some(name), options),
            Some(Value::Array(names)) if names.iter().all(Value::is_string) => {
                let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
                (Some(names.join(",")), options)
            }
            Some(other) => {
                let place = format!("{file}: [{kind}], key 'name'");
                let problem = format!("expected the name of a {kind}, found {}", shown(&other));
                return Err(Failure::usage(problem).at(&place));
            }
        },
        other => {
            let problem = format!(
                "expected a table or the name of a {kind}, found {}",
                shown(&other)
            );
            return Err(Failure::usage(problem).at(&format!("{file}: key '{kind}'")));
        }
    };
    Ok(FileComponent {
        kind,
        name,
        options,
    })
}

fn unknown_key(job: &Job, key: &str) -> Result<Failure, Failure> {
    let jobs = jobs::all()?;
    let others: Vec<String> = jobs
        .iter()
        .filter(|other| other.option(key).is_some() || other.kind(key).is_some())
        .map(|other| format!("`aam {}`", other.name))
        .collect();
    let kinds = job.kinds.iter().map(|(kind, _)| kind.name);
    let names = job
        .options()
        .map(|option| option.name.as_str())
        .chain(kinds);
    let hint = match others.is_empty() {
        true => did_you_mean(nearest(key, names)),
        false => format!(", but {} it", have(&others)),
    };
    Ok(
        Failure::usage(format!("`aam {}` has no key '{key}'{hint}", job.name)).help(format!(
            "keys are flags without dashes: `aam {} --help`",
            job.name
        )),
    )
}

fn json(value: toml::Value) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => match Number::from_f64(number) {
            Some(number) => Value::Number(number),
            None => return Err(format!("expected a finite number, found {number}")),
        },
        toml::Value::Boolean(value) => Value::Bool(value),
        toml::Value::Datetime(date) => Value::String(date.to_string()),
        toml::Value::Array(items) => {
            Value::Array(items.into_iter().map(json).collect::<Result<_, _>>()?)
        }
        toml::Value::Table(table) => Value::Object(
            table
                .into_iter()
                .map(|(key, value)| Ok((key, json(value)?)))
                .collect::<Result<_, String>>()?,
        ),
    })
}
