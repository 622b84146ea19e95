//! Components that are trained together, or other settings that are tried.

use aam_api::kind::kind_called;
use aam_api::{Choice, Stage};
use serde_json::{Map, Value};

use aam_run::RunError;
use aam_train::options::TrainOptions;

/// One component of each kind, or a trial of other settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Combination {
    components: Vec<(String, Choice)>,
    trial: Option<Trial>,
}

/// Where the settings of a trial are in what [`Combination::to_json`] makes.
pub(super) const SETTINGS: &str = "settings";

/// Settings that are tried.
#[derive(Clone, Debug, PartialEq)]
struct Trial {
    /// From 1.
    number: usize,
    /// In place of those given.
    settings: Map<String, Value>,
}

impl Combination {
    /// That which the options have, of no kind in particular.
    pub(super) fn as_given() -> Self {
        Self::default()
    }

    /// Trial `number`, from 1, of `settings` in place of those given.
    pub(super) fn trial(number: usize, settings: Map<String, Value>) -> Self {
        Self {
            components: Vec::new(),
            trial: Some(Trial { number, settings }),
        }
    }

    /// The settings that a trial has in place of those given.
    pub(super) fn settings(&self) -> Option<&Map<String, Value>> {
        self.trial.as_ref().map(|trial| &trial.settings)
    }

    /// Whether it is what the options have.
    pub(super) fn is_as_given(&self) -> bool {
        self.components.is_empty() && self.trial.is_none()
    }

    /// Every combination of the choices of each kind, the last kind changing first.
    pub fn grid(kinds: &[(String, Vec<Choice>)]) -> Vec<Self> {
        kinds
            .iter()
            .fold(vec![Self::default()], |all, (kind, choices)| {
                let extended = all.iter().flat_map(|combination| {
                    choices.iter().map(|choice| {
                        let mut components = combination.components.clone();
                        components.push((kind.clone(), choice.clone()));
                        Self {
                            components,
                            trial: None,
                        }
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
        if let Some(trial) = &self.trial {
            return format!("trial {}", trial.number);
        }
        let parts = self.components.iter();
        let parts: Vec<String> = parts
            .map(|(kind, choice)| format!("{kind} {}", choice.name))
            .collect();
        parts.join(", ")
    }

    /// Name of the folder of its runs.
    pub fn folder(&self) -> String {
        if let Some(trial) = &self.trial {
            return format!("trial-{:03}", trial.number);
        }
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
        for (name, setting) in self.settings().into_iter().flatten() {
            value[name.as_str()] = setting.clone();
        }
        let mut options: TrainOptions = serde_json::from_value(value).map_err(broken)?;
        for (name, choice) in &self.components {
            match kind_called(name)? {
                Some(kind) if kind.is_chosen_in(Stage::Training) => {
                    options.components.insert(kind.name, choice.clone());
                }
                _ => return Err(RunError::Usage(format!("training has no {name}"))),
            }
        }
        Ok(options)
    }

    /// The components as a JSON object of kinds.
    pub(super) fn to_json(&self) -> Value {
        let entries = self.components.iter().map(|(kind, choice)| {
            let choice = serde_json::to_value(choice).unwrap_or_default();
            (kind.clone(), choice)
        });
        let mut entries: Map<String, Value> = entries.collect();
        if let Some(settings) = self.settings() {
            entries.insert(SETTINGS.to_owned(), Value::Object(settings.clone()));
        }
        Value::Object(entries)
    }
}

#[cfg(test)]
mod tests {
    use aam_api::{Components, LossKind};

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
            components: Components::default().with::<LossKind>(Choice::named("mine")),
            ..TrainOptions::default()
        };
        options.optimization.lr = Some(0.25);
        let applied = Combination::grid(&kinds)[0].applied_to(&options).unwrap();
        let chosen = |kind| {
            applied
                .components
                .get(kind)
                .map(|choice| choice.name.as_str())
        };
        assert_eq!((chosen("head"), chosen("loss")), (Some("a"), Some("mine")));
        assert_eq!(applied.optimization.lr, Some(0.25));
        let kinds = [("tail".to_owned(), vec![Choice::named("a")])];
        assert!(Combination::grid(&kinds)[0].applied_to(&options).is_err());
    }
}
