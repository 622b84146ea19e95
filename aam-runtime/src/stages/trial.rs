//! Updates of a copy of a model on all ranks and a validation, to measure what they need.

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use aam_api::Components;
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_train::objective::Objective;
use aam_train::options::OptimizationOptions;
use aam_train::parallel::{Ranks, Replica};
use aam_train::plan::Plan;
use aam_train::sampling::Sampling;
use aam_train::trainer::trial_updates::{TrialEvent, TrialUpdates};

/// Number of updates. The second one includes the optimizer state created by the first.
const UPDATES: usize = 2;
const GRADIENTS: &str = "gradients of a batch";
const UPDATE: &str = "optimizer and update";
const VALIDATION: &str = "validation";

/// Called with the name of each phase when it begins.
pub type Begin<'a> = dyn FnMut(&str) + Send + 'a;

/// A short training whose weights are discarded.
pub struct Trial<'a> {
    /// The settings.
    pub options: &'a OptimizationOptions,
    /// The selected components.
    pub components: &'a Components,
    /// The learning rate and batches.
    pub plan: Plan,
    /// The ranks, all of which take part: the memory of a process is that of all its ranks.
    pub ranks: &'a Ranks,
    /// Set when the user requests a stop.
    pub interrupt: &'a AtomicBool,
}

impl Trial<'_> {
    /// Trains a copy of `model` up to its second update, validates it, and returns it. The first
    /// rank calls `begin` at each phase.
    ///
    /// # Errors
    /// Errors of components, or a rank that failed.
    pub fn run<O: Objective + Sync>(
        &self,
        objective: &O,
        model: O::Model,
        sampling: &Sampling<'_>,
        begin: &mut Begin<'_>,
    ) -> Result<O::Model, RunError> {
        let Self {
            options,
            components,
            plan,
            ranks,
            interrupt,
        } = *self;
        let begin = Mutex::new(begin);
        let nobody = &mut |_: &Event<'_>| {};
        ranks.run(model, nobody, |model, strategy, observer| {
            let is_first = strategy.communicator().rank() == 0;
            let phase = |name: &str| {
                if is_first {
                    (begin.lock().unwrap_or_else(PoisonError::into_inner))(name);
                }
            };
            let mut left = UPDATES;
            let mut watcher = |_: &O::Model, _: &mut dyn Observer, event| {
                match event {
                    TrialEvent::Gradients { .. } => phase(UPDATE),
                    TrialEvent::Updated => {
                        left -= 1;
                        if left > 0 {
                            phase(GRADIENTS);
                        }
                    }
                }
                Ok(true)
            };
            phase(GRADIENTS);
            let trial = TrialUpdates {
                options,
                components,
                plan,
                strategy,
                observer,
                interrupt,
            };
            let mut rates = std::iter::repeat_n(plan.lr, UPDATES);
            let model = trial.run(objective, &model, sampling, &mut rates, &mut watcher)?;
            if objective.has_validation() {
                phase(VALIDATION);
                objective.validate(&model, Replica::new(strategy))?;
            }
            Ok(model)
        })
    }
}
