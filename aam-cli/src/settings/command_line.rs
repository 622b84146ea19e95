//! The command line that corresponds to given options.

use aam_runtime::report::words::quoted;
use serde::Serialize;
use serde_json::{Map, Value};

/// `aam COMMAND` with a flag for every option that differs from its default.
pub fn command_line<T: Serialize + Default>(command: &str, options: &T) -> String {
    let defaults = table(&T::default());
    let mut line = format!("aam {command}");
    for (name, value) in table(options) {
        if defaults.get(&name) != Some(&value) {
            flag(&mut line, &name, &value);
        }
    }
    line
}

fn table<T: Serialize>(options: &T) -> Map<String, Value> {
    match serde_json::to_value(options) {
        Ok(Value::Object(table)) => table,
        _ => Map::new(),
    }
}

fn flag(line: &mut String, name: &str, value: &Value) {
    match value {
        Value::Bool(true) => line.push_str(&format!(" --{name}")),
        Value::Bool(false) => line.push_str(&format!(" --no-{name}")),
        Value::Object(component) => {
            for (option, value) in component {
                match option.as_str() {
                    "name" => flag(line, name, value),
                    option => flag(line, &format!("{name}.{option}"), value),
                }
            }
        }
        value => line.push_str(&format!(" --{name} {}", quoted(&text(value)))),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use aam_api::{Choice, Components, HeadKind};
    use aam_runtime::options::TrainOptions;

    use super::*;

    #[test]
    fn only_changed_settings_become_flags() {
        let mut options = TrainOptions {
            metadata: Some("my metadata.tsv".into()),
            metadata_column: vec!["ph".to_owned(), "depth".to_owned()],
            freeze_base: Some(true),
            components: Components::default().with::<HeadKind>(Choice::named("linear")),
            ..TrainOptions::default()
        };
        options.optimization.max_grad_norm = None;
        assert_eq!(
            command_line("train", &options),
            "aam train --metadata 'my metadata.tsv' --metadata-column ph,depth \
             --max-grad-norm none --freeze-base --head linear"
        );
    }
}
