//! Combinations of components, or of other settings, that are trained.

use aam_api::kind::kind_called;
use aam_api::{Choice, Stage, options};
use serde_json::{Map, Value};

use aam_run::RunError;
use aam_train::options::TrainOptions;

/// One component of each kind and one value of each varied setting, or a trial of other settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Combination {
    components: Vec<(String, Choice)>,
    /// Values of varied settings.
    varied: Vec<(String, Value)>,
    /// What distinguishes the components and values from others, in the same order.
    labels: Vec<String>,
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
            trial: Some(Trial { number, settings }),
            ..Self::default()
        }
    }

    /// The settings of a trial that override those given.
    pub(super) fn settings(&self) -> Option<&Map<String, Value>> {
        self.trial.as_ref().map(|trial| &trial.settings)
    }

    /// Whether this is the combination defined by the options.
    pub(super) fn is_as_given(&self) -> bool {
        self.components.is_empty() && self.varied.is_empty() && self.trial.is_none()
    }

    /// All combinations of the choices of each kind. The last kind varies fastest.
    pub fn grid(kinds: &[(String, Vec<Choice>)]) -> Vec<Self> {
        Self::grid_with(kinds, &[])
    }

    /// All combinations of the choices of each kind and the values of each setting. The last one varies
    /// fastest.
    pub fn grid_with(
        kinds: &[(String, Vec<Choice>)],
        settings: &[(String, Vec<Value>)],
    ) -> Vec<Self> {
        let mut all = vec![Self::default()];
        for (kind, choices) in kinds {
            all = extended(&all, choices, |combination, choice| {
                combination.components.push((kind.clone(), choice.clone()));
                combination.labels.push(label_among(choice, choices));
            });
        }
        for (name, values) in settings {
            all = extended(&all, values, |combination, value| {
                combination.varied.push((name.clone(), value.clone()));
                combination.labels.push(shown(value));
            });
        }
        all
    }

    /// The kinds and components.
    pub fn components(&self) -> &[(String, Choice)] {
        &self.components
    }

    /// The varied settings with their values.
    pub fn varied(&self) -> &[(String, Value)] {
        &self.varied
    }

    /// The kinds and varied settings, each with what distinguishes its component or value.
    pub fn axes(&self) -> impl Iterator<Item = (&str, &str)> {
        let kinds = self.components.iter().map(|(kind, _)| kind.as_str());
        let settings = self.varied.iter().map(|(name, _)| name.as_str());
        let labels = self.labels.iter().map(String::as_str);
        kinds.chain(settings).zip(labels)
    }

    /// The kinds and names, as in `head NAME, fusion NAME`.
    pub fn label(&self) -> String {
        if let Some(trial) = &self.trial {
            return format!("trial {}", trial.number);
        }
        let parts = self.axes().map(|(axis, label)| format!("{axis} {label}"));
        parts.collect::<Vec<_>>().join(", ")
    }

    /// The name of the folder for its runs.
    pub fn folder(&self) -> String {
        if let Some(trial) = &self.trial {
            return format!("trial-{:03}", trial.number);
        }
        let varied = self.varied.iter().map(|(name, _)| name);
        let parts = self.labels.iter().enumerate().map(|(place, label)| {
            match place.checked_sub(self.components.len()) {
                None => label.clone(),
                Some(place) => {
                    varied
                        .clone()
                        .nth(place)
                        .map_or("", String::as_str)
                        .to_owned()
                        + "="
                        + label
                }
            }
        });
        let name = parts.collect::<Vec<_>>().join("+");
        let plain = |letter: char| letter.is_alphanumeric() || "+-_.,=".contains(letter);
        name.chars()
            .map(|letter| if plain(letter) { letter } else { '-' })
            .collect()
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
        if !self.varied.is_empty() {
            let known = options::of::<TrainOptions>();
            for (name, setting) in &self.varied {
                if !known.iter().any(|option| option.name == *name) {
                    return Err(RunError::Usage(format!("training has no setting {name}")));
                }
                value[name.as_str()] = setting.clone();
            }
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

    /// The components and varied settings as a JSON object keyed by kind or name.
    pub(super) fn to_json(&self) -> Value {
        let entries = self.components.iter().map(|(kind, choice)| {
            let choice = serde_json::to_value(choice).unwrap_or_default();
            (kind.clone(), choice)
        });
        let mut entries: Map<String, Value> = entries.collect();
        entries.extend(self.varied.iter().cloned());
        if let Some(settings) = self.settings() {
            entries.insert(SETTINGS.to_owned(), Value::Object(settings.clone()));
        }
        Value::Object(entries)
    }
}

/// Every combination of `all` with every one of `values`, which `add` adds to it.
fn extended<T>(
    all: &[Combination],
    values: &[T],
    add: impl Fn(&mut Combination, &T),
) -> Vec<Combination> {
    let pairs = all
        .iter()
        .flat_map(|one| values.iter().map(move |v| (one, v)));
    pairs
        .map(|(combination, value)| {
            let mut combination = combination.clone();
            add(&mut combination, value);
            combination
        })
        .collect()
}

/// The name of a component, with the options in which it differs from others of that name.
fn label_among(choice: &Choice, all: &[Choice]) -> String {
    let same = || all.iter().filter(|other| other.name == choice.name);
    let differs = |option: &str, value: &Value| {
        same().any(|other| other.options.get(option).unwrap_or(&Value::Null) != value)
    };
    let options = choice.options.iter();
    let differing = options.filter(|(option, value)| differs(option, value));
    let parts = differing.map(|(option, value)| format!(" {option}={}", shown(value)));
    choice.name.clone() + &parts.collect::<String>()
}

/// A value as a flag has it.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".to_owned(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(","),
        other => other.to_string(),
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
    fn settings_and_options_distinguish_combinations() {
        let head = |name: &str, hidden: Value| {
            let mut choice = Choice::named(name);
            choice.options.insert("hidden".to_owned(), hidden);
            choice.options.insert("dropout".to_owned(), 0.5.into());
            choice
        };
        let heads = vec![
            head("a", serde_json::json!([64, 32])),
            head("a", serde_json::json!([8])),
            head("b", serde_json::json!([8])),
        ];
        let rates = ("lr".to_owned(), vec![0.001.into(), 0.01.into()]);
        let all = Combination::grid_with(&[("head".to_owned(), heads)], &[rates]);
        let labels: Vec<String> = all.iter().map(Combination::label).collect();
        let expected = [
            "head a hidden=64,32, lr 0.001",
            "head a hidden=64,32, lr 0.01",
            "head a hidden=8, lr 0.001",
            "head a hidden=8, lr 0.01",
            "head b, lr 0.001",
            "head b, lr 0.01",
        ];
        assert_eq!(labels, expected);
        assert_eq!(all[0].folder(), "a-hidden=64,32+lr=0.001");
        assert_eq!(all[5].folder(), "b+lr=0.01");
        let only = |name: &str| {
            let axis = (name.to_owned(), vec![0.25.into()]);
            Combination::grid_with(&[], &[axis]).remove(0)
        };
        let applied = only("lr").applied_to(&TrainOptions::default()).unwrap();
        assert_eq!(applied.optimization.lr, Some(0.25));
        assert!(only("rl").applied_to(&TrainOptions::default()).is_err());
        assert_eq!(only("lr").to_json(), serde_json::json!({"lr": 0.25}));
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
