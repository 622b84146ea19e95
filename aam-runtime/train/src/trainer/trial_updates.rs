//! Updates of a copy of a model that are observed and then discarded.

use std::sync::atomic::{AtomicBool, Ordering};

use aam_api::{Components, ParallelStrategy};
use aam_run::RunError;
use aam_run::events::Observer;
use burn::optim::GradientsAccumulator;

use super::step::with_truth;
use crate::learner::AtRate;
use crate::loss_scale::LossScale;
use crate::objective::{Draws, Objective};
use crate::optimizer::chosen_optimizer;
use crate::options::OptimizationOptions;
use crate::parallel::Replica;
use crate::parallel::update::Updater;
use crate::plan::Plan;
use crate::sampling::Sampling;
use crate::training_batches::{NextBatch, with_batches};

/// An event of a trial update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TrialEvent {
    /// The gradients for an update have been computed.
    Gradients {
        /// The update, from 1.
        step: usize,
        /// Its learning rate.
        rate: f64,
        /// The loss before the update.
        loss: f64,
    },
    /// The update is complete.
    Updated,
}

/// Called at each event with the current model; returning `false` ends the updates.
pub type Watcher<'a, M> =
    dyn FnMut(&M, &mut dyn Observer, TrialEvent) -> Result<bool, RunError> + 'a;

/// Updates of a copy of a model on a rank.
pub struct TrialUpdates<'a> {
    /// The settings.
    pub options: &'a OptimizationOptions,
    /// The selected components.
    pub components: &'a Components,
    /// The learning rate and batches.
    pub plan: Plan,
    /// The rank.
    pub strategy: &'a dyn ParallelStrategy,
    /// The observer of events.
    pub observer: &'a mut dyn Observer,
    /// Set when the user requests a stop.
    pub interrupt: &'a AtomicBool,
}

impl TrialUpdates<'_> {
    /// Trains a copy of `model` with one update at each of `rates`, and returns it.
    ///
    /// # Errors
    /// Errors of components, and those of `watcher`.
    pub fn run<O: Objective>(
        self,
        objective: &O,
        model: &O::Model,
        sampling: &Sampling<'_>,
        rates: &mut dyn Iterator<Item = f64>,
        watcher: &mut Watcher<'_, O::Model>,
    ) -> Result<O::Model, RunError> {
        let all = sampling.batches(self.options.seed, self.plan.batch_size, (1, 0));
        // The first rank sends the true values of batches to the others.
        let tasks = match self.strategy.communicator().rank() {
            0 => objective.tasks(),
            _ => &[],
        };
        with_batches(tasks, sampling.rows, all, |next_batch| {
            self.watched(objective, model.clone(), next_batch, rates, watcher)
        })
    }

    fn watched<O: Objective>(
        self,
        objective: &O,
        model: O::Model,
        next_batch: &mut NextBatch<'_>,
        rates: &mut dyn Iterator<Item = f64>,
        watcher: &mut Watcher<'_, O::Model>,
    ) -> Result<O::Model, RunError> {
        let options = self.options;
        let optimizer =
            chosen_optimizer(self.components, self.plan.weight_decay, options.decay_all)?;
        let mut optimizer = optimizer.for_module(&model);
        let communicator = self.strategy.communicator();
        let (mut updater, mut model) = Updater::new(self.strategy, model)?;
        let own_rates = objective.own_rates(&model);
        let group = options.gradient_accumulation_steps.max(1);
        let mut loss_scale = LossScale::of(options.mixed_precision);
        let mut batches = 0;
        for (step, rate) in rates.enumerate() {
            if self.interrupt.load(Ordering::Relaxed) {
                break;
            }
            let mut gradients = GradientsAccumulator::new();
            let mut loss = 0.0;
            let scale = loss_scale.as_ref().map_or(1.0, LossScale::factor);
            for _ in 0..group {
                let replica = Replica::new(self.strategy);
                let draws = Draws {
                    seed: options.seed,
                    batch: batches,
                    replica: replica.number(),
                };
                batches += 1;
                let batch = with_truth(communicator, objective, next_batch()?)?;
                let result = objective.gradients(&model, batch, draws, scale, replica)?;
                loss += result.losses[0].value / group as f64;
                gradients.accumulate(&model, result.gradients);
            }
            let step = step + 1;
            let event = TrialEvent::Gradients { step, rate, loss };
            if !watcher(&model, self.observer, event)? {
                break;
            }
            let mut rule = AtRate {
                optimizer: &mut optimizer,
                rate,
                own: &own_rates,
            };
            let (gradients, mean) = (gradients.grads(), 1.0 / (group as f64 * scale));
            let accepted = match &mut loss_scale {
                None => true,
                Some(scale) => scale.accepts(&model, &gradients, communicator)?,
            };
            if accepted {
                (model, _) =
                    updater.update(model, gradients, mean, options.max_grad_norm, &mut rule)?;
            }
            if !watcher(&model, self.observer, TrialEvent::Updated)? {
                break;
            }
        }
        Ok(model)
    }
}
