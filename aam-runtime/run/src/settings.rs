//! The settings of a run as a table, and what is known of them.

use aam_api::options::{self, Facts};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::RunError;

/// What a user can set for a command.
pub trait Options: Serialize + JsonSchema + Default {}

impl<T: Serialize + JsonSchema + Default> Options for T {}

/// The settings as a table.
pub fn table(options: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(options) {
        Ok(Value::Object(table)) => table,
        _ => Map::new(),
    }
}

/// Refuses a setting whose value its schema does not allow.
///
/// # Errors
/// The first such setting.
pub fn check<T: Options>(options: &T) -> Result<(), RunError> {
    Ok(options::check_all(options)?)
}

/// The names of the options `T` of which `is` holds.
pub fn names<T: Options>(is: impl Fn(&Facts) -> bool) -> Vec<String> {
    let options = options::of::<T>().into_iter();
    let names = options.filter(|option| is(&option.facts));
    names.map(|option| option.name).collect()
}

/// The settings that have a bearing on what a run comes to.
pub fn bearing<T: Options>(mut settings: Map<String, Value>) -> Map<String, Value> {
    for name in names::<T>(|facts| facts.changes_no_result) {
        settings.shift_remove(&name);
    }
    settings
}

/// Settings as the text of `config.toml`.
///
/// TOML has no null: an option that has a value by default and none in this run is `"none"`, and
/// so is any option of a component that has none.
///
/// # Errors
/// Never in practice: the settings came from such a file or from flags.
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

/// `value` with the word `none` for every null in the tables of it.
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
