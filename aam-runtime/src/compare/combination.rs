//! Combinations of components, or of other settings, that are trained.

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

/// The key of a trial's settings in the output of [`Combination::to_json`].
pub(super) const SETTINGS: &str = "settings";

/// Settings of a trial.
#[derive(Clone, Debug, PartialEq)]
struct Trial {
    /// The number of the trial, from 1.
    number: usize,
    /// Settings that override those given.
    settings: Map<String, Value>,
}

impl Combination {
    /// The combination defined by the options, with no compared kinds.
    pub(super) fn as_given() -> Self {
        Self::default()
    }

    /// Trial `number` (from 1), whose `settings` override those given.
    pub(super) fn trial(number: usize, settings: Map<String, Value>) -> Self {
        Self {
            components: Vec::new(),
            trial: Some(Trial { number, settings }),
        }
    }

    /// The settings of a trial that override those given.
    pub(super) fn settings(&self) -> Option<&Map<String, Value>> {
        self.trial.as_ref().map(|trial| &trial.settings)
    }

    /// Whether this is the combination defined by the options.
    pub(super) fn is_as_given(&self) -> bool {
        self.components.is_empty() && self.trial.is_none()
    }

    /// All combinations of the choices of each kind. The last kind varies fastest.
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

    /// The kinds and components.
    pub fn components(&self) -> &[(String, Choice)] {
        &self.components
    }

    /// The kinds and names, as in `head NAME, fusion NAME`.
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

    /// The name of the folder for its runs.
    pub fn folder(&self) -> String {
        if let Some(trial) = &self.trial {
            return format!("trial-{:03}", trial.number);
        }
        let names: Vec<&str> = self.components.iter().map(|(_, c)| &*c.name).collect();
        names.join("+")
    }

    /// Returns `options` with these components.
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

    /// The components as a JSON object keyed by kind.
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
