//! Updates of a copy of a model that somebody watches, and that nothing is kept of.

use super::super::learner::AtRate;
use super::*;

/// What just happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Moment {
    /// There are gradients for an update.
    Gradients {
        /// The update, from 1.
        step: usize,
        /// Its learning rate.
        rate: f64,
        /// The loss before it.
        loss: f64,
    },
    /// The update is done.
    Updated,
}

/// Hears of each moment; `false` ends the updates.
pub(crate) type Watcher<'a> = dyn FnMut(&mut dyn Observer, Moment) -> Result<bool, RunError> + 'a;

impl Trainer<'_> {
    /// Trains a copy of `model`, on one rank, with an update at each of `rates`, and returns it.
    ///
    /// # Errors
    /// What components refuse, and those of `watcher`.
    pub(crate) fn rehearsed<O: Objective>(
        self,
        objective: &O,
        model: &O::Model,
        sampling: &Sampling<'_>,
        rates: &mut dyn Iterator<Item = f64>,
        watcher: &mut Watcher<'_>,
    ) -> Result<O::Model, RunError> {
        let samples = sampling.rows.len();
        let bounds = batch_bounds(samples, 0, self.plan.batch_size);
        let seed = self.options.seed;
        let all = (1..).flat_map(|epoch| {
            let order = sampling.order(seed, epoch);
            let batches = bounds.clone().into_iter();
            batches.map(move |bounds| order[bounds].to_vec())
        });
        with_batches(objective.task(), all, |upcoming| {
            self.watched(objective, model.clone(), upcoming, rates, watcher)
        })
    }

    fn watched<O: Objective>(
        self,
        objective: &O,
        model: O::Model,
        upcoming: &mut dyn Iterator<Item = UpcomingBatch>,
        rates: &mut dyn Iterator<Item = f64>,
        watcher: &mut Watcher<'_>,
    ) -> Result<O::Model, RunError> {
        let options = self.options;
        let mut optimizer = optimizer(options.optimizer, &model, Decay::of(&self.plan, options));
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
            for batch in upcoming.take(group) {
                let draws = Draws {
                    seed: options.seed,
                    batch: batches,
                };
                batches += 1;
                let result = objective.gradients(&model, batch, draws, scale, communicator)?;
                loss += result.losses[0].value / group as f64;
                gradients.accumulate(&model, result.gradients);
            }
            let step = step + 1;
            if !watcher(self.observer, Moment::Gradients { step, rate, loss })? {
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
            if !watcher(self.observer, Moment::Updated)? {
                break;
            }
        }
        Ok(model)
    }
}
