//! The training loop on every rank of a run.

use super::objective::Objective;
use super::sampling::Sampling;
use super::trainer::{Trained, Trainer};
use crate::parallel::Ranks;
use aam_run::RunError;

impl Trainer<'_> {
    /// Trains `model` on the samples of `sampling`, on all ranks. Results, files and messages are
    /// those of the first rank.
    ///
    /// # Errors
    /// A non-finite loss, a metric that does not exist, or a file that cannot be written.
    pub fn run<O: Objective + Sync>(
        self,
        ranks: &Ranks,
        objective: &O,
        model: O::Model,
        sampling: &Sampling<'_>,
    ) -> Result<Trained<O::Model>, RunError> {
        let Self {
            options,
            components,
            plan,
            best_metric,
            done,
            resumed,
            strategy: _,
            saving,
            observer,
            interrupt,
        } = self;
        ranks.run(model, observer, |model, strategy, observer| {
            let trainer = Trainer {
                options,
                components,
                plan,
                best_metric,
                done,
                resumed,
                strategy,
                saving,
                observer,
                interrupt,
            };
            trainer.on_rank(objective, model, sampling)
        })
    }
}
