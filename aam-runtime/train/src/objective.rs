//! The objective of a training run: gradients of batches, and metrics of the validation samples.

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

/// The result of a batch on one replica. The sum over all replicas is the result of the entire
/// batch.
pub struct BatchResult {
    /// The gradients of the batch's loss, multiplied by the requested scale.
    pub gradients: GradientsParams,
    /// The loss, followed by its terms; the same terms on every replica.
    pub losses: Vec<Metric>,
}

/// The objective of a training run.
pub trait Objective {
    /// The type of the model.
    type Model: Module;

    /// The contribution of `replica` to loss and gradients of a batch, which is passed as a whole.
    /// The gradients are those of the loss times `scale`.
    ///
    /// # Errors
    /// Errors of components, or another replica that failed.
    fn gradients(
        &self,
        model: &Self::Model,
        batch: TrainingBatch,
        draws: Draws,
        scale: f64,
        replica: Replica<'_>,
    ) -> Result<BatchResult, RunError>;

    /// The sample tasks; batches come with their true values.
    fn tasks(&self) -> &[BaseTask<'_>] {
        &[]
    }

    /// Whether there are validation samples.
    fn has_validation(&self) -> bool {
        true
    }

    /// Evaluates `model` on the validation samples. The result of the first replica is used.
    ///
    /// # Errors
    /// Errors of components, or another replica that failed.
    fn validate(&self, model: &Self::Model, replica: Replica<'_>) -> Result<Validated, RunError>;

    /// The metric that selects the best checkpoint unless the user names another.
    fn default_metric(&self) -> String;

    /// Parameters with their own learning rates, in disjoint sets.
    fn own_rates(&self, model: &Self::Model) -> Vec<OwnRate> {
        let _ = model;
        Vec::new()
    }

    /// The names of the items at `rows`, for messages: samples or ASVs.
    fn names(&self, rows: &[usize]) -> Vec<String>;

    /// The manifest of a checkpoint, without progress and files.
    fn manifest(&self) -> Manifest;

    /// Names and contents of additional files of every checkpoint, which do not change during a
    /// run.
    fn files(&self) -> Vec<(&str, &[u8])> {
        Vec::new()
    }
}
