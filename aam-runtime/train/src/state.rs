//! Where a run stands: what `checkpoints/last` holds beside the weights, so that a run that was
//! stopped goes on as if it had not been.
//!
//! Random draws are no part of it: each is a function of the seed and the number of the batch or
//! epoch. What else a run may have that changes with its steps is a file of its own in the
//! checkpoint, beside [`OPTIMIZER`].

use aam_api::metric::{Better, MetricName};
use aam_api::{Communicator, exact};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn::tensor::{Bytes, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::epoch::EpochProgress;
use super::fingerprint::RunFingerprint;
use super::loss_scale::LossScale;
use crate::checkpoint::manifest::{BestEpoch, Direction};
use crate::parallel::owned;
use aam_evaluation::metrics::Metric;
use aam_run::RunError;

/// The file of the state.
pub const TRAINER: &str = "trainer.json";
/// The file of the optimizer's state: a record of Burn's, by the ids of the parameters.
pub const OPTIMIZER: &str = "optimizer.bpk";

/// The file of the weights that learn, where those that are used in the end are others.
pub const TRAINING: &str = "training.safetensors";
/// The file of the average of the weights.
pub const AVERAGE: &str = "average.safetensors";

/// The file of part number `part`, from 0, of the optimizer's state, which ranks may share.
pub(super) fn optimizer_file(part: usize) -> String {
    match part {
        0 => OPTIMIZER.to_owned(),
        part => format!("optimizer-{part}.bpk"),
    }
}

/// How much of a run is done; numbers go on from there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Epochs.
    pub epochs: usize,
    /// Updates.
    pub steps: usize,
    /// Batches.
    pub batches: usize,
}

/// How long a stage may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Epochs at most.
    pub epochs: usize,
    /// Updates at most.
    pub max_steps: usize,
    /// Epochs without improvement.
    pub patience: Option<usize>,
    /// Updates after which it ends, where the training samples chose them; the learning rate goes as
    /// if it went on.
    #[serde(default)]
    pub chosen: Option<usize>,
}

/// The best epoch so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Its score, of which more is better.
    #[serde(with = "exact")]
    pub score: f64,
    /// The metric that the score comes from; nothing without validation samples.
    #[serde(default)]
    pub metric: Option<String>,
    /// Its number.
    pub epoch: usize,
    /// Updates then.
    pub step: usize,
    /// Its metrics.
    pub metrics: Vec<Metric>,
}

impl Best {
    /// What the manifest of a checkpoint says of it.
    pub fn chosen(&self) -> Option<BestEpoch> {
        let name = self.metric.as_ref()?;
        let better = match MetricName::read(name)?.metric.better {
            Better::Higher => Direction::Higher,
            Better::Lower => Direction::Lower,
            Better::Neither => return None,
        };
        let metric = self.metrics.iter().find(|metric| metric.name == *name)?;
        Some(BestEpoch {
            metric: metric.clone(),
            better,
            epoch: self.epoch,
        })
    }
}

/// `trainer.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrainerState {
    /// What the run was asked, and of which data.
    #[serde(rename = "asked")]
    pub fingerprint: RunFingerprint,
    /// Stage of the run, from 0.
    pub stage: usize,
    /// What was done before the stage.
    pub before: Done,
    /// What is done in all. Updates and batches of an unfinished epoch count, the epoch does not.
    pub done: Done,
    /// How far the epoch at hand has come.
    pub place: EpochProgress,
    /// In how many parts the state of the optimizer is saved: one, or one for each rank.
    #[serde(default = "one")]
    pub optimizer_parts: usize,
    /// Name of the schedule of the learning rate, which older versions left out.
    #[serde(default)]
    pub schedule: Option<String>,
    /// What the learning rate depends on besides the number of the update.
    #[serde(default, alias = "plateau")]
    pub schedule_state: Value,
    /// The factor of the loss, in half precision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_scale: Option<LossScale>,
    /// The best epoch of the stage.
    pub best: Option<Best>,
    /// Epochs since then.
    pub since_best: usize,
    /// How long the stage was to be.
    pub limits: Limits,
    /// Whether it is done.
    pub finished: bool,
    /// Paths of the parameters with the ids that the optimizer knows them by.
    pub parameters: Vec<(String, u64)>,
}

/// The optimizer's state as a file.
///
/// # Errors
/// Never in practice: the bytes go to memory.
pub fn optimizer_bytes(optimizer: &ModuleOptimizer) -> Result<Vec<u8>, RunError> {
    let bytes = optimizer.to_record().into_bytes();
    let bytes = bytes.map_err(|error| RunError::checkpoint(OPTIMIZER, error.to_string()))?;
    Ok(owned(bytes))
}

/// `optimizer` with the state that `bytes` hold.
///
/// # Errors
/// Bytes that are no such state, in words.
pub fn restored(optimizer: ModuleOptimizer, bytes: Vec<u8>) -> Result<ModuleOptimizer, String> {
    let record = OptimizerRecord::from_bytes(Bytes::from_bytes_vec(bytes));
    let record = record.map_err(|error| error.to_string())?;
    Ok(optimizer.load_record(record))
}

fn one() -> usize {
    1
}

/// `module` with the ids of rank 0 for its parameters.
///
/// # Errors
/// A rank that failed, or has another model.
pub(super) fn with_ids_of_first<M: Module>(
    communicator: &dyn Communicator,
    module: M,
) -> Result<M, RunError> {
    let broken = |problem: String| RunError::checkpoint(TRAINER, problem);
    let own =
        serde_json::to_vec(&parameters(&module)).map_err(|error| broken(error.to_string()))?;
    let first = communicator.broadcast_message(own)?;
    let first: Vec<(String, u64)> =
        serde_json::from_slice(&first).map_err(|error| broken(error.to_string()))?;
    with_ids(module, &first).map_err(broken)
}

/// Paths and ids of the parameters of `module`.
pub fn parameters<M: Module>(module: &M) -> Vec<(String, u64)> {
    let mut named = Named::default();
    module.visit(&mut named);
    named.found
}

#[derive(Default)]
struct Named {
    path: Vec<String>,
    found: Vec<(String, u64)>,
}

impl ModuleVisitor for Named {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.found.push((self.path.join("."), param.id.val()));
    }

    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }
}

/// `module` with the ids that `known` has for the paths of its parameters, in the same order.
///
/// # Errors
/// Other parameters than those of the module, in words.
pub fn with_ids<M: Module>(module: M, known: &[(String, u64)]) -> Result<M, String> {
    let now = parameters(&module);
    let differing = now
        .iter()
        .zip(known)
        .find(|((now, _), (known, _))| now != known);
    if let Some(((now, _), (known, _))) = differing {
        return Err(format!(
            "it has the parameter {known} where the model has {now}"
        ));
    }
    if now.len() != known.len() {
        return Err(format!(
            "it has {} parameters, and the model {}",
            known.len(),
            now.len()
        ));
    }
    let ids = known.iter().map(|(_, id)| ParamId::from(*id));
    Ok(module.map(&mut Renamed { ids }))
}

struct Renamed<I> {
    ids: I,
}

impl<I: Iterator<Item = ParamId>> ModuleMapper for Renamed<I> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (own, tensor, mapper) = param.consume();
        Param::from_mapped_value(self.ids.next().unwrap_or(own), tensor, mapper)
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};
    use burn::optim::GradientsParams;
    use burn::tensor::Device;

    use super::super::optimizer::known::optimizer;
    use super::*;

    fn step(linear: Linear, optimizer: &mut ModuleOptimizer, device: &Device) -> Linear {
        let input = Tensor::<2>::from_data([[1.0, -2.0], [0.5, 3.0]], device);
        let gradients = linear.forward(input).square().sum().backward();
        let gradients = GradientsParams::from_grads(gradients, &linear);
        optimizer.step(0.1, linear, gradients)
    }

    fn values(linear: &Linear) -> Vec<f32> {
        let weight = linear.weight.val().into_data();
        let bias = linear.bias.as_ref().unwrap().val().into_data();
        weight.iter().chain(bias.iter::<f32>()).collect()
    }

    /// A module with other ids and an optimizer without a past become those that were saved.
    #[test]
    fn an_optimizer_goes_on_with_the_parameters_it_knew() {
        let device = Device::flex().autodiff();
        for name in ["adamw", "adam", "sgd"] {
            let mut first = LinearConfig::new(2, 3).init(&device);
            let mut updates = optimizer(name, &first, 0.05);
            for _ in 0..3 {
                first = step(first, &mut updates, &device);
            }
            let weights = crate::checkpoint::directory::weights(&first).unwrap();
            let (bytes, ids) = (optimizer_bytes(&updates).unwrap(), parameters(&first));

            let other = LinearConfig::new(2, 3).init(&device);
            let other = crate::checkpoint::directory::load_weights(
                other,
                weights,
                false,
                std::path::Path::new("weights"),
            );
            let mut other = with_ids(other.unwrap(), &ids).unwrap();
            assert_eq!(parameters(&other), ids);
            let mut again = restored(optimizer(name, &other, 0.05), bytes).unwrap();
            for _ in 0..3 {
                first = step(first, &mut updates, &device);
                other = step(other, &mut again, &device);
            }
            assert_eq!(values(&first), values(&other), "{name}");
        }
    }

    #[test]
    fn other_parameters_are_refused() {
        let device = Device::flex();
        let linear = LinearConfig::new(2, 3).init(&device);
        let mut ids = parameters(&linear);
        ids[0].0 = "other".to_owned();
        assert!(with_ids(linear.clone(), &ids).is_err());
        ids.clear();
        assert!(with_ids(linear, &ids).is_err());
        assert!(
            restored(
                optimizer("adam", &LinearConfig::new(1, 1).init(&device), 0.0),
                vec![1; 9]
            )
            .is_err()
        );
    }
}
