//! The loss of each target: that of the run, or the one given by `--loss-config`.

use aam_api::error::nearest;
use aam_api::{Choice, LossContext, LossKind, Registry, Resolved};
use burn::tensor::Device;
use serde_json::{Map, Value};

use crate::options::{TargetOptions, TrainOptions};
use aam_run::RunError;
use aam_run::named_values::{Named, NamedValues};

const KEY: &str = "loss-config";

/// The losses of the targets.
#[derive(Clone, Debug)]
pub struct TargetLosses {
    /// Names of the targets.
    targets: Vec<String>,
    /// The losses, one per target.
    losses: Vec<Resolved>,
    /// The targets with a loss from `loss-config`, and its source.
    configured: Vec<usize>,
    config: Named,
}

impl TargetLosses {
    /// The losses selected in `options`.
    ///
    /// # Errors
    /// A target, loss or option that does not exist; the message suggests the closest name.
    pub fn read(options: &TrainOptions) -> Result<Self, RunError> {
        let registry = Registry::<LossKind>::load()?;
        let common = options.components.resolve::<LossKind>()?;
        let targets = options.metadata_column.iter().map(|t| t.trim().to_owned());
        let targets: Vec<String> = targets.collect();
        let config = options.target.loss_config.as_ref();
        let mut losses = Self {
            losses: vec![common; targets.len()],
            targets,
            configured: Vec::new(),
            config: match config.filter(|config| !config.is_none()) {
                Some(config) => config.read(KEY, &[])?,
                None => NamedValues::Table(Map::new()).read(KEY, &[])?,
            },
        };
        for (name, value) in &losses.config.values.clone() {
            let target = losses.target(name)?;
            let loss = choice(value).and_then(|choice| Ok(registry.resolve(&choice)?));
            losses.losses[target] = loss.map_err(|error| losses.at(target, &error))?;
            losses.configured.push(target);
        }
        losses.configured.sort_unstable();
        Ok(losses)
    }

    /// The index of the target `name`, or of that number (from 0).
    fn target(&self, name: &str) -> Result<usize, RunError> {
        let targets = &self.targets;
        let by_name = targets.iter().position(|target| *target == name.trim());
        let by_number = || name.trim().parse().ok().filter(|n| *n < targets.len());
        let Some(target) = by_name.or_else(by_number) else {
            let similar = nearest(name, targets.iter().map(String::as_str));
            return Err(self.config.problem(format!(
                "the run has no target '{name}'{}; targets: {}",
                similar.map_or(String::new(), |name| format!(" (did you mean '{name}'?)")),
                targets.join(", ")
            )));
        };
        match self.configured.contains(&target) {
            true => Err(self
                .config
                .problem(format!("the target '{}' has two losses", targets[target]))),
            false => Ok(target),
        }
    }

    fn at(&self, target: usize, error: &RunError) -> RunError {
        let target = &self.targets[target];
        self.config.problem(format!("target '{target}': {error}"))
    }

    /// The loss of the target at this index.
    pub fn of(&self, target: usize) -> &Resolved {
        &self.losses[target]
    }

    /// Whether a loss may predict intervals, as far as is known before targets are read.
    pub fn may_predict_intervals(&self, device: &Device) -> bool {
        let Ok(registry) = Registry::<LossKind>::load() else {
            return true;
        };
        let context = LossContext::new(None);
        let mut built = self.losses.iter();
        built.any(|loss| match registry.build(loss, &context, device) {
            Ok(loss) => loss.predicts_interval(),
            // Its error is reported elsewhere.
            Err(_) => true,
        })
    }

    /// Checks that the losses of `--loss-config` support their targets' type, numbers or classes.
    /// `contexts` are those of the targets.
    ///
    /// # Errors
    /// An unsuitable loss.
    pub fn check(&self, contexts: &[LossContext], device: &Device) -> Result<(), RunError> {
        let registry = Registry::<LossKind>::load()?;
        for &target in &self.configured {
            let built = registry.build(&self.losses[target], &contexts[target], device);
            built.map_err(|error| self.at(target, &error.into()))?;
        }
        Ok(())
    }

    /// Records the losses with all options instead of the file name of `--loss-config`.
    pub fn record(&self, options: &mut TargetOptions) {
        let mut table = Map::new();
        for &target in &self.configured {
            let loss = &self.losses[target];
            let mut choice = Map::from_iter([("name".to_owned(), loss.name.clone().into())]);
            let set = loss.options.iter().filter(|(_, value)| !value.is_null());
            choice.extend(set.map(|(name, value)| (name.clone(), value.clone())));
            table.insert(self.targets[target].clone(), choice.into());
        }
        options.loss_config = (!table.is_empty()).then_some(NamedValues::Table(table));
    }
}

/// Parses a loss by name, or with options.
fn choice(value: &Value) -> Result<Choice, RunError> {
    match value {
        Value::String(name) => Ok(Choice::named(name)),
        Value::Object(options) => {
            let mut options = options.clone();
            match options.shift_remove("name") {
                Some(Value::String(name)) => Ok(Choice { name, options }),
                _ => Err(RunError::Usage(format!(
                    "expected the name of the loss as 'name', found {value}"
                ))),
            }
        }
        other => Err(RunError::Usage(format!(
            "expected the name of a loss, or a table with its name and options, found {other}"
        ))),
    }
}
