//! Options and documentation of a plugin.

use serde_json::{Map, Value};

use super::{Check, ensure};
use crate::{Kind, Plugin, PluginError};

pub(super) fn check<K: Kind>(plugin: &Plugin<K>, between_words: char) -> Check {
    ensure!(
        are_words(plugin.name, between_words),
        "the name does not consist of lower-case words with '{between_words}' between them"
    );
    ensure!(
        !plugin.summary().is_empty(),
        "its config has no documentation"
    );
    let options = plugin.options();
    for option in &options {
        let name = &option.name;
        ensure!(is_kebab_case(name), "option '{name}' is not kebab-case");
        ensure!(
            name != "name",
            "has an option 'name', which is that of the component itself in a configuration file"
        );
        ensure!(
            !option.description.is_empty(),
            "option '{name}' has no documentation"
        );
        ensure!(
            !option.type_name.is_empty(),
            "option '{name}' has a type that a flag cannot give"
        );
        let text = as_text(&option.default);
        let parsed = option.parse(&text);
        ensure!(
            parsed.as_ref() == Ok(&option.default),
            "the default {} of option '{name}' becomes {parsed:?} when given as '{text}'",
            option.default
        );
    }

    let defaults = resolve(plugin, &Map::new())?;
    ensure!(
        defaults == resolve(plugin, &defaults)?,
        "the resolved options {defaults:?} resolve to something else"
    );
    for option in &options {
        let default = defaults.get(&option.name);
        ensure!(
            default == Some(&option.default),
            "option '{}' has the default {}, but is {default:?} where it is not given; \
             the config needs #[serde(default)]",
            option.name,
            option.default
        );
    }
    check_refusals(plugin, &options)
}

fn check_refusals<K: Kind>(plugin: &Plugin<K>, options: &[crate::options::OptionInfo]) -> Check {
    let unknown = Map::from_iter([("no-such-option".to_owned(), Value::from(1))]);
    ensure!(
        matches!(
            plugin.resolve(&unknown),
            Err(PluginError::UnknownOption { .. })
        ),
        "an unknown option is accepted"
    );
    for option in options.iter().filter(|option| option.type_name != "table") {
        let wrong = Value::from(Map::from_iter([("a".to_owned(), Value::Null)]));
        let wrong = Map::from_iter([(option.name.clone(), wrong)]);
        ensure!(
            matches!(plugin.resolve(&wrong), Err(PluginError::BadOption { .. })),
            "option '{}' accepts a value of the wrong type",
            option.name
        );
    }
    Ok(())
}

/// The options with defaults filled in.
pub(super) fn resolve<K: Kind>(
    plugin: &Plugin<K>,
    options: &Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    plugin.resolve(options).map_err(|error| error.to_string())
}

/// `options` with a dropout of `dropout`, if the component has an option of that name.
pub(super) fn with_dropout<K: Kind>(
    plugin: &Plugin<K>,
    options: &Map<String, Value>,
    dropout: f64,
) -> Option<Map<String, Value>> {
    let known = plugin.options();
    known.iter().find(|option| option.name == "dropout")?;
    let mut options = options.clone();
    options.insert("dropout".to_owned(), Value::from(dropout));
    Some(options)
}

/// Builds the component; `None` if it says that the run lacks something.
pub(super) fn build<K: Kind>(
    plugin: &Plugin<K>,
    options: &Map<String, Value>,
    context: &K::Context,
) -> Result<Option<K::Component>, String> {
    match plugin.build(options, context, &burn::tensor::Device::default()) {
        Ok(component) => Ok(Some(component)),
        Err(PluginError::Needs { .. }) => Ok(None),
        Err(error) => Err(format!("cannot be built: {error}")),
    }
}

fn is_kebab_case(name: &str) -> bool {
    are_words(name, '-')
}

fn are_words(name: &str, between: char) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == between;
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(allowed)
        && !name.ends_with(between)
}

fn as_text(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(as_text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
