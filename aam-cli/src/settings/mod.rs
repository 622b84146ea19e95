//! Combines flags, a configuration file and defaults, in that precedence, into the options of a run.

mod combined;
mod command_line;
mod file;
pub mod flags;
mod given;
mod grid;
mod print;
pub mod reference;
mod resume;
mod several;

use aam_api::error::nearest;
use aam_api::options::OptionInfo;
use aam_api::{Choice, ComponentInfo, KindEntry, PluginError};
use clap::ArgMatches;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::jobs::Job;
pub use command_line::command_line;
use file::{FileComponent, FileSettings};
use flags::Given;
pub use given::as_given;
pub use grid::Grid;

/// The settings of a command, complete and individually checked.
#[derive(Clone, Debug)]
pub struct Settings {
    values: Map<String, Value>,
    /// Remarks for the user about the flags, one line each.
    pub remarks: Vec<String>,
    /// What has changed since a resumed run began, one line each.
    pub changes: Vec<String>,
}

impl Settings {
    /// Reads the settings of `job` from its flags and the configuration file that they name.
    ///
    /// # Errors
    /// A setting that the command or component does not have, or a value of the wrong type.
    pub fn read(job: &Job, matches: &ArgMatches) -> Result<Self, Failure> {
        if let Some(settings) = resume::read(job, matches)? {
            return Ok(settings);
        }
        let (given, mut remarks) = flags::collect(job, matches)?;
        let file = without_lifted(job, &given, read_file(job, matches)?);
        let mut values = Map::new();
        for option in job.options() {
            values.insert(option.name.clone(), value(option, &given, &file)?);
        }
        resume::expect_run(job, &values)?;
        for (kind, _) in &job.kinds {
            if let Some(choice) = choice(kind, &values, &given, &file, &mut remarks)? {
                values.insert(kind.name.to_owned(), json(kind, &choice)?);
            }
        }
        Ok(Self {
            values,
            remarks,
            changes: Vec::new(),
        })
    }

    /// Converts the settings to options of the runtime.
    ///
    /// # Errors
    /// Values that have the right types but are not valid options.
    pub fn options<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_value(Value::Object(self.values.clone()))
            .map_err(|error| Failure::usage(error.to_string()))
    }
}

/// Checks the `text` of a configuration file for `job`.
///
/// # Errors
/// The text is not TOML, has a key that the command does not have, or a value of the wrong type.
pub fn check_text(job: &Job, text: &str) -> Result<(), Failure> {
    file::parse(job, text, "config.toml").map(drop)
}

/// Reads the configuration file named by the flags; without one, returns empty settings.
fn read_file(job: &Job, matches: &ArgMatches) -> Result<FileSettings, Failure> {
    match matches.get_one::<String>("config") {
        Some(path) => file::read(job, path.as_ref()),
        None => Ok(FileSettings::default()),
    }
}

/// The file without the options that a flag lifts: `--folds 3` takes the place of `test-size`.
fn without_lifted(job: &Job, given: &[Given], mut file: FileSettings) -> FileSettings {
    let flag = |name: &str| {
        let mut given = given.iter();
        given.find(|given| given.setting == name && !given.weak)
    };
    for option in job.options() {
        let Some(text) = flag(&option.name).map(|given| &given.text) else {
            continue;
        };
        if option.parse(text).as_ref() == Ok(&option.default) {
            continue;
        }
        for other in option
            .facts
            .lifts
            .iter()
            .filter(|other| flag(other).is_none())
        {
            file.options.shift_remove(other);
        }
    }
    file
}

fn json(kind: &KindEntry, choice: &Choice) -> Result<Value, Failure> {
    serde_json::to_value(choice)
        .map_err(|error| Failure::usage(format!("{} '{}': {error}", kind.name, choice.name)))
}

fn value(option: &OptionInfo, given: &[Given], file: &FileSettings) -> Result<Value, Failure> {
    let flag = given.iter().find(|given| given.setting == option.name);
    let filed = file.options.get(&option.name);
    match (flag, filed) {
        (Some(flag), None) => parse(option, flag),
        (Some(flag), Some(_)) if !flag.weak => parse(option, flag),
        (_, Some(value)) => Ok(value.clone()),
        (None, None) => Ok(option.default.clone()),
    }
}

fn parse(option: &OptionInfo, flag: &Given) -> Result<Value, Failure> {
    option.parse(&flag.text).map_err(|expected| {
        let similar = nearest(&flag.text, option.words());
        Failure::usage(format!(
            "{}: expected {expected}, found '{}'{}",
            flag.spelled,
            flag.text,
            did_you_mean(similar)
        ))
    })
}

/// A hint at the name that was probably meant.
pub fn did_you_mean(similar: Option<String>) -> String {
    similar.map_or(String::new(), |name| format!(" (did you mean '{name}'?)"))
}

/// What names the component or components of a kind.
struct Naming<'a> {
    /// The names as given, or the default.
    names: &'a str,
    /// Where they are given.
    place: String,
    /// The kind's table in the file.
    table: Option<&'a FileComponent>,
    /// The names given in the table.
    filed: Option<&'a str>,
    /// Where the table is.
    file_place: String,
}

impl<'a> Naming<'a> {
    /// Finds what names components of `kind`, if anything does.
    ///
    /// # Errors
    /// Options of a component are given, but no component.
    fn of(
        kind: &KindEntry,
        values: &Map<String, Value>,
        given: &'a [Given],
        file: &'a FileSettings,
    ) -> Result<Option<Self>, Failure> {
        let flag = given.iter().find(|given| given.setting == kind.name);
        let table = file.components.iter().find(|table| table.kind == kind.name);
        let filed = table.and_then(|table| table.name.as_deref());
        let file_place = format!("{}: [{}]", file.name, kind.name);
        let (names, place) = match (flag, filed, kind.default_component(values)) {
            (Some(flag), None, _) => (flag.text.as_str(), flag.spelled.clone()),
            (Some(flag), Some(_), _) if !flag.weak => (flag.text.as_str(), flag.spelled.clone()),
            (_, Some(names), _) => (names, file_place.clone()),
            (None, None, Some(name)) => (name, kind.name.to_owned()),
            (None, None, None) => {
                let prefix = format!("{}.", kind.name);
                let option = given
                    .iter()
                    .find(|given| given.setting.starts_with(&prefix));
                let place = match (option, table) {
                    (Some(option), _) => &option.spelled,
                    (None, Some(_)) => &file_place,
                    (None, None) => return Ok(None),
                };
                let missing = PluginError::NotChosen { kind: kind.name };
                return Err(Failure::from(missing).at(place));
            }
        };
        Ok(Some(Self {
            names,
            place,
            table,
            filed,
            file_place,
        }))
    }
}

/// The component of `kind`, with all options filled in; `None` if none is chosen and the kind has no
/// default.
fn choice(
    kind: &KindEntry,
    values: &Map<String, Value>,
    given: &[Given],
    file: &FileSettings,
    remarks: &mut Vec<String>,
) -> Result<Option<Choice>, Failure> {
    let Some(naming) = Naming::of(kind, values, given, file)? else {
        return Ok(None);
    };
    if combined::are_combined(kind, naming.names) {
        return combined::choice(kind, &naming, given).map(Some);
    }
    let (table, file_place) = (naming.table, naming.file_place.as_str());
    let component = kind
        .find(naming.names)
        .map_err(|error| Failure::from(error).at(&naming.place))?;
    let name = component.name;
    let mut choice = Choice::named(name);
    let is_other = |filed: &str| kind.find(filed).map_or(true, |filed| filed.name != name);
    match (table, naming.filed) {
        (Some(table), Some(other)) if is_other(other) && !table.options.is_empty() => {
            remarks.push(format!(
                "{file_place} sets options of '{other}', which do not apply to '{name}'"
            ));
        }
        (Some(table), _) => {
            choice.options = table.options.clone();
            component
                .options
                .iter()
                .for_each(|option| read_none(option, &mut choice));
            resolve(kind, &choice, file_place)?;
        }
        (None, _) => {}
    }
    former_options(&component, file, &mut choice, remarks);
    let prefix = format!("{}.", kind.name);
    for flag in given {
        let Some(option) = flag.setting.strip_prefix(&prefix) else {
            continue;
        };
        if flag.passes && component.option(option).is_none() {
            remarks.push(no_effect(&flag.spelled, &component));
            continue;
        }
        component_option(kind, &component, option, flag, &mut choice)?;
    }
    choice.options = resolve(kind, &choice, kind.name)?;
    Ok(Some(choice))
}

/// Sets those options of `component` that a file has under their former names as options of the
/// command. Files of runs from that time have all of them, whatever the component.
fn former_options(
    component: &ComponentInfo,
    file: &FileSettings,
    choice: &mut Choice,
    remarks: &mut Vec<String>,
) {
    for former in file
        .former
        .iter()
        .filter(|former| former.kind == component.kind)
    {
        let name = &former.option.name;
        if component.option(name).is_some() {
            let options = &mut choice.options;
            if !options.contains_key(name) {
                options.insert(name.clone(), former.value.clone());
            }
        } else if former.value.as_f64() != former.option.default.as_f64() {
            let key = format!("{}: key '{}'", file.name, former.key);
            remarks.push(no_effect(&key, component));
        }
    }
}

fn no_effect(given: &str, component: &ComponentInfo) -> String {
    let ComponentInfo { kind, name, .. } = component;
    format!("{given} has no effect with the {kind} '{name}'")
}

/// Converts the word `none` of a file to null, which TOML cannot express.
fn read_none(option: &OptionInfo, choice: &mut Choice) {
    if let Some(value) = choice.options.get_mut(&option.name)
        && value.as_str() == Some("none")
        && option.allows_none()
        && option.check(value).is_err()
    {
        *value = Value::Null;
    }
}

/// Sets an option of the chosen component from a flag.
fn component_option(
    kind: &KindEntry,
    component: &ComponentInfo,
    name: &str,
    flag: &Given,
    choice: &mut Choice,
) -> Result<(), Failure> {
    let Some(option) = component.option(name) else {
        choice.options.insert(name.to_owned(), Value::Null);
        // Rejected with the component's own error.
        return resolve(kind, choice, &flag.spelled).map(drop);
    };
    let value = option.parse(&flag.text).map_err(|expected| {
        let error = PluginError::BadOption {
            kind: kind.name,
            component: component.name.to_owned(),
            option: name.to_owned(),
            expected,
            found: format!("'{}'", flag.text),
        };
        Failure::from(error).at(&flag.spelled)
    })?;
    choice.options.insert(name.to_owned(), value);
    Ok(())
}

fn resolve(kind: &KindEntry, choice: &Choice, place: &str) -> Result<Map<String, Value>, Failure> {
    let resolved = kind.resolve(choice);
    resolved
        .map(|resolved| resolved.options)
        .map_err(|error| Failure::from(error).at(place))
}

/// Returns `options` with default components filled in, as a command of the program itself starts from.
///
/// # Errors
/// Options that cannot be serialised, or a default component that is not linked.
pub fn with_default_components<T>(job: &Job, options: &T) -> Result<T, Failure>
where
    T: Serialize + DeserializeOwned,
{
    let value = serde_json::to_value(options).map_err(|error| Failure::usage(error.to_string()))?;
    let Value::Object(mut values) = value else {
        return Err(Failure::usage("options must be a table"));
    };
    for (kind, _) in &job.kinds {
        if values.get(kind.name).is_none_or(Value::is_null)
            && let Some(name) = kind.default_component(&values)
        {
            let choice = Choice {
                name: name.to_owned(),
                options: resolve(kind, &Choice::named(name), kind.name)?,
            };
            let choice =
                serde_json::to_value(choice).map_err(|error| Failure::usage(error.to_string()))?;
            values.insert(kind.name.to_owned(), choice);
        }
    }
    serde_json::from_value(Value::Object(values)).map_err(|error| Failure::usage(error.to_string()))
}
