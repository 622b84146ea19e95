//! Settings of a run that goes on: its own, but for those that flags change.

use aam_api::Choice;
use aam_runtime::named_values::NamedValues;
use aam_runtime::run_directory::CONFIG;
use clap::ArgMatches;
use serde_json::{Map, Value};
use std::path::Path;

use super::file::{self, FileSettings};
use super::flags::Given;
use super::print::toml;
use super::{Settings, choice, read_file, value};
use crate::app::jobs::Job;
use crate::components::ComponentKind;
use crate::failure::Failure;

/// Settings that a run may change on its way: how long and how fast it learns, where and how it is
/// computed and saved, and where its files are, whose contents are checked.
const MAY_CHANGE: [&str; 39] = [
    "epochs",
    "max-steps",
    "batch-size",
    "gradient-accumulation-steps",
    "lr",
    "categorical-lr",
    "scheduler",
    "warmup",
    "scheduler-t0",
    "scheduler-t-mult",
    "scheduler-eta-min",
    "scheduler-patience",
    "scheduler-factor",
    "scheduler-min-lr",
    "weight-decay",
    "decay-all",
    "base-lr",
    "layer-lr-decay",
    "max-grad-norm",
    "patience",
    "nucleotide-steps",
    "nucleotide-batch-size",
    "device",
    "attn-implementation",
    "mixed-precision",
    "strategy",
    "asv-chunk-size",
    "streaming",
    "save-every",
    "keep-checkpoints",
    "tensorboard",
    "report",
    "baseline-trees",
    "table",
    "metadata",
    "tree",
    "unifrac-matrix",
    "unifrac-ids",
    "sequences",
];

/// Settings that say which run goes on.
const OF_THE_RUN: [&str; 3] = ["output-dir", "resume", "overwrite"];

/// The two limits of a run; one that is given anew lifts the other, as it does in a new run.
const LIMITS: [&str; 2] = ["epochs", "max-steps"];

/// The settings of the run that `given` ask to go on with, if there is one.
///
/// # Errors
/// No output directory, or settings of the run that cannot be read.
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
        return Err(Failure::usage(
            "--resume: --output-dir is missing: name the directory of the run",
        ));
    };
    let config = Path::new(directory).join(CONFIG);
    match config.is_file() {
        true => file::read(job, &config).map(Some),
        // Nothing to go on with: a new run.
        false => Ok(None),
    }
}

/// The settings of a run that goes on with those it has `recorded`; what is given anew, by flags or
/// by a configuration file, is told if it changes anything.
///
/// # Errors
/// A change of something that a run keeps.
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
            // What the run replaced when it began is gone.
            (false, "overwrite") => Value::Bool(false),
            (false, _) => before.clone(),
        };
        if !OF_THE_RUN.contains(&name) && !same(&before, &now) {
            changes.add(name, &before, &now)?;
        }
        values.insert(name.to_owned(), now);
    }
    for (name, other) in [(LIMITS[0], LIMITS[1]), (LIMITS[1], LIMITS[0])] {
        let before = values.get(other).cloned().unwrap_or_default();
        if changes.has(name) && !changes.has(other) && !before.is_null() {
            changes.add(other, &before, &Value::Null)?;
            values.insert(other.to_owned(), Value::Null);
        }
    }
    for (kind, _) in &job.kinds {
        let before = choice(kind, &values, &[], recorded, &mut Vec::new())?;
        let source = match file.components.iter().any(|table| table.kind == kind.name) {
            true => file,
            false => recorded,
        };
        let now = choice(kind, &values, given, source, &mut remarks)?;
        changes.add_component(kind, &before, &now)?;
        values.insert(kind.name.to_owned(), super::json(kind, &now)?);
    }
    Ok(Settings {
        values,
        remarks,
        changes: changes.lines(),
    })
}

/// The settings of `job` from its flags and the configuration file they name, if they ask to go on
/// with a run.
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

#[derive(Default)]
struct Changes(Vec<(String, String)>);

impl Changes {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(changed, _)| changed == name)
    }

    fn add(&mut self, name: &str, before: &Value, now: &Value) -> Result<(), Failure> {
        let kind = name.split('.').next().unwrap_or(name);
        if !MAY_CHANGE.contains(&kind) {
            return Err(Failure::usage(format!(
                "--{name}: the run has {}, and cannot go on with {}",
                shown(before),
                shown(now)
            ))
            .help(
                "leave the flag out to go on with the run, or begin another in another --output-dir",
            ));
        }
        let line = format!("changed: {name} {} → {}", shown(before), shown(now));
        self.0.push((name.to_owned(), line));
        Ok(())
    }

    fn add_component(
        &mut self,
        kind: &ComponentKind,
        before: &Choice,
        now: &Choice,
    ) -> Result<(), Failure> {
        if before.name != now.name {
            let name = |choice: &Choice| Value::String(choice.name.clone());
            return self.add(kind.name, &name(before), &name(now));
        }
        for (option, now) in &now.options {
            let before = before.options.get(option).unwrap_or(&Value::Null);
            if !same(before, now) {
                self.add(&format!("{}.{option}", kind.name), before, now)?;
            }
        }
        Ok(())
    }

    fn lines(self) -> Vec<String> {
        self.0.into_iter().map(|(_, line)| line).collect()
    }
}

/// Whether two values are one; 1 is 1.0, and a file is what is in it.
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
