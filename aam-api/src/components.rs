//! The components that make up a run.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::kind::kind_called;
use crate::{Choice, Kind, PluginError, Registry, Resolved};

/// The component chosen of each kind. As a `#[serde(flatten)]` field of a run's options it holds
/// `head = {…}`, `loss = {…}` and so on, including kinds of other crates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Components(Vec<(String, Choice)>);

impl Components {
    /// The choice of kind `K`, if one was made.
    pub fn choice<K: Kind>(&self) -> Option<&Choice> {
        self.get(K::NAME)
    }

    /// The choice of the kind named `kind`, if one was made.
    pub fn get(&self, kind: &str) -> Option<&Choice> {
        let mut all = self.0.iter();
        all.find(|(known, _)| known == kind)
            .map(|(_, choice)| choice)
    }

    /// Chooses a component of kind `K`.
    pub fn choose<K: Kind>(&mut self, choice: Choice) {
        self.insert(K::NAME, choice);
    }

    /// Adds a component of kind `K`.
    #[must_use]
    pub fn with<K: Kind>(mut self, choice: Choice) -> Self {
        self.choose::<K>(choice);
        self
    }

    /// Chooses a component of the kind named `kind`.
    pub fn insert(&mut self, kind: &str, choice: Choice) {
        match self.0.iter_mut().find(|(known, _)| known == kind) {
            Some((_, place)) => *place = choice,
            None => self.0.push((kind.to_owned(), choice)),
        }
    }

    /// All choices with the names of their kinds, in the order in which they were made.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Choice)> {
        self.0.iter().map(|(kind, choice)| (kind.as_str(), choice))
    }

    /// Returns the component of kind `K`, checked and with all options filled in.
    ///
    /// # Errors
    /// No component of the kind is chosen, or its name or an option is invalid.
    pub fn resolve<K: Kind>(&self) -> Result<Resolved, PluginError> {
        match self.choice::<K>() {
            Some(choice) => Registry::<K>::load()?.resolve(choice),
            None => Err(PluginError::NotChosen { kind: K::NAME }),
        }
    }
}

impl Serialize for Components {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Components {
    /// Reads the keys that name kinds and ignores the others, which are other options.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Kinds;

        impl<'de> Visitor<'de> for Kinds {
            type Value = Components;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table with a component of each kind")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Components, A::Error> {
                let mut components = Components::default();
                while let Some(key) = map.next_key::<String>()? {
                    match kind_called(&key).map_err(serde::de::Error::custom)? {
                        Some(kind) => {
                            if let Some(choice) = map.next_value::<Option<Choice>>()? {
                                components.insert(kind.name, choice);
                            }
                        }
                        None => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(components)
            }
        }

        deserializer.deserialize_map(Kinds)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{HeadKind, LossKind};

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct Inner {
        lr: f64,
        #[serde(flatten)]
        components: Components,
    }

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct Outer {
        #[serde(flatten)]
        inner: Inner,
        folds: Option<usize>,
    }

    #[test]
    fn kinds_are_read_among_other_options() {
        let given = json!({
            "folds": 3, "lr": 0.5, "loss": null,
            "head": {"name": "mlp", "hidden": [8, 4]}, "unknown": {"name": "x"},
        });
        let options: Outer = serde_json::from_value(given).unwrap();
        let head = options.inner.components.choice::<HeadKind>().unwrap();
        assert_eq!(head.options["hidden"], json!([8, 4]));
        assert_eq!(options.inner.components.choice::<LossKind>(), None);
        assert_eq!((options.folds, options.inner.lr), (Some(3), 0.5));
        let written: Value = serde_json::to_value(&options).unwrap();
        let expected = json!({"lr": 0.5, "head": {"name": "mlp", "hidden": [8, 4]}, "folds": 3});
        assert_eq!(written, expected);
        let again: Outer = serde_json::from_value(written).unwrap();
        assert_eq!(again, options);
    }

    #[test]
    fn a_missing_choice_is_reported() {
        let error = Components::default().resolve::<HeadKind>().unwrap_err();
        assert_eq!(error.to_string(), "--head is missing: choose one by name");
    }
}
