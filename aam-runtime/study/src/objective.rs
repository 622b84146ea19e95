//! The choice of the objective of a run.

use aam_api::{
    BoxedObjective, Choice, Components, Kind, Learned, ObjectiveConfig, ObjectiveContext,
    ObjectiveKind, PluginError, Registry,
};
use aam_unifrac::Metric;
use burn::tensor::Device;
use serde_json::Value;

use crate::objectives::UnifracObjectiveConfig;
use crate::options::DataOptions;
use aam_run::RunError;

/// The number of values per sample that a base learns, if the loss has the weight `weight`.
///
/// # Errors
/// An objective or a metric that does not exist.
pub fn sample_values(
    options: &DataOptions,
    components: &Components,
    weight: f64,
) -> Result<usize, RunError> {
    let learns_values =
        weight > 0.0 && objective(options, components)?.learned() == Learned::Values;
    Ok(usize::from(learns_values))
}

/// The option of an objective that is set by `--unifrac-metric`.
const METRIC: &str = "metric";

/// The objective in `components`, or the one implied by the metric in `options`.
///
/// # Errors
/// An objective or a metric that does not exist, or two that contradict each other.
pub fn objective(
    options: &DataOptions,
    components: &Components,
) -> Result<BoxedObjective, RunError> {
    let registry = Registry::<ObjectiveKind>::load()?;
    let metric = &options.unifrac_metric;
    let choice = chosen(&registry, metric, components.choice::<ObjectiveKind>())?;
    let resolved = registry.resolve(&choice)?;
    let (context, device) = (ObjectiveContext::default(), Device::flex());
    let built = registry.build(&resolved, &context, &device);
    built.map_err(|error| match error {
        PluginError::BadOptions { problem, .. } if named(&registry, metric).is_none() => {
            let objectives = registry.iter().map(|plugin| plugin.name.to_owned());
            let names: Vec<String> = Metric::names().into_iter().chain(objectives).collect();
            let problem = format!("{problem}\n  help: choose one of {}", names.join(", "));
            RunError::setting("unifrac-metric", problem)
        }
        other => other.into(),
    })
}

/// The name of the objective.
///
/// # Errors
/// Those of [`objective`].
pub(super) fn chosen_objective(
    options: &DataOptions,
    components: &Components,
) -> Result<String, RunError> {
    let registry = Registry::<ObjectiveKind>::load()?;
    let given = components.choice::<ObjectiveKind>();
    Ok(chosen(&registry, &options.unifrac_metric, given)?.name)
}

/// The objective with the name `metric`.
fn named(registry: &Registry<ObjectiveKind>, metric: &str) -> Option<&'static str> {
    let word = metric.trim().to_ascii_lowercase().replace('_', "-");
    let plugin = registry.find(&word).ok()?;
    Some(plugin.name)
}

fn chosen(
    registry: &Registry<ObjectiveKind>,
    metric: &str,
    choice: Option<&Choice>,
) -> Result<Choice, RunError> {
    let contradiction = |choice: &Choice| {
        let problem = format!("--unifrac-metric {metric} contradicts it: leave out one of the two");
        RunError::value(ObjectiveKind::NAME, choice.name.clone(), problem)
    };
    let mut choice = match (choice, named(registry, metric)) {
        (None, Some(name)) => return Ok(Choice::named(name)),
        (None, None) => Choice::named(UnifracObjectiveConfig::NAME),
        (Some(choice), None) => choice.clone(),
        (Some(choice), Some(name)) => {
            return match registry.find(&choice.name)?.name == name {
                true => Ok(choice.clone()),
                false => Err(contradiction(choice)),
            };
        }
    };
    let is_default = metric == DataOptions::default().unifrac_metric;
    let plugin = registry.find(&choice.name)?;
    if !plugin.options().iter().any(|option| option.name == METRIC) {
        return match is_default {
            true => Ok(choice),
            false => Err(contradiction(&choice)),
        };
    }
    match choice.options.get(METRIC).and_then(Value::as_str) {
        Some(own) if own != metric && !is_default => return Err(contradiction(&choice)),
        Some(_) => {}
        None => {
            choice
                .options
                .insert(METRIC.to_owned(), Value::from(metric));
        }
    }
    Ok(choice)
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
            objective(&options, &components).map(|objective| objective.note())
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
        for (metric, name) in [("faith-pd", "unifrac"), ("weighted", "faith-pd")] {
            let error = note(metric, Some(name)).unwrap_err().to_string();
            assert!(error.contains("contradicts"), "{error}");
        }
        let error = note("bray", None).unwrap_err().to_string();
        assert!(
            error.contains("no UniFrac metric") && error.contains("faith-pd"),
            "{error}"
        );
    }
}
