//! Options of components, converted between the text of a flag, a configuration file and a typed config.
//!
//! The schema that schemars derives from a config is the only description of its options: names,
//! types, ranges, defaults, documentation and [`Facts`] all come from it.

mod bounds;
mod facts;
mod list;

use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::PluginError;
use bounds::Bounds;

pub use facts::{Facts, FileUse, Heading, OnResume, Search, Spelling};
pub use list::split_list;

/// One option of a component or a command.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OptionInfo {
    /// Name, as in flags and files.
    pub name: String,
    /// Type, in words: `integer`, `list of numbers`, `one of a, b`, …
    #[serde(rename = "type")]
    pub type_name: String,
    /// Its default value.
    pub default: Value,
    /// Documentation.
    pub description: String,
    /// Further facts about it.
    #[serde(skip)]
    pub facts: Facts,
    #[serde(skip)]
    schema: Value,
}

/// An option whose value does not fit its schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("option '{option}': expected {expected}, found {found}")]
pub struct BadValue {
    /// The option.
    pub option: String,
    /// What is expected, in words.
    pub expected: String,
    /// What was found.
    pub found: String,
}

/// The options in the struct `C`, in declaration order, with the defaults of `C::default()`. Groups
/// marked `#[serde(flatten)]` are merged.
pub fn of<C: JsonSchema + Serialize + Default>() -> Vec<OptionInfo> {
    let mut options = list(&schemars::schema_for!(C));
    if let Ok(mut defaults) = to_map(&C::default()) {
        for option in &mut options {
            option.default = defaults.remove(&option.name).unwrap_or_default();
        }
    }
    options
}

/// Checks the type and range of every option in `options`.
///
/// # Errors
/// The first value that does not fit.
pub fn check_all<C: JsonSchema + Serialize + Default>(options: &C) -> Result<(), BadValue> {
    let values = to_map(options).unwrap_or_default();
    for info in of::<C>() {
        let value = values.get(&info.name).unwrap_or(&Value::Null);
        info.check(value).map_err(|expected| BadValue {
            option: info.name.clone(),
            expected,
            found: shown(value),
        })?;
    }
    Ok(())
}

/// The options that a config's schema describes, in declaration order.
pub(crate) fn list(schema: &Schema) -> Vec<OptionInfo> {
    let root = schema.as_value();
    let Some(properties) = root.get("properties").and_then(Value::as_object) else {
        return Vec::new();
    };
    properties
        .iter()
        .map(|(name, property)| {
            let mut property = property.clone();
            let default = property.get("default").cloned().unwrap_or(Value::Null);
            let description = property
                .get("description")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .replace('\n', " ");
            let facts = Facts::of(&property);
            inline_references(&mut property, root);
            OptionInfo {
                name: name.clone(),
                type_name: describe_type(&property),
                default,
                description,
                facts,
                schema: property,
            }
        })
        .collect()
}

/// Replaces `{"$ref": "#/$defs/X"}` by its definition, so that a property can be read on its own.
fn inline_references(schema: &mut Value, root: &Value) {
    let target = schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|reference| reference.strip_prefix('#'))
        .and_then(|pointer| root.pointer(pointer));
    if let Some(target) = target {
        *schema = target.clone();
    }
    match schema {
        Value::Object(members) => members
            .values_mut()
            .for_each(|member| inline_references(member, root)),
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| inline_references(item, root)),
        _ => {}
    }
}

/// The types that a schema allows: its `type`, or those of its alternatives.
fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => alternatives(schema).iter().flat_map(|s| types(s)).collect(),
    }
}

fn alternatives(schema: &Value) -> Vec<&Value> {
    ["anyOf", "oneOf"]
        .into_iter()
        .filter_map(|key| schema.get(key).and_then(Value::as_array))
        .flatten()
        .collect()
}

/// The words that a schema allows, if it allows only certain words.
fn words(schema: &Value) -> Vec<&str> {
    let listed = schema.get("enum").and_then(Value::as_array);
    let own = listed.into_iter().flatten().chain(schema.get("const"));
    let mut words: Vec<&str> = own.filter_map(Value::as_str).collect();
    words.extend(alternatives(schema).into_iter().flat_map(words_of));
    words
}

fn words_of(schema: &Value) -> Vec<&str> {
    words(schema)
}

fn describe_type(schema: &Value) -> String {
    let words = words(schema);
    let types = types(schema);
    if !words.is_empty() {
        let or_none = match types.contains(&"null") && !words.contains(&"none") {
            true => " or none",
            false => "",
        };
        return format!("one of {}{or_none}", words.join(", "));
    }
    let names: Vec<String> = types
        .iter()
        .filter(|name| **name != "null")
        .map(|name| match *name {
            "array" => match schema.get("items") {
                Some(items) => format!("list of {}s", describe_type(items)),
                None => "list".to_owned(),
            },
            "boolean" => "true or false".to_owned(),
            "object" => "table".to_owned(),
            "string" => "text".to_owned(),
            other => other.to_owned(),
        })
        .collect();
    let described = names.join(" or ");
    match types.contains(&"null") {
        true => format!("{described} or none"),
        false => described,
    }
}

impl OptionInfo {
    /// Parses the text of a flag into a value: `64,32` is a list, `none` is no value where that is
    /// allowed, and so on.
    ///
    /// # Errors
    /// A description of the expected value, if the text does not fit.
    pub fn parse(&self, text: &str) -> Result<Value, String> {
        let text = text.trim();
        let mut words = self.facts.words.iter();
        let word = words.find(|(other, _)| other == text);
        let text = word.map_or(text, |(_, word)| word);
        parse_text(&self.schema, text).ok_or_else(|| self.expected())
    }

    /// Checks the type and range of a value.
    ///
    /// # Errors
    /// A description of the expected value, if the value does not fit.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        match fits(&self.schema, value) {
            true => Ok(()),
            false => Err(self.expected()),
        }
    }

    /// Whether the option is true, false or unset, so that its flag needs no value.
    pub fn is_switch(&self) -> bool {
        let mut types = types(&self.schema);
        types.retain(|name| *name != "null");
        types == ["boolean"]
    }

    /// Whether it is an option of a component that used to be the option `name` of the command.
    pub fn was_option(&self, name: &str) -> bool {
        let mut spellings = self.facts.spellings.iter();
        spellings.any(|spelling| spelling.former && spelling.flag == name)
    }

    /// Whether the option is a list.
    pub fn is_list(&self) -> bool {
        types(&self.schema).contains(&"array")
    }

    /// The separator that joins the values of its flag, if the flag can be repeated.
    pub fn joint(&self) -> Option<&str> {
        let of_a_list = self.is_list().then_some(",");
        self.facts.joined.as_deref().or(of_a_list)
    }

    /// Whether the option may be unset, written `none` in flags and files.
    pub fn allows_none(&self) -> bool {
        types(&self.schema).contains(&"null")
    }

    /// The allowed words, if only certain words are allowed.
    pub fn words(&self) -> Vec<&str> {
        words(&self.schema)
    }

    /// Its type and range in words, such as `integer of at least 1`.
    pub fn type_and_range(&self) -> String {
        let none = " or none";
        let (name, none) = match self.type_name.strip_suffix(none) {
            Some(name) => (name, none),
            None => (self.type_name.as_str(), ""),
        };
        let items = self.schema.get("items").filter(|_| self.is_list());
        let range = Bounds::of(items.unwrap_or(&self.schema)).words();
        format!("{name}{range}{none}")
    }

    fn expected(&self) -> String {
        let article = match self.type_name.split_whitespace().next() {
            Some("integer") => "an ",
            Some("number" | "list" | "table") => "a ",
            _ => "",
        };
        format!("{article}{}", self.type_and_range())
    }
}

fn parse_text(schema: &Value, text: &str) -> Option<Value> {
    let allowed = words(schema);
    let hyphenated = text.replace('_', "-");
    if let Some(word) = [text, &hyphenated]
        .into_iter()
        .find(|word| allowed.contains(word))
    {
        return Some(Value::from(word));
    }
    if !allowed.is_empty() {
        return (text == "none" && types(schema).contains(&"null")).then_some(Value::Null);
    }
    types(schema).iter().find_map(|name| match *name {
        "integer" => {
            let number = text.parse::<i64>().ok()?;
            Bounds::of(schema)
                .allow(number as f64)
                .then(|| Value::from(number))
        }
        "number" => {
            let number = text.parse::<f64>().ok().filter(|n| n.is_finite())?;
            Bounds::of(schema)
                .allow(number)
                .then(|| Value::from(number))
        }
        "boolean" => text.parse::<bool>().ok().map(Value::from),
        "null" => (text == "none").then_some(Value::Null),
        "array" => {
            let of = |schema: &Value| schema.get("items").cloned();
            let items = &of(schema).or_else(|| alternatives(schema).into_iter().find_map(of))?;
            split_list(text)
                .into_iter()
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| parse_text(items, item))
                .collect::<Option<Vec<Value>>>()
                .map(Value::from)
        }
        "string" => Some(Value::from(text)),
        "object" => serde_json::from_str::<Map<String, Value>>(text)
            .ok()
            .map(Value::from),
        _ => None,
    })
}

/// Rejects a value of the wrong type with an error that names the option.
pub(crate) fn check(
    kind: &'static str,
    component: &str,
    info: &OptionInfo,
    value: &Value,
) -> Result<(), PluginError> {
    info.check(value)
        .map_err(|expected| PluginError::BadOption {
            kind,
            component: component.to_owned(),
            option: info.name.clone(),
            expected,
            found: shown(value),
        })
}

fn fits(schema: &Value, value: &Value) -> bool {
    let allowed = words(schema);
    let types = types(schema);
    if !allowed.is_empty() {
        return match value.as_str() {
            Some(text) => allowed.contains(&text),
            None => value.is_null() && types.contains(&"null"),
        };
    }
    if types.is_empty() {
        return true;
    }
    types.iter().any(|name| match *name {
        "integer" => {
            let integral = value.is_i64() || value.is_u64();
            integral && value.as_f64().is_some_and(|n| Bounds::of(schema).allow(n))
        }
        "number" => value.as_f64().is_some_and(|n| Bounds::of(schema).allow(n)),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "string" => value.is_string(),
        "object" => value.is_object(),
        "array" => value.as_array().is_some_and(|values| {
            let items = schema.get("items");
            values
                .iter()
                .all(|value| items.is_none_or(|items| fits(items, value)))
        }),
        _ => true,
    })
}

pub(crate) fn from_map<C: DeserializeOwned + JsonSchema>(
    kind: &'static str,
    component: &str,
    options: Map<String, Value>,
) -> Result<C, PluginError> {
    for info in list(&schemars::schema_for!(C)) {
        if let Some(value) = options.get(&info.name) {
            check(kind, component, &info, value)?;
        }
    }
    serde_json::from_value(Value::Object(options)).map_err(|error| PluginError::BadOptions {
        kind,
        component: component.to_owned(),
        problem: error.to_string(),
    })
}

pub(crate) fn to_map<C: Serialize>(config: &C) -> Result<Map<String, Value>, PluginError> {
    match serde_json::to_value(config) {
        Ok(Value::Object(options)) => Ok(options),
        Ok(other) => Err(not_a_table(&other.to_string())),
        Err(error) => Err(not_a_table(&error.to_string())),
    }
}

/// A value as messages show what was found: text in single quotes, anything else as JSON.
pub fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{text}'"),
        other => other.to_string(),
    }
}

fn not_a_table(found: &str) -> PluginError {
    PluginError::BadOptions {
        kind: "component",
        component: String::new(),
        problem: format!("its config must serialise to a table, found {found}"),
    }
}
