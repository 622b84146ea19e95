//! The choice of the objectives of a run.

use aam_api::options::{self, OptionInfo};
use aam_api::{
    BoxedObjective, Choice, Components, Kind, Learned, ObjectiveConfig, ObjectiveContext,
    ObjectiveKind, PluginError, Registry,
};
use aam_unifrac::Metric;
use burn::tensor::Device;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::objectives::UnifracObjectiveConfig;
use crate::options::DataOptions;
use aam_run::RunError;
use aam_run::named_components::ComponentList;

/// An objective of a run.
#[derive(Debug)]
pub struct WeightedObjective {
    /// The objective.
    pub objective: BoxedObjective,
    /// The weight of its loss among those of all objectives.
    pub weight: f64,
}

/// What a base predicts of samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SampleReadouts {
    /// The number of kinds of distance between samples.
    pub distances: usize,
    /// The number of values per sample.
    pub values: usize,
}

impl SampleReadouts {
    /// Those of the objectives in `components`, if their loss has the weight `weight`.
    ///
    /// # Errors
    /// Those of [`objectives`].
    pub fn of(
        options: &DataOptions,
        components: &Components,
        weight: f64,
    ) -> Result<Self, RunError> {
        let mut readouts = Self::default();
        if weight > 0.0 {
            for of in objectives(options, components)? {
                match of.objective.learned() {
                    Learned::Distances => readouts.distances += 1,
                    Learned::Values => readouts.values += 1,
                }
            }
        }
        Ok(readouts)
    }
}

/// The option of an objective that is set by `--unifrac-metric`.
const METRIC: &str = "metric";

/// The options of each item of a list of objectives, whatever the objective.
#[derive(Serialize, JsonSchema)]
struct ItemOptions {
    /// Weight of its loss among those of all objectives.
    #[schemars(extend("exclusiveMinimum" = 0))]
    weight: f64,
}

impl Default for ItemOptions {
    fn default() -> Self {
        Self { weight: 1.0 }
    }
}

/// The objectives in `components`, as in `unifrac,taxonomy:weight=0.5`, or the one implied by the metric
/// in `options`. There is at least one.
///
/// # Errors
/// An objective or a metric that does not exist, or two that contradict each other.
pub fn objectives(
    options: &DataOptions,
    components: &Components,
) -> Result<Vec<WeightedObjective>, RunError> {
    let registry = Registry::<ObjectiveKind>::load()?;
    let choice = components.choice::<ObjectiveKind>();
    let mut all: Vec<WeightedObjective> = Vec::new();
    for Item { choice, weight } in chosen(&registry, &options.unifrac_metric, choice)? {
        let objective = built(&registry, &options.unifrac_metric, &choice)?;
        let name = objective.subject().name;
        if all.iter().any(|of| of.objective.subject().name == name) {
            let (key, names) = asked(options, components)?;
            let problem = format!(
                "two of them are reported as {name}_r2, so only one can be learned: leave out the other"
            );
            return Err(RunError::value(key, names, problem));
        }
        all.push(WeightedObjective { objective, weight });
    }
    Ok(all)
}

fn built(
    registry: &Registry<ObjectiveKind>,
    metric: &str,
    choice: &Choice,
) -> Result<BoxedObjective, RunError> {
    let resolved = registry.resolve(choice)?;
    let (context, device) = (ObjectiveContext::default(), Device::flex());
    let built = registry.build(&resolved, &context, &device);
    built.map_err(|error| match error {
        PluginError::BadOptions { problem, .. } if named(registry, metric).is_none() => {
            let objectives = registry.iter().map(|plugin| plugin.name.to_owned());
            let names: Vec<String> = Metric::names().into_iter().chain(objectives).collect();
            let problem = format!("{problem}\n  help: choose one of {}", names.join(", "));
            RunError::setting("unifrac-metric", problem)
        }
        other => other.into(),
    })
}

/// The setting that defines the objectives, and its value, for messages.
///
/// # Errors
/// Those of [`Registry::load`].
pub(super) fn asked(
    options: &DataOptions,
    components: &Components,
) -> Result<(&'static str, String), RunError> {
    let registry = Registry::<ObjectiveKind>::load()?;
    let choice = components.choice::<ObjectiveKind>();
    Ok(match named(&registry, &options.unifrac_metric) {
        Some(name) => ("unifrac-metric", name.to_owned()),
        None => {
            let name = choice.map_or(UnifracObjectiveConfig::NAME, |choice| &choice.name);
            (ObjectiveKind::NAME, name.to_owned())
        }
    })
}

/// The objective with the name `metric`.
fn named(registry: &Registry<ObjectiveKind>, metric: &str) -> Option<&'static str> {
    let word = metric.trim().to_ascii_lowercase().replace('_', "-");
    let plugin = registry.find(&word).ok()?;
    Some(plugin.name)
}

/// An objective of a list, with the weight of its loss.
struct Item {
    choice: Choice,
    weight: f64,
}

impl Item {
    /// The objective `name` alone.
    fn alone(name: &str) -> Vec<Self> {
        let choice = Choice::named(name);
        vec![Self {
            choice,
            weight: ItemOptions::default().weight,
        }]
    }

    /// The items of the list `choice`. Options outside the list are for each item that has them.
    fn all(registry: &Registry<ObjectiveKind>, choice: &Choice) -> Result<Vec<Self>, RunError> {
        let of_items = options::of::<ItemOptions>();
        let list = ComponentList {
            setting: ObjectiveKind::NAME,
            what: ObjectiveKind::NAME,
            others: &[],
            of_items: &of_items,
        };
        let items = options::split_list(&choice.name).into_iter().map(|text| {
            let (choice, of_item) = list.item::<ObjectiveKind>(text.trim())?;
            let weight = of_item.get("weight").and_then(Value::as_f64);
            let weight = weight.unwrap_or(ItemOptions::default().weight);
            Ok(Self { choice, weight })
        });
        let mut items = items.collect::<Result<Vec<Self>, RunError>>()?;
        for (option, value) in &choice.options {
            let mut is_known = false;
            for item in &mut items {
                if item.has(registry, option)? {
                    is_known = true;
                    let options = &mut item.choice.options;
                    options.entry(option).or_insert_with(|| value.clone());
                }
            }
            if let (false, Some(first)) = (is_known, items.first_mut()) {
                // Refused with its own error.
                first.choice.options.insert(option.clone(), value.clone());
            }
        }
        Ok(items)
    }

    fn has(&self, registry: &Registry<ObjectiveKind>, option: &str) -> Result<bool, RunError> {
        let known = registry.find(&self.choice.name)?.options();
        let is_it = |info: &OptionInfo| info.name == option;
        Ok(known.iter().any(is_it))
    }
}

/// The objectives that `choice` and `metric` name.
fn chosen(
    registry: &Registry<ObjectiveKind>,
    metric: &str,
    choice: Option<&Choice>,
) -> Result<Vec<Item>, RunError> {
    let unifrac = Choice::named(UnifracObjectiveConfig::NAME);
    let contradiction = || {
        let problem = format!("--unifrac-metric {metric} contradicts it: leave out one of the two");
        let name = &choice.unwrap_or(&unifrac).name;
        RunError::value(ObjectiveKind::NAME, name, problem)
    };
    let mut items = match (choice, named(registry, metric)) {
        (None, Some(name)) => return Ok(Item::alone(name)),
        (choice, None) => Item::all(registry, choice.unwrap_or(&unifrac))?,
        (Some(choice), Some(name)) => {
            let items = Item::all(registry, choice)?;
            return match items.iter().all(|item| item.choice.name == name) {
                true => Ok(items),
                false => Err(contradiction()),
            };
        }
    };
    let is_default = metric == DataOptions::default().unifrac_metric;
    let mut is_taken = false;
    for item in &mut items {
        if !item.has(registry, METRIC)? {
            continue;
        }
        is_taken = true;
        let options = &mut item.choice.options;
        match options.get(METRIC).and_then(Value::as_str) {
            Some(own) if own != metric && !is_default => return Err(contradiction()),
            Some(_) => {}
            None => {
                options.insert(METRIC.to_owned(), Value::from(metric));
            }
        }
    }
    match is_taken || is_default {
        true => Ok(items),
        false => Err(contradiction()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_objective_can_be_named_by_either_flag() {
        let note = |metric: &str, name: Option<&str>| {
            let options = DataOptions {
                unifrac_metric: metric.to_owned(),
                ..DataOptions::default()
            };
            let mut components = Components::default();
            if let Some(name) = name {
                components.choose::<ObjectiveKind>(Choice::named(name));
            }
            let found = objectives(&options, &components);
            found.map(|found| {
                let notes: Vec<String> = found.iter().map(|of| of.objective.note()).collect();
                notes.join("; ")
            })
        };
        let (faith, weighted) = ("Faith's PD from the tree", "weighted UniFrac from the tree");
        for found in [
            note("faith-pd", None),
            note("Faith_PD", None),
            note("unweighted", Some("faith-pd")),
            note("faith-pd", Some("faith-pd")),
        ] {
            assert_eq!(found.unwrap(), faith);
        }
        for name in [None, Some("unifrac")] {
            let found = note("weighted", name).unwrap();
            assert!(found.starts_with(weighted), "{found}");
        }
        // A metric of distances is for those of several objectives that have one.
        let found = note("weighted", Some("faith-pd, unifrac")).unwrap();
        assert!(found.contains(&format!("{faith}; {weighted}")), "{found}");
        for (metric, name) in [
            ("faith-pd", "unifrac"),
            ("faith-pd", "faith-pd,unifrac"),
            ("weighted", "faith-pd"),
            ("weighted", "faith-pd,unifrac:metric=generalized"),
        ] {
            let error = note(metric, Some(name)).unwrap_err().to_string();
            assert!(error.contains("contradicts"), "{error}");
        }
        let error = note("bray", None).unwrap_err().to_string();
        assert!(
            error.contains("no UniFrac metric") && error.contains("faith-pd"),
            "{error}"
        );
    }

    #[test]
    fn several_objectives_have_weights_and_options() {
        let of = |name: &str, options: &[(&str, Value)]| {
            let mut choice = Choice::named(name);
            let options = options.iter().cloned();
            choice.options = options
                .map(|(name, value)| (name.to_owned(), value))
                .collect();
            let components = Components::default().with::<ObjectiveKind>(choice);
            objectives(&DataOptions::default(), &components)
        };
        let metric = Value::from("weighted");
        let found = of("faith_pd:weight=0.25,unifrac", &[(METRIC, metric.clone())]).unwrap();
        let weights: Vec<f64> = found.iter().map(|of| of.weight).collect();
        assert_eq!(weights, [0.25, 1.0]);
        assert!(found[1].objective.note().starts_with("weighted UniFrac"));
        // The option of an item comes before one outside the list.
        let found = of("unifrac:metric=unweighted", &[(METRIC, metric)]).unwrap();
        assert!(found[0].objective.note().starts_with("unweighted UniFrac"));
        for (name, said) in [
            ("unifrac:weight=0", "weight: expected"),
            (
                "unifrac:heavy=2",
                "unifrac has no option 'heavy'; it has metric, weight",
            ),
            ("unifrac,faith", "no such objective"),
            ("unifrac,unifrac:metric=weighted", "reported as unifrac_r2"),
        ] {
            let error = of(name, &[]).unwrap_err().to_string();
            assert!(error.contains(said), "{name}: {error}");
        }
        let error = of("unifrac,faith-pd", &[("ranks", Value::Null)]).unwrap_err();
        assert!(error.to_string().contains("ranks"), "{error}");
    }
}
