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
