//! One update of the weights.

use aam_api::Communicator;
use aam_evaluation::metrics::Metric;
use aam_model::MixedPrecision;
use aam_run::RunError;
use aam_run::events::Event;
use burn::optim::GradientsAccumulator;

use super::Trainer;
use crate::learner::Learner;
use crate::objective::{Draws, Objective};
use crate::parallel::update::Updater;
use crate::parallel::{Replica, values_of_first};
use crate::training_batches::{NextBatch, TrainingBatch};

/// Maximum number of names of a batch in an error message.
const MOST_NAMED: usize = 20;

impl Trainer<'_> {
    /// One update from `group` batches, before which the epoch had reached `first`.
    pub(super) fn step<O: Objective>(
        &mut self,
        objective: &O,
        mut learner: Learner<O::Model>,
        updater: &mut Updater<'_>,
        next_batch: &mut NextBatch<'_>,
        first: usize,
        group: usize,
    ) -> Result<Learner<O::Model>, RunError> {
        let mut gradients = GradientsAccumulator::new();
        let scale = learner.scale();
        for number in first + 1..=first + group {
            let batch = next_batch()?;
            let replica = Replica::new(self.strategy);
            let draws = Draws {
                seed: self.options.seed,
                batch: learner.progress.done.batches,
                replica: replica.number(),
            };
            let rows = batch.rows.clone();
            let batch = with_truth(self.strategy.communicator(), objective, batch)?;
            let mut result = objective.gradients(&learner.model, batch, draws, scale, replica)?;
            self.add_up(&mut result.losses)?;
            let loss = result.losses[0].value;
            let epoch = learner.progress.done.epochs + 1;
            if !loss.is_finite() {
                let names = objective.names(&rows);
                let precision = self.options.mixed_precision;
                return Err(diverged(loss, number, epoch, &names, precision));
            }
            self.observer.observe(&Event::Batch {
                epoch,
                batch: number,
                samples: rows.len(),
                loss,
            })?;
            let progress = &mut learner.progress;
            progress.done.batches += 1;
            progress.place.rows += rows.len();
            progress.place.losses.add(&result.losses, rows.len());
            gradients.accumulate(&learner.model, result.gradients);
        }
        let longest = self.options.max_grad_norm;
        let rate = learner.schedule.rate(learner.progress.step());
        let mean = 1.0 / group as f64;
        let (learner, gradient_norm) =
            learner.updated(updater, gradients.grads(), mean, longest)?;
        self.observer.observe(&Event::Step {
            step: learner.progress.done.steps,
            learning_rate: rate,
            categorical_rate: learner.categorical_rate(rate),
            gradient_norm,
        })?;
        Ok(learner)
    }

    /// Sums the losses of a batch over all ranks, from this rank's contributions.
    fn add_up(&self, losses: &mut [Metric]) -> Result<(), RunError> {
        let values: Vec<f64> = losses.iter().map(|loss| loss.value).collect();
        let sums = self.strategy.communicator().sum(&values)?;
        for (loss, sum) in losses.iter_mut().zip(sums) {
            loss.value = sum;
        }
        Ok(())
    }
}

/// The batch with its true values, which only the first rank has beforehand.
pub(super) fn with_truth<O: Objective>(
    communicator: &dyn Communicator,
    objective: &O,
    batch: TrainingBatch,
) -> Result<TrainingBatch, RunError> {
    let mut own = batch.truths.into_iter();
    let mut truths = Vec::new();
    for _ in objective.tasks() {
        truths.extend(values_of_first(communicator, own.next())?);
    }
    Ok(TrainingBatch { truths, ..batch })
}

/// The error of a non-finite `loss`, with the contents of its batch.
fn diverged(
    loss: f64,
    batch: usize,
    epoch: usize,
    names: &[String],
    precision: MixedPrecision,
) -> RunError {
    let more = match names.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let names = names[..names.len().min(MOST_NAMED)].join(", ");
    let range = match precision {
        MixedPrecision::Fp16 => {
            ". Alternatively, values may have exceeded the range of half precision; --mixed-precision bf16 has a larger range"
        }
        MixedPrecision::Bf16 | MixedPrecision::None => "",
    };
    RunError::Diverged(format!(
        "the loss of batch {batch} of epoch {epoch} is {loss}; the batch contains {names}{more}\n  help: earlier checkpoints are kept. Check these samples for extreme targets and distances, or resume from the last checkpoint with a smaller learning rate (--resume --lr){range}"
    ))
}
