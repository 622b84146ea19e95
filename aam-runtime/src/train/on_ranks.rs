//! The training loop on every rank of a run.

use std::sync::{Mutex, PoisonError};

use super::objective::Objective;
use super::sampling::Sampling;
use super::trainer::{Trained, Trainer};
use crate::error::RunError;
use crate::parallel::Ranks;

impl Trainer<'_> {
    /// Trains `model` on the samples of `sampling`, on all ranks; what is returned, saved and told is
    /// that of the first.
    ///
    /// # Errors
    /// A loss that is no number, a metric that does not exist, a file that cannot be written.
    pub fn run<O: Objective + Sync>(
        self,
        ranks: &Ranks,
        objective: &O,
        model: O::Model,
        sampling: &Sampling<'_>,
    ) -> Result<Trained<O::Model>, RunError> {
        let Self {
            options,
            plan,
            best_metric,
            done,
            resumed,
            strategy: _,
            saving,
            observer,
            interrupt,
        } = self;
        // A model can be given to a thread, not looked at by several.
        let mut copies = vec![model.clone(); ranks.local() - 1];
        copies.push(model);
        let copies = Mutex::new(copies);
        ranks.run(observer, |strategy, observer| {
            let copy = copies.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(model) = copy else {
                unreachable!("there is a copy for each rank");
            };
            let trainer = Trainer {
                options,
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
