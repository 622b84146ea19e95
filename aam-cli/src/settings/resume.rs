//! Settings of a resumed run: its own, except for those that flags change.

use aam_api::options::{OnResume, OptionInfo};
use aam_api::{Choice, KindEntry};
use aam_runtime::run::named_values::NamedValues;
use aam_runtime::run::run_directory::{COMPARISON, CONFIG};
use clap::ArgMatches;
use serde_json::{Map, Value};
use std::path::Path;

use super::file::{self, FileSettings};
use super::flags::Given;
use super::print::toml;
use super::{Settings, choice, read_file, value};
use crate::failure::Failure;
use crate::jobs::Job;

/// The settings of the run that `given` asks to resume, if there is one.
///
/// # Errors
/// There is no output directory, or the settings of the run cannot be read.
pub(super) fn recorded(
    job: &Job,
    given: &[Given],
    file: &FileSettings,
) -> Result<Option<FileSettings>, Failure> {
    let read = |name: &str| {
        let option = job.option(name);
        option.map(|option| value(option, given, file)).transpose()
    };
    if read("resume")? != Some(Value::Bool(true)) {
        return Ok(None);
    }
    let directory = read("output-dir")?;
    let Some(directory) = directory.as_ref().and_then(Value::as_str) else {
        let problem = "--output-dir is missing: name the directory of the run";
        return Err(Failure::setting("resume", None, problem));
    };
    let config = Path::new(directory).join(CONFIG);
    match config.is_file() {
        true => file::read(job, &config).map(Some),
        // Nothing to resume: a new run.
        false => Ok(None),
    }
}

/// The settings of a resumed run: those `recorded`, except for what is given anew by flags or by a
/// configuration file. Changes are reported.
///
/// # Errors
/// A change of something that must stay the same in a run.
pub(super) fn merged(
    job: &Job,
    given: &[Given],
    file: &FileSettings,
    recorded: &FileSettings,
    mut remarks: Vec<String>,
) -> Result<Settings, Failure> {
    let mut values = Map::new();
    let mut changes = Changes::default();
    for option in job.options() {
        let name = option.name.as_str();
        let before = value(option, &[], recorded)?;
        let is_given = file.options.contains_key(name)
            || given
                .iter()
                .any(|given| given.setting == name && !given.weak);
        let now = match (is_given, name) {
            (true, _) => value(option, given, file)?,
            // What the run replaced when it began no longer exists.
            (false, "overwrite") => Value::Bool(false),
            (false, _) => before.clone(),
        };
        if option.facts.on_resume != OnResume::NamesRun && !same(&before, &now) {
            changes.add(name, may_change(option), &before, &now)?;
        }
        values.insert(name.to_owned(), now);
    }
    // An option that is given anew lifts the other, as in a new run.
    for OptionInfo { name, facts, .. } in job.options() {
        if !changes.has(name) {
            continue;
        }
        for other in &facts.lifts {
            let before = values.get(other).cloned().unwrap_or_default();
            if !changes.has(other) && !before.is_null() {
                changes.add(other, true, &before, &Value::Null)?;
                values.insert(other.clone(), Value::Null);
            }
        }
    }
    for (kind, linked) in &job.kinds {
        let before = choice(kind, &values, &[], recorded, &mut Vec::new())?;
        let source = match file.components.iter().any(|table| table.kind == kind.name) {
            true => file,
            false => recorded,
        };
        let now = choice(kind, &values, given, source, &mut remarks)?;
        let name = now.as_ref().map(|now| now.name.as_str());
        let known = linked.iter().find(|component| Some(component.name) == name);
        let options = known.map_or(&[][..], |component| &component.options);
        changes.add_component(kind, options, before.as_ref(), now.as_ref())?;
        if let Some(now) = now {
            values.insert(kind.name.to_owned(), super::json(kind, &now)?);
        }
    }
    Ok(Settings {
        values,
        remarks,
        changes: changes.lines(),
    })
}

/// Reads the settings of `job` from its flags and the configuration file that they name, if they ask to
/// resume a run.
///
/// # Errors
/// Those of [`recorded`] and [`merged`].
pub(super) fn read(job: &Job, matches: &ArgMatches) -> Result<Option<Settings>, Failure> {
    let (given, remarks) = super::flags::collect(job, matches)?;
    let file = read_file(job, matches)?;
    match recorded(job, &given, &file)? {
        Some(recorded) => merged(job, &given, &file, &recorded, remarks).map(Some),
        None => Ok(None),
    }
}

/// Rejects a request to resume that would start a new run without what a new run requires.
///
/// # Errors
/// The output directory has no run whose settings could be read, and not all settings are given.
pub(super) fn expect_run(job: &Job, values: &Map<String, Value>) -> Result<(), Failure> {
    let is_given = |name: &str| match values.get(name) {
        None | Some(Value::Null) => false,
        Some(Value::Array(items)) => !items.is_empty(),
        Some(_) => true,
    };
    let directory = values.get("output-dir").and_then(Value::as_str);
    let (Some(Value::Bool(true)), Some(directory)) = (values.get("resume"), directory) else {
        return Ok(());
    };
    let mut required = job.options().filter(|option| option.facts.required);
    let Some(missing) = required.find(|option| !is_given(&option.name)) else {
        return Ok(());
    };
    let path = Path::new(directory);
    let (problem, help) = match path.join(COMPARISON).is_file() {
        true => (
            format!(
                "its runs resume with the settings they began with, but --{} is missing",
                missing.name
            ),
            "repeat the command with which they began",
        ),
        false => (
            match path.exists() {
                true => "there is no run to resume in this directory".to_owned(),
                false => "there is no such directory, and so no run to resume".to_owned(),
            },
            "`aam runs .` lists the runs below a folder; to start a new run, give all of its settings",
        ),
    };
    Err(Failure::setting("output-dir", Some(directory.to_owned()), &problem).help(help))
}

fn may_change(option: &OptionInfo) -> bool {
    option.facts.on_resume == OnResume::MayChange
}

#[derive(Default)]
struct Changes(Vec<(String, String)>);

impl Changes {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(changed, _)| changed == name)
    }

    fn add(
        &mut self,
        name: &str,
        may_change: bool,
        before: &Value,
        now: &Value,
    ) -> Result<(), Failure> {
        if !may_change {
            let problem = format!(
                "the run has {} and cannot resume with {}",
                shown(before),
                shown(now)
            );
            return Err(Failure::setting(name, None, &problem).help(
                "leave the flag out to resume the run, or start a new one in another --output-dir",
            ));
        }
        let line = format!("changed: {name} {} → {}", shown(before), shown(now));
        self.0.push((name.to_owned(), line));
        Ok(())
    }

    /// Adds the changes of a component; `options` are those that it has now.
    fn add_component(
        &mut self,
        kind: &KindEntry,
        options: &[OptionInfo],
        before: Option<&Choice>,
        now: Option<&Choice>,
    ) -> Result<(), Failure> {
        let (Some(before), Some(now)) = (before, now) else {
            let name = |choice: Option<&Choice>| choice.map(|choice| choice.name.clone());
            return match name(before) == name(now) {
                true => Ok(()),
                false => self.add(
                    kind.name,
                    kind.may_change,
                    &name(before).into(),
                    &name(now).into(),
                ),
            };
        };
        if before.name != now.name {
            let name = |choice: &Choice| Value::String(choice.name.clone());
            return self.add(kind.name, kind.may_change, &name(before), &name(now));
        }
        for (name, now) in &now.options {
            let before = before.options.get(name).unwrap_or(&Value::Null);
            if !same(before, now) {
                let option = options.iter().find(|option| option.name == *name);
                let may_change = kind.may_change || option.is_some_and(may_change);
                let name = format!("{}.{name}", kind.name);
                self.add(&name, may_change, before, now)?;
            }
        }
        Ok(())
    }

    fn lines(self) -> Vec<String> {
        self.0.into_iter().map(|(_, line)| line).collect()
    }
}

/// Whether two values are equal; 1 equals 1.0, and a file equals its contents.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, one)| other.get(name).is_some_and(|other| same(one, other)))
        }
        (Value::Object(_), Value::String(text)) => NamedValues::Text(text.clone())
            .read("", &[])
            .is_ok_and(|named| same(one, &Value::Object(named.values))),
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        _ => one == other,
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(","),
        other => toml(other).map_or("none".to_owned(), |value| value.to_string()),
    }
}
