//! Settings as the text of a configuration file.

use serde_json::Value;

use super::Settings;
use crate::jobs::Job;

impl Settings {
    /// The settings of `job` as TOML that `--config` reads back: options in the order of the help
    /// text, then a table per component. Options without a value are left out, unless they have
    /// one by default.
    pub fn to_toml(&self, job: &Job) -> String {
        let mut text = format!("command = \"{}\"\n", job.name);
        for option in job.options() {
            let value = self.values.get(&option.name).unwrap_or(&Value::Null);
            match toml(value) {
                Some(value) => text.push_str(&format!("{} = {value}\n", option.name)),
                None if option.default.is_null() => {}
                None => text.push_str(&format!("{} = \"none\"\n", option.name)),
            }
        }
        for (kind, _) in &job.kinds {
            let Some(Value::Object(choice)) = self.values.get(kind.name) else {
                continue;
            };
            text.push_str(&format!("\n[{}]\n", kind.name));
            for (name, value) in choice {
                let value = toml(value).map_or("\"none\"".to_owned(), |value| value.to_string());
                text.push_str(&format!("{name} = {value}\n"));
            }
        }
        text
    }
}

/// A value in TOML, which has no null.
pub(super) fn toml(value: &Value) -> Option<toml::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => toml::Value::Boolean(*value),
        Value::Number(number) => match number.as_i64() {
            Some(number) => toml::Value::Integer(number),
            None => toml::Value::Float(number.as_f64()?),
        },
        Value::String(text) => toml::Value::String(text.clone()),
        Value::Array(items) => toml::Value::Array(items.iter().filter_map(toml).collect()),
        Value::Object(table) => {
            let entries = table.iter();
            let entries = entries.filter_map(|(key, value)| Some((key.clone(), toml(value)?)));
            toml::Value::Table(entries.collect())
        }
    })
}
