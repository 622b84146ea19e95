//! Options whose value maps names to values: JSON on the command line, a file, or a table of a
//! configuration file.

use std::path::Path;

use aam_api::error::nearest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::RunError;
use aam_core::DataError;
use aam_data::bounded::read_text_file;

/// Largest accepted file of values, in bytes.
const LONGEST: u64 = 64 << 20;

/// Values by name, or where to find them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum NamedValues {
    /// A JSON object, the path of a .json or .toml file, or a keyword of the option.
    Text(String),
    /// The values.
    Table(Map<String, Value>),
}

/// Values by name, with the setting (and file) to name in errors about them.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// The setting.
    pub key: &'static str,
    /// The file, if any.
    pub file: Option<String>,
    /// The values.
    pub values: Map<String, Value>,
}

impl Named {
    /// An error about the values.
    pub fn problem(&self, problem: impl Into<String>) -> RunError {
        RunError::Setting {
            key: self.key.to_owned(),
            value: self.file.clone(),
            problem: problem.into(),
        }
    }
}

impl NamedValues {
    /// The keyword, if it is one of `words`.
    pub fn word<'a>(&self, words: &[&'a str]) -> Option<&'a str> {
        match self {
            Self::Text(text) => words.iter().find(|word| **word == text.trim()).copied(),
            Self::Table(_) => None,
        }
    }

    /// Whether it is the keyword for no value.
    pub fn is_none(&self) -> bool {
        self.word(&["none"]).is_some()
    }

    /// The values; `key` is the option, `words` are its keywords.
    ///
    /// # Errors
    /// The text is neither JSON nor the path of a file, or the file cannot be read or is not an
    /// object.
    pub fn read(&self, key: &'static str, words: &[&str]) -> Result<Named, RunError> {
        let named = |values| Named {
            key,
            file: None,
            values,
        };
        let text = match self {
            Self::Text(text) => text.trim(),
            Self::Table(values) => return Ok(named(values.clone())),
        };
        if text.starts_with(['{', '[']) {
            let values = serde_json::from_str(text).map_err(|error| {
                let problem = format!("this is not a JSON object ({error}): {text}");
                let help = "such as {\"name\": 2}, in single quotes";
                RunError::setting(key, format!("{problem}\n  help: {help}"))
            })?;
            return Ok(named(values));
        }
        let path = Path::new(text);
        let is_path = path.extension().is_some() || text.contains(std::path::is_separator);
        if !is_path && !path.exists() {
            let similar = nearest(text, words.iter().copied());
            let similar =
                similar.map_or(String::new(), |word| format!(" (did you mean '{word}'?)"));
            let words: String = words.iter().map(|word| format!("{word}, ")).collect();
            let problem = format!(
                "expected {words}a JSON object or the path of a .json or .toml file, found '{text}'{similar}"
            );
            return Err(RunError::setting(key, problem));
        }
        Ok(Named {
            file: Some(text.to_owned()),
            ..named(from_file(path)?)
        })
    }
}

fn from_file(path: &Path) -> Result<Map<String, Value>, DataError> {
    let text = read_text_file(path, LONGEST)
        .map_err(|error| DataError::in_file(path, format!("cannot be read: {error}")))?;
    let is_toml = path
        .extension()
        .is_some_and(|extension| extension == "toml");
    let values = match is_toml {
        true => toml::from_str(&text).map_err(|error| error.to_string().trim_end().to_owned()),
        false => serde_json::from_str(&text).map_err(|error| error.to_string()),
    };
    values.map_err(|problem| {
        let expected = if is_toml { "TOML" } else { "a JSON object" };
        DataError::in_file(path, format!("this is not {expected}: {problem}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> NamedValues {
        NamedValues::Text(text.to_owned())
    }

    #[test]
    fn values_are_the_same_from_json_a_file_and_a_table() {
        let folder = tempfile::tempdir().unwrap();
        let (json, toml) = (folder.path().join("a.json"), folder.path().join("a.toml"));
        std::fs::write(&json, r#"{"x": {"name": "one", "delta": 2.0}, "y": 3}"#).unwrap();
        std::fs::write(&toml, "y = 3\n[x]\nname = \"one\"\ndelta = 2.0\n").unwrap();
        let inline = text(r#" {"x": {"name": "one", "delta": 2.0}, "y": 3}"#);
        let read = |values: &NamedValues| values.read("f", &[]).unwrap();
        let expected = read(&inline);
        assert_eq!((expected.key, &expected.file), ("f", &None));
        assert_eq!(read(&NamedValues::Table(expected.values.clone())), expected);
        for path in [json, toml] {
            let path = path.to_str().unwrap();
            let named = read(&text(path));
            assert_eq!(named.file.as_deref(), Some(path));
            assert_eq!(named.values.get("x"), expected.values.get("x"));
            assert_eq!(named.values.get("y"), expected.values.get("y"));
        }
    }

    #[test]
    fn anything_else_is_refused_with_alternatives() {
        let error = |values: &str| text(values).read("f", &["auto"]).unwrap_err().to_string();
        assert_eq!(
            error("atuo"),
            "--f: expected auto, a JSON object or the path of a .json or .toml file, found 'atuo' \
             (did you mean 'auto'?)"
        );
        assert!(error("{\"a\": }").starts_with("--f: this is not a JSON object"));
        assert!(error("[1]").starts_with("--f: this is not a JSON object"));
        assert!(error("none.toml").starts_with("none.toml: cannot be read"));
    }
}
