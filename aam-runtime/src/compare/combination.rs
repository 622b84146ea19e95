//! Components that are trained together.

use aam_api::Choice;
use serde_json::Value;

use crate::error::RunError;
use crate::options::TrainOptions;

/// One component of each kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Combination {
    components: Vec<(String, Choice)>,
}

impl Combination {
    /// That which the options have, of no kind in particular.
    pub(super) fn as_given() -> Self {
        Self {
            components: Vec::new(),
        }
    }

    /// Whether it is what the options have.
    pub(super) fn is_as_given(&self) -> bool {
        self.components.is_empty()
    }

    /// Every combination of the choices of each kind, the last kind changing first.
    pub fn grid(kinds: &[(String, Vec<Choice>)]) -> Vec<Self> {
        let empty = Self {
            components: Vec::new(),
        };
        kinds.iter().fold(vec![empty], |all, (kind, choices)| {
            let extended = all.iter().flat_map(|combination| {
                choices.iter().map(|choice| {
                    let mut components = combination.components.clone();
                    components.push((kind.clone(), choice.clone()));
                    Self { components }
                })
            });
            extended.collect()
        })
    }

    /// Kinds and components.
    pub fn components(&self) -> &[(String, Choice)] {
        &self.components
    }

    /// Kinds and names, as in `head NAME, fusion NAME`.
    pub fn label(&self) -> String {
        let parts = self.components.iter();
        let parts: Vec<String> = parts
            .map(|(kind, choice)| format!("{kind} {}", choice.name))
            .collect();
        parts.join(", ")
    }

    /// Name of the folder of its runs.
    pub fn folder(&self) -> String {
        let names: Vec<&str> = self.components.iter().map(|(_, c)| &*c.name).collect();
        names.join("+")
    }

    /// `options` with these components.
    ///
    /// # Errors
    /// A kind that training does not have.
    pub fn applied_to(&self, options: &TrainOptions) -> Result<TrainOptions, RunError> {
        let broken =
            |error: serde_json::Error| RunError::Usage(format!("{}: {error}", self.label()));
        let mut value = serde_json::to_value(options).map_err(broken)?;
        for (kind, choice) in &self.components {
            match value.get_mut(kind) {
                Some(place) => *place = serde_json::to_value(choice).map_err(broken)?,
                None => return Err(RunError::Usage(format!("training has no {kind}"))),
            }
        }
        serde_json::from_value(value).map_err(broken)
    }

    /// The components as a JSON object of kinds.
    pub(super) fn to_json(&self) -> Value {
        let entries = self.components.iter().map(|(kind, choice)| {
            let choice = serde_json::to_value(choice).unwrap_or_default();
            (kind.clone(), choice)
        });
        Value::Object(entries.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_has_every_combination_once() {
        let named = |names: &[&str]| names.iter().map(|&name| Choice::named(name)).collect();
        let kinds = [
            ("head".to_owned(), named(&["a", "b"])),
            ("fusion".to_owned(), named(&["m"])),
            ("loss".to_owned(), named(&["x", "y"])),
        ];
        let folders: Vec<String> = Combination::grid(&kinds)
            .iter()
            .map(Combination::folder)
            .collect();
        assert_eq!(folders, ["a+m+x", "a+m+y", "b+m+x", "b+m+y"]);
    }

    #[test]
    fn components_take_the_place_of_those_of_the_options() {
        let kinds = [("head".to_owned(), vec![Choice::named("a")])];
        let mut options = TrainOptions {
            loss: Some(Choice::named("mine")),
            ..TrainOptions::default()
        };
        options.optimization.lr = Some(0.25);
        let applied = Combination::grid(&kinds)[0].applied_to(&options).unwrap();
        assert_eq!(applied.head, Some(Choice::named("a")));
        assert_eq!(applied.loss, Some(Choice::named("mine")));
        assert_eq!(applied.optimization.lr, Some(0.25));
        let kinds = [("tail".to_owned(), vec![Choice::named("a")])];
        assert!(Combination::grid(&kinds)[0].applied_to(&options).is_err());
    }
}
