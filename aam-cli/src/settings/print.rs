//! Settings as the text of a configuration file.

use std::borrow::Cow;

use aam_runtime::text::{visible, visible_json};
use serde_json::Value;

use super::Settings;
use crate::jobs::Job;

impl Settings {
    /// Writes the settings of `job` as TOML that `--config` reads: options in the order of the help text,
    /// then one table per component. Options without a value are left out, unless they have one by
    /// default.
    pub fn to_toml(&self, job: &Job) -> String {
        let mut text = format!("command = \"{}\"\n", job.name);
        for option in job.options() {
            let value = self.values.get(&option.name).unwrap_or(&Value::Null);
            match written(value) {
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
                let value = written(value).unwrap_or_else(|| "\"none\"".to_owned());
                text.push_str(&format!("{name} = {value}\n"));
            }
        }
        text
    }
}

/// A value as TOML text without invisible characters.
fn written(value: &Value) -> Option<String> {
    let text = toml(value)?.to_string();
    let is_plain = matches!(visible(&text), Cow::Borrowed(_));
    Some(if is_plain { text } else { escaped(value) })
}

/// The same with JSON escapes, which are also TOML escapes.
fn escaped(value: &Value) -> String {
    match value {
        Value::Object(table) => {
            let entries = table.iter().filter(|(_, value)| !value.is_null());
            let entries = entries.map(|(key, value)| {
                let key = escaped(&Value::from(key.as_str()));
                format!("{key} = {}", escaped(value))
            });
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(escaped).collect();
            format!("[{}]", items.join(", "))
        }
        other => visible_json(&other.to_string()).into_owned(),
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hidden_characters_are_escaped_and_read_back() {
        for value in [
            json!("a\u{1b}[31m \"b\" \u{202e}"),
            json!(["gut", "x\u{9b}\n"]),
            json!({"k\u{200b}": {"name": "\u{7f}", "delta": 2.5}}),
        ] {
            let text = written(&value).unwrap();
            assert!(text.is_ascii(), "{text}");
            let read: toml::Table = format!("key = {text}").parse().unwrap();
            assert_eq!(serde_json::to_value(&read["key"]).unwrap(), value);
        }
    }
}
