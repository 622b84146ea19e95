//! The training loop: epochs of updates, validation, checkpoints, early stopping.

pub(super) mod rehearsed;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use aam_api::ParallelStrategy;
use burn::optim::GradientsAccumulator;

use super::averaging::Average;
use super::epoch::{Place, batch_bounds};
use super::learner::{Learner, Progress};
use super::loss_scale::LossScale;
use super::metrics::{Metric, higher_is_better};
use super::objective::{Draws, Objective, metric};
use super::optimizer::{Decay, OptimizerKind, optimizer, parameter_counts};
use super::pace::Pace;
use super::plan::Plan;
use super::resume::Resumed;
use super::sampling::Sampling;
use super::saving::{Rest, Saving};
use super::state::{Best, Done, optimizer_bytes, with_ids_of_first};
use super::upcoming::{UpcomingBatch, with_batches};
use crate::checkpoint::directory;
use crate::error::RunError;
use crate::events::{Event, Observer, Outcome};
use crate::model::MixedPrecision;
use crate::options::OptimizationOptions;
use crate::parallel::share::{agree, any, metrics_of_first};
use crate::parallel::update::Updater;

/// Names of a batch that an error tells at most.
const MOST_NAMED: usize = 20;

/// What the loop works with besides the objective and the model.
pub struct Trainer<'a> {
    /// Settings.
    pub options: &'a OptimizationOptions,
    /// Length, rate and batches.
    pub plan: Plan,
    /// The metric that chooses the best checkpoint, if not the objective's own.
    pub best_metric: Option<&'a str>,
    /// What was done before this stage.
    pub done: Done,
    /// Where the stage stands, if it goes on.
    pub resumed: Option<&'a Resumed>,
    /// How a step spreads over devices.
    pub strategy: &'a dyn ParallelStrategy,
    /// How it is saved.
    pub saving: Saving<'a>,
    /// Who listens.
    pub observer: &'a mut dyn Observer,
    /// Set when the user wants the run to stop.
    pub interrupt: &'a AtomicBool,
}

/// A finished run.
pub struct Trained<M> {
    /// How it ended.
    pub outcome: Outcome,
    /// The model with the best weights.
    pub best: M,
    /// The model after the last epoch.
    pub last: M,
    /// What is done, with what was done before.
    pub done: Done,
}

impl Trainer<'_> {
    /// Trains `model` on the samples of `sampling`, on this rank.
    ///
    /// # Errors
    /// A loss that is no number, a metric that does not exist, a file that cannot be written, or
    /// another rank that failed.
    pub(super) fn on_rank<O: Objective>(
        self,
        objective: &O,
        mut model: O::Model,
        sampling: &Sampling<'_>,
    ) -> Result<Trained<O::Model>, RunError> {
        let progress = match self.resumed {
            Some(resumed) => {
                model = resumed.weights_into(model)?;
                Progress::of(resumed, &model)?
            }
            None => Progress::new(self.done),
        };
        let communicator = self.strategy.communicator();
        let what = format!("{sampling:?} {} {:?}", self.options.seed, self.plan);
        agree(communicator, "samples or settings", what.into_bytes())?;
        if communicator.size() > 1 {
            model = with_ids_of_first(communicator, model)?;
        }
        let (seed, size) = (self.options.seed, self.plan.batch_size);
        let rows_in_all = sampling.rows.len();
        let (first, mut done) = (progress.done.epochs + 1, progress.place.rows);
        let batches = (first..).flat_map(move |epoch| {
            let order = sampling.order(seed, epoch);
            let bounds = batch_bounds(rows_in_all, std::mem::take(&mut done), size);
            bounds.into_iter().map(move |bounds| order[bounds].to_vec())
        });
        // The first rank tells the others what batches are compared with.
        let task = objective.task().filter(|_| communicator.rank() == 0);
        with_batches(task, batches, |upcoming| {
            self.epochs(objective, model, progress, rows_in_all, upcoming)
        })
    }

    /// Trains on the `upcoming` batches of epochs of `rows` rows.
    fn epochs<O: Objective>(
        mut self,
        objective: &O,
        model: O::Model,
        progress: Progress<O::Model>,
        rows: usize,
        upcoming: &mut dyn Iterator<Item = UpcomingBatch>,
    ) -> Result<Trained<O::Model>, RunError> {
        let (options, size) = (self.options, self.plan.batch_size);
        let left_of = |done: usize| batch_bounds(rows, done, size).len();
        let batches = left_of(0);
        let most = options.gradient_accumulation_steps.max(1);
        let updates_left = |done| left_of(done).div_ceil(most);
        let total = progress.updates(&self.plan, updates_left);
        let own_rates = objective.own_rates(&model);
        let communicator = self.strategy.communicator();
        let (mut updater, model) = Updater::new(self.strategy, model)?;
        if updater.in_pieces() && options.optimizer == OptimizerKind::Muon {
            return Err(RunError::Usage(
                "--optimizer muon: it looks at whole matrices, and this strategy has each rank update pieces of them; choose a strategy in which every rank updates all parameters (`aam plugins list`), or another optimizer".to_owned(),
            ));
        }
        let mut learner = Learner {
            optimizer: optimizer(options.optimizer, &model, Decay::of(&self.plan, options)),
            schedule: self.plan.schedule(options, total),
            own_rates,
            average: options.ema_decay.map(|decay| Average::new(&model, decay)),
            loss_scale: LossScale::of(options.mixed_precision),
            model,
            progress,
        };
        if let Some(resumed) = self.resumed {
            learner = learner.go_on(resumed, &updater)?;
        }
        // An epoch of which nothing is left but its validation is still to be told of.
        let validates = learner.progress.place.rows >= rows;
        let epochs = learner.progress.done.epochs + usize::from(validates);
        let left = total.saturating_sub(learner.progress.step());
        self.observer.observe(&Event::Started {
            epochs: epochs + left.div_ceil(batches.div_ceil(most)),
            batches,
            parameters: parameter_counts(&learner.model),
        })?;
        let mut outcome = Outcome::Finished;
        let mut pace = Pace::default();
        let (mut unsaved, mut rest) = (0, Rest::default());
        let is_stale = |since_best| options.patience.is_some_and(|most| since_best >= most);
        while learner.progress.place.rows > 0
            || (learner.progress.step() < total && !is_stale(learner.progress.since_best))
        {
            let started = Instant::now();
            let mut left = left_of(learner.progress.place.rows);
            while left > 0 && learner.progress.step() < total {
                let (began, group) = (Instant::now(), most.min(left));
                let first = batches.saturating_sub(left);
                let before = learner.progress.place.rows;
                learner = self.step(objective, learner, &mut updater, upcoming, first, group)?;
                pace.add(began, learner.progress.place.rows - before);
                left -= group;
                unsaved += 1;
                let interrupted = any(communicator, self.interrupt.load(Ordering::Relaxed))?;
                let is_due = options.save_every > 0 && unsaved >= options.save_every && left > 0;
                if interrupted || is_due {
                    let weights = directory::weights(learner.judged())?;
                    self.save(objective, &learner, weights, &updater, false)?;
                    unsaved = 0;
                }
                if interrupted {
                    outcome = Outcome::Interrupted;
                    break;
                }
            }
            if outcome == Outcome::Interrupted {
                break;
            }
            let score = self.validate(objective, &mut learner)?;
            let weights = directory::weights(learner.judged())?;
            self.observer.observe(&Event::Weights(&weights))?;
            learner.schedule.after_epoch(score);
            let progress = &learner.progress;
            let stale = is_stale(progress.since_best);
            let finished = stale || progress.step() >= total;
            if communicator.rank() == 0 {
                self.saving.run.check_that_it_is_there()?;
            }
            // Before the checkpoint: what is told of an epoch that was not saved is cut off again.
            self.observer.observe(&Event::Epoch {
                epoch: progress.done.epochs,
                step: progress.done.steps,
                metrics: &progress.metrics,
                best: progress.since_best == 0,
                seconds: started.elapsed().as_secs_f64(),
            })?;
            let is_wanted = finished || progress.since_best == 0 || options.keep_checkpoints > 0;
            if is_wanted || any(communicator, communicator.rank() == 0 && rest.is_over())? {
                let began = Instant::now();
                self.save(objective, &learner, weights, &updater, finished)?;
                rest.begin(began);
                unsaved = 0;
            }
            if stale {
                let note = format!(
                    "no improvement for {} epochs: training stops early",
                    progress.since_best
                );
                self.observer.observe(&Event::Note(&note))?;
            }
        }
        if let Some(note) = pace.note() {
            self.observer.observe(&Event::Note(&note))?;
        }
        let skipped = learner.loss_scale.as_ref().map_or(0, LossScale::skipped);
        if skipped > 0 {
            self.observer.observe(&Event::Note(&format!(
                "{skipped} of {} updates were skipped, as gradients were beyond half precision, and the loss scaled down for the next ones",
                learner.progress.step()
            )))?;
        }
        let model = learner.judged().clone();
        let progress = learner.progress;
        let best = match (progress.best, outcome) {
            (Some((_, best)), _) => best,
            (None, Outcome::Interrupted) => model.clone(),
            (None, Outcome::Finished) => {
                return Err(RunError::Usage(
                    "nothing was trained: --epochs or --max-steps is 0".to_owned(),
                ));
            }
        };
        Ok(Trained {
            outcome,
            best,
            last: model,
            done: progress.done,
        })
    }

    /// One update from `group` batches, before which the epoch had `first`.
    fn step<O: Objective>(
        &mut self,
        objective: &O,
        mut learner: Learner<O::Model>,
        updater: &mut Updater<'_>,
        upcoming: &mut dyn Iterator<Item = UpcomingBatch>,
        first: usize,
        group: usize,
    ) -> Result<Learner<O::Model>, RunError> {
        let mut gradients = GradientsAccumulator::new();
        let scale = learner.scale();
        for number in 1..=group {
            let Some(batch) = upcoming.next() else {
                unreachable!("batches are without end, unless the thread that makes them panicked");
            };
            let draws = Draws {
                seed: self.options.seed,
                batch: learner.progress.done.batches,
            };
            let rows = batch.rows.clone();
            let communicator = self.strategy.communicator();
            let mut result =
                objective.gradients(&learner.model, batch, draws, scale, communicator)?;
            self.add_up(&mut result.losses)?;
            let loss = result.losses[0].value;
            let epoch = learner.progress.done.epochs + 1;
            if !loss.is_finite() {
                let names = objective.names(&rows);
                let precision = self.options.mixed_precision;
                return Err(diverged(loss, first + number, epoch, &names, precision));
            }
            self.observer.observe(&Event::Batch {
                epoch,
                batch: first + number,
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

    /// Saves where the run stands; the first rank alone writes.
    fn save<O: Objective>(
        &self,
        objective: &O,
        learner: &Learner<O::Model>,
        weights: Vec<u8>,
        updater: &Updater<'_>,
        finished: bool,
    ) -> Result<(), RunError> {
        let optimizer = updater.saved(optimizer_bytes(&learner.optimizer)?)?;
        if self.strategy.communicator().rank() > 0 {
            return Ok(());
        }
        let moment = learner.moment(objective, weights, optimizer);
        self.saving.save(self.options, &moment, finished)
    }

    /// The losses of a batch over all ranks, from this rank's share of them.
    fn add_up(&self, losses: &mut [Metric]) -> Result<(), RunError> {
        let values: Vec<f64> = losses.iter().map(|loss| loss.value).collect();
        let sums = self.strategy.communicator().sum(&values)?;
        for (loss, sum) in losses.iter_mut().zip(sums) {
            loss.value = sum;
        }
        Ok(())
    }

    /// Ends the epoch at hand: its metrics, and whether it is the best. Returns its score, of which
    /// more is better.
    fn validate<O: Objective>(
        &mut self,
        objective: &O,
        learner: &mut Learner<O::Model>,
    ) -> Result<f64, RunError> {
        let judged = learner.judged().clone();
        let progress = &mut learner.progress;
        let rate = learner.schedule.rate(progress.step().saturating_sub(1));
        let mut metrics = vec![metric("learning_rate", rate)];
        metrics.extend(progress.place.losses.means());
        let communicator = self.strategy.communicator();
        let validated = objective.validate(&judged, communicator)?;
        self.observer
            .observe(&Event::Compared(&validated.compared))?;
        metrics.extend(validated.metrics);
        let metrics = metrics_of_first(communicator, metrics)?;
        let default = objective.default_metric();
        let score = score(self.best_metric.unwrap_or(&default), &metrics)?;
        progress.done.epochs += 1;
        progress.place = Place::default();
        let better = match &progress.best {
            Some((best, _)) => score > best.score || best.score.is_nan(),
            None => true,
        };
        if better {
            let best = Best {
                score,
                epoch: progress.done.epochs,
                step: progress.done.steps,
                metrics: metrics.clone(),
            };
            progress.best = Some((best, judged));
            progress.since_best = 0;
        } else {
            progress.since_best += 1;
        }
        progress.metrics = metrics;
        Ok(score)
    }
}

/// The score by the metric called `name`, of which more is better.
fn score(name: &str, metrics: &[Metric]) -> Result<f64, RunError> {
    let Some(chosen) = metrics.iter().find(|metric| metric.name == name) else {
        let names: Vec<&str> = metrics.iter().map(|metric| metric.name.as_str()).collect();
        let hint = aam_api::error::nearest(name, names.iter().copied());
        let hint = hint.map_or_else(String::new, |name| format!("did you mean {name}? "));
        return Err(RunError::Usage(format!(
            "--best-metric {name}: there is no such metric; {hint}this run has {}",
            names.join(", ")
        )));
    };
    Ok(match higher_is_better(name) {
        true => chosen.value,
        false => -chosen.value,
    })
}

/// The error of a `loss` that is no number, and of what it is.
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
            "; or numbers went beyond the range of half precision, which --mixed-precision bf16 does not have"
        }
        MixedPrecision::Bf16 | MixedPrecision::None => "",
    };
    RunError::Diverged(format!(
        "the loss of batch {batch} of epoch {epoch} is {loss}; the batch is of {names}{more}\n  help: the checkpoints before are kept. Check these for extreme targets and distances, or go on from the last checkpoint more gently: --resume --lr with a smaller number{range}"
    ))
}

#[cfg(test)]
mod tests;
