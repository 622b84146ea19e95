//! The settings of a run as a table, and facts about them.

use aam_api::options::{self, Facts};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::RunError;

/// The options of a command.
pub trait Options: Serialize + JsonSchema + Default {}

impl<T: Serialize + JsonSchema + Default> Options for T {}

/// The settings as a table.
pub fn table(options: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(options) {
        Ok(Value::Object(table)) => table,
        _ => Map::new(),
    }
}

/// Rejects a setting whose value its schema does not allow.
///
/// # Errors
/// The first such setting.
pub fn check<T: Options>(options: &T) -> Result<(), RunError> {
    Ok(options::check_all(options)?)
}

/// Names of the options of `T` for which `is` holds.
pub fn names<T: Options>(is: impl Fn(&Facts) -> bool) -> Vec<String> {
    let options = options::of::<T>().into_iter();
    let names = options.filter(|option| is(&option.facts));
    names.map(|option| option.name).collect()
}

/// The settings that affect the result of a run.
pub fn bearing<T: Options>(mut settings: Map<String, Value>) -> Map<String, Value> {
    for name in names::<T>(|facts| facts.changes_no_result) {
        settings.shift_remove(&name);
    }
    settings
}

/// Formats settings as the text of `config.toml`.
///
/// TOML has no null. An option that has a default but no value in this run is written as `"none"`,
/// and so is any component option without a value.
///
/// # Errors
/// Never in practice, as the settings came from such a file or from flags.
pub fn config_text<T: Serialize + Default>(command: &str, options: &T) -> Result<String, RunError> {
    let broken = |error: &dyn std::fmt::Display| RunError::Usage(format!("config.toml: {error}"));
    let now = serde_json::to_value(options).map_err(|error| broken(&error))?;
    let default = serde_json::to_value(T::default()).map_err(|error| broken(&error))?;
    let mut without = String::new();
    let mut with = Map::new();
    for (name, value) in now.as_object().into_iter().flatten() {
        if !value.is_null() {
            with.insert(name.clone(), none_in_words(value));
        } else if !default[name.as_str()].is_null() {
            without.push_str(&format!("{name} = \"none\"\n"));
        }
    }
    let text = toml::to_string_pretty(&with).map_err(|error| broken(&error))?;
    Ok(format!(
        "# Settings of a run; `aam {command} --config` reads them.\n\
         command = \"{command}\"\n{without}{text}"
    ))
}

/// `value` with `none` in place of every null in its tables.
fn none_in_words(value: &Value) -> Value {
    match value {
        Value::Null => "none".into(),
        Value::Object(table) => {
            let entries = table.iter();
            let entries = entries.map(|(name, value)| (name.clone(), none_in_words(value)));
            Value::Object(entries.collect())
        }
        other => other.clone(),
    }
}
