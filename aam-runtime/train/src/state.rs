//! The progress of a run: the contents of `checkpoints/last` in addition to the weights, with which
//! a stopped run resumes as if it had not been stopped.
//!
//! Random draws are not included: each is a function of the seed and the index of the batch or
//! epoch. Other mutable state of a run is stored in separate files of the checkpoint, next to
//! [`OPTIMIZER`].

use aam_api::metric::{MetricName, spoken};
use aam_api::{Communicator, exact};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn::tensor::{Bytes, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::epoch::EpochProgress;
use super::fingerprint::RunFingerprint;
use super::loss_scale::LossScale;
use crate::checkpoint::manifest::BestEpoch;
use crate::parallel::owned;
use aam_evaluation::evaluation::number;
use aam_evaluation::metrics::Metric;
use aam_run::RunError;

/// The file of the progress.
pub const TRAINER: &str = "trainer.json";
/// The file of the optimizer's state: a Burn record, keyed by parameter id.
pub const OPTIMIZER: &str = "optimizer.bpk";

/// The file of the trainable weights, if they differ from those that are used in the end.
pub const TRAINING: &str = "training.safetensors";
/// The file of the average of the weights.
pub const AVERAGE: &str = "average.safetensors";

/// The file of part number `part` (from 0) of the optimizer's state, which may be divided among
/// ranks.
pub(super) fn optimizer_file(part: usize) -> String {
    match part {
        0 => OPTIMIZER.to_owned(),
        part => format!("optimizer-{part}.bpk"),
    }
}

/// Whether the file `name` of a checkpoint is only needed to resume the training.
pub fn is_for_resuming(name: &str) -> bool {
    let is_optimizer = name.starts_with("optimizer") && name.ends_with(".bpk");
    is_optimizer || [TRAINER, TRAINING, AVERAGE].contains(&name)
}

/// The completed part of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Epochs.
    pub epochs: usize,
    /// Updates.
    pub steps: usize,
    /// Batches.
    pub batches: usize,
}

/// The limits of the length of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Maximum number of epochs.
    pub epochs: usize,
    /// Maximum number of updates.
    pub max_steps: usize,
    /// Number of epochs without improvement.
    pub patience: Option<usize>,
    /// The number of updates after which it ends, if chosen on the training samples; the learning
    /// rate follows the schedule of the full length.
    #[serde(default)]
    pub chosen: Option<usize>,
}

/// The best epoch so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Its score; higher is better.
    #[serde(with = "exact")]
    pub score: f64,
    /// The metric that the score comes from; nothing without validation samples.
    #[serde(default)]
    pub metric: Option<String>,
    /// Its number.
    pub epoch: usize,
    /// The number of updates at its end.
    pub step: usize,
    /// Its metrics.
    pub metrics: Vec<Metric>,
}

impl Best {
    /// The epoch and the metric it was selected by, for example `best epoch 7:
    /// unifrac_r2 0.812`; nothing without validation samples.
    pub fn in_words(&self) -> Option<String> {
        let name = self.metric.as_deref()?;
        let metric = self.metrics.iter().find(|metric| metric.name == name)?;
        let (epoch, name, value) = (self.epoch, spoken(name), number(metric.value));
        Some(format!("best epoch {epoch}: {name} {value}"))
    }
}

impl Best {
    /// What the manifest of a checkpoint says of it.
    pub fn chosen(&self) -> Option<BestEpoch> {
        let name = self.metric.as_ref()?;
        let metric = self.metrics.iter().find(|metric| metric.name == *name)?;
        Some(BestEpoch {
            metric: metric.clone(),
            better: MetricName::read(name)?.metric.better,
            epoch: self.epoch,
        })
    }
}

/// `trainer.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrainerState {
    /// The fingerprint of the run's settings and data.
    #[serde(rename = "asked")]
    pub fingerprint: RunFingerprint,
    /// Stage of the run, from 0.
    pub stage: usize,
    /// The progress before the stage.
    pub before: Done,
    /// The total progress. It includes the updates and batches of an incomplete epoch, but not the
    /// epoch itself.
    pub done: Done,
    /// The progress of the current epoch.
    pub place: EpochProgress,
    /// The number of parts in which the state of the optimizer is saved: one, or one per rank.
    #[serde(default = "one")]
    pub optimizer_parts: usize,
    /// Name of the learning-rate schedule, which older versions did not record.
    #[serde(default)]
    pub schedule: Option<String>,
    /// The state of the learning rate in addition to the number of the update.
    #[serde(default, alias = "plateau")]
    pub schedule_state: Value,
    /// The loss scale, in half precision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_scale: Option<LossScale>,
    /// The best epoch of the stage.
    pub best: Option<Best>,
    /// The number of epochs since then.
    pub since_best: usize,
    /// The limits of the stage.
    pub limits: Limits,
    /// Whether it is complete.
    pub finished: bool,
    /// Paths of the parameters, with their ids in the optimizer.
    pub parameters: Vec<(String, u64)>,
}

/// Serialises the optimizer's state.
///
/// # Errors
/// Never in practice: the bytes are written to memory.
pub fn optimizer_bytes(optimizer: &ModuleOptimizer) -> Result<Vec<u8>, RunError> {
    let bytes = optimizer.to_record().into_bytes();
    let bytes = bytes.map_err(|error| RunError::checkpoint(OPTIMIZER, error.to_string()))?;
    Ok(owned(bytes))
}

/// Returns `optimizer` with the state in `bytes`.
///
/// # Errors
/// Bytes that are not such a state; as a message.
pub fn restored(optimizer: ModuleOptimizer, bytes: Vec<u8>) -> Result<ModuleOptimizer, String> {
    let record = OptimizerRecord::from_bytes(Bytes::from_bytes_vec(bytes));
    let record = record.map_err(|error| error.to_string())?;
    Ok(optimizer.load_record(record))
}

fn one() -> usize {
    1
}

/// Returns `module` with the parameter ids of rank 0.
///
/// # Errors
/// A rank that failed, or that has another model.
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

/// The paths and ids of the parameters of `module`.
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

/// Returns `module` with the parameter ids in `known`, which are matched by path, in order.
///
/// # Errors
/// Parameters other than those of the module; as a message.
pub fn with_ids<M: Module>(module: M, known: &[(String, u64)]) -> Result<M, String> {
    let now = parameters(&module);
    let differing = now
        .iter()
        .zip(known)
        .find(|((now, _), (known, _))| now != known);
    if let Some(((now, _), (known, _))) = differing {
        return Err(format!(
            "it has the parameter {known}, but the model has {now}"
        ));
    }
    if now.len() != known.len() {
        return Err(format!(
            "it has {} parameters, but the model has {}",
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

    /// A module with other ids and a new optimizer are restored to the saved ones.
    #[test]
    fn an_optimizer_resumes_with_the_parameters_it_knew() {
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
