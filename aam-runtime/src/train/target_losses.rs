//! The loss of each target: the run's, or the one that `--loss-config` gives it.

use aam_api::error::nearest;
use aam_api::{Choice, LossKind, Registry, Resolved};
use burn::tensor::Device;
use serde_json::{Map, Value};

use super::session::chosen;
use crate::checkpoint::manifest::TargetManifest;
use crate::error::RunError;
use crate::named_values::NamedValues;
use crate::options::{TargetOptions, TrainOptions};

const FLAG: &str = "--loss-config";

/// The losses of the targets.
#[derive(Clone, Debug)]
pub struct TargetLosses {
    /// Names of the targets.
    targets: Vec<String>,
    /// One per target.
    losses: Vec<Resolved>,
    /// The targets that `--loss-config` gives a loss, and its name for messages.
    configured: Vec<usize>,
    place: String,
}

impl TargetLosses {
    /// The losses that `options` choose.
    ///
    /// # Errors
    /// A target, loss or option that does not exist; the message has the nearest name.
    pub fn read(options: &TrainOptions) -> Result<Self, RunError> {
        let registry = Registry::<LossKind>::load()?;
        let common = registry.resolve(chosen(options.loss.as_ref(), "loss")?)?;
        let targets = options.metadata_column.iter().map(|t| t.trim().to_owned());
        let targets: Vec<String> = targets.collect();
        let mut losses = Self {
            losses: vec![common; targets.len()],
            targets,
            configured: Vec::new(),
            place: FLAG.to_owned(),
        };
        let config = options.target.loss_config.as_ref();
        let Some(config) = config.filter(|config| !config.is_none()) else {
            return Ok(losses);
        };
        let named = config.read(FLAG, &[])?;
        losses.place = named.place;
        for (name, value) in &named.values {
            let target = losses.target(name)?;
            let loss = choice(value).and_then(|choice| Ok(registry.resolve(&choice)?));
            losses.losses[target] = loss.map_err(|error| losses.at(target, &error))?;
            losses.configured.push(target);
        }
        losses.configured.sort_unstable();
        Ok(losses)
    }

    /// The place of the target `name`, or of that number from 0.
    fn target(&self, name: &str) -> Result<usize, RunError> {
        let targets = &self.targets;
        let by_name = targets.iter().position(|target| *target == name.trim());
        let by_number = || name.trim().parse().ok().filter(|n| *n < targets.len());
        let Some(target) = by_name.or_else(by_number) else {
            let similar = nearest(name, targets.iter().map(String::as_str));
            return Err(RunError::Usage(format!(
                "{}: the run has no target '{name}'{}; targets: {}",
                self.place,
                similar.map_or(String::new(), |name| format!(" (did you mean '{name}'?)")),
                targets.join(", ")
            )));
        };
        match self.configured.contains(&target) {
            true => Err(RunError::Usage(format!(
                "{}: the target '{}' has two losses",
                self.place, targets[target]
            ))),
            false => Ok(target),
        }
    }

    fn at(&self, target: usize, error: &RunError) -> RunError {
        let target = &self.targets[target];
        RunError::Usage(format!("{}: target '{target}': {error}", self.place))
    }

    /// The loss of the target at this place.
    pub fn of(&self, target: usize) -> &Resolved {
        &self.losses[target]
    }

    /// Checks that the losses of `--loss-config` are of their targets' sort, numbers or classes.
    ///
    /// # Errors
    /// One that is not.
    pub fn check(&self, targets: &[TargetManifest], device: &Device) -> Result<(), RunError> {
        let registry = Registry::<LossKind>::load()?;
        for &target in &self.configured {
            let manifest = &targets[target];
            registry
                .build(&manifest.loss, &manifest.values.loss_context(), device)
                .map_err(|error| self.at(target, &error.into()))?;
        }
        Ok(())
    }

    /// What `--loss-config` comes to, with every option, in place of a file.
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

/// A loss by its name, or with its options.
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
