//! What a training run optimises: gradients of a batch, metrics of the validation samples.

use aam_api::Communicator;
use burn::module::Module;
use burn::optim::GradientsParams;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::base_task::BaseTask;
use super::compared::Compared;
use super::metrics::Metric;
use super::rates::OwnRate;
use super::upcoming::UpcomingBatch;
use crate::checkpoint::Manifest;
use crate::error::RunError;
use crate::random::stream;

/// The random draws of one batch, each from a stream of its own.
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    /// Seed of the run.
    pub seed: u64,
    /// Number of the batch in the run, from 0.
    pub batch: usize,
}

impl Draws {
    /// The stream for one purpose.
    pub fn stream(&self, purpose: &str) -> ChaCha8Rng {
        stream(self.seed, &format!("{purpose} of batch {}", self.batch))
    }

    /// A seed for draws that the device makes itself, such as dropout.
    pub fn device_seed(&self, purpose: &str) -> u64 {
        self.stream(purpose).random()
    }

    /// As [`device_seed`](Self::device_seed), another one on each rank.
    pub fn seed_of_rank(&self, purpose: &str, communicator: &dyn Communicator) -> u64 {
        match communicator.rank() {
            0 => self.device_seed(purpose),
            rank => self.device_seed(&format!("{purpose} on rank {rank}")),
        }
    }
}

/// What a batch gave on one rank; over all ranks it adds up to what the whole batch gives.
pub struct BatchResult {
    /// Gradients of the batch's loss, times the scale that was asked for.
    pub gradients: GradientsParams,
    /// The loss, first, and its terms; the same terms on every rank.
    pub losses: Vec<Metric>,
}

/// What a model makes of the validation samples.
#[derive(Default)]
pub struct Validated {
    /// Metrics of the samples as a whole, `loss` among them.
    pub metrics: Vec<Metric>,
    /// Predictions beside the truth, for pictures.
    pub compared: Vec<Compared>,
}

/// What a training run optimises.
pub trait Objective {
    /// What is trained.
    type Model: Module;

    /// This rank's share of loss and gradients of a batch, which is given whole. The gradients are
    /// those of the loss times `scale`.
    ///
    /// # Errors
    /// What components refuse, or a rank that failed.
    fn gradients(
        &self,
        model: &Self::Model,
        batch: UpcomingBatch,
        draws: Draws,
        scale: f64,
        communicator: &dyn Communicator,
    ) -> Result<BatchResult, RunError>;

    /// What is learnt of samples; batches come with its truth on rank 0.
    fn task(&self) -> Option<BaseTask<'_>> {
        None
    }

    /// What `model` makes of the validation samples; that of rank 0 counts.
    ///
    /// # Errors
    /// What components refuse, or a rank that failed.
    fn validate(
        &self,
        model: &Self::Model,
        communicator: &dyn Communicator,
    ) -> Result<Validated, RunError>;

    /// The metric that chooses the best checkpoint unless the user names another.
    fn default_metric(&self) -> String;

    /// Parameters that learn at rates of their own, in sets that do not overlap.
    fn own_rates(&self, model: &Self::Model) -> Vec<OwnRate> {
        let _ = model;
        Vec::new()
    }

    /// Names of what is at `rows`, for messages: samples, or ASVs.
    fn names(&self, rows: &[usize]) -> Vec<String>;

    /// The manifest of a checkpoint, but for progress and files.
    fn manifest(&self) -> Manifest;
}

/// A metric by its name.
pub fn metric(name: &str, value: f64) -> Metric {
    Metric {
        name: name.to_owned(),
        value,
    }
}
