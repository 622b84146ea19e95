//! What a training run optimises: gradients of a batch, metrics of the validation samples.

use burn::module::Module;
use burn::optim::GradientsParams;

use super::base_task::BaseTask;
pub use super::draws::Draws;
use super::rates::OwnRate;
use super::training_batches::TrainingBatch;
pub use super::validated::{Validated, metric};
use crate::checkpoint::Manifest;
use crate::parallel::Replica;
use aam_evaluation::metrics::Metric;
use aam_run::RunError;

/// What a batch gave on one replica; over all it adds up to what the whole batch gives.
pub struct BatchResult {
    /// Gradients of the batch's loss, times the scale that was asked for.
    pub gradients: GradientsParams,
    /// The loss, first, and its terms; the same terms on every replica.
    pub losses: Vec<Metric>,
}

/// What a training run optimises.
pub trait Objective {
    /// What is trained.
    type Model: Module;

    /// What `replica` adds to loss and gradients of a batch, which is given whole. The gradients are
    /// those of the loss times `scale`.
    ///
    /// # Errors
    /// What components refuse, or another replica that failed.
    fn gradients(
        &self,
        model: &Self::Model,
        batch: TrainingBatch,
        draws: Draws,
        scale: f64,
        replica: Replica<'_>,
    ) -> Result<BatchResult, RunError>;

    /// What is learnt of samples; batches come with its truth.
    fn task(&self) -> Option<BaseTask<'_>> {
        None
    }

    /// Whether samples were held out to judge the epochs by.
    fn has_validation(&self) -> bool {
        true
    }

    /// What `model` makes of the validation samples; that of the first replica counts.
    ///
    /// # Errors
    /// What components refuse, or another replica that failed.
    fn validate(&self, model: &Self::Model, replica: Replica<'_>) -> Result<Validated, RunError>;

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

    /// Names and contents of further files of every checkpoint, which do not change in a run.
    fn files(&self) -> Vec<(&str, &[u8])> {
        Vec::new()
    }
}
