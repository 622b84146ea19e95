//! The training loop: epochs of updates, validation, checkpoints, early stopping.

mod step;
pub mod trial_updates;
mod validation;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use aam_api::metric::{Better, Headline, MetricInfo, MetricOf};
use aam_api::{Components, Kind, OptimizerKind, ParallelStrategy};
use burn::module::Module;

use super::averaging::Average;
use super::epoch::EpochLengths;
use super::learner::Learner;
use super::loss_scale::LossScale;
use super::objective::Objective;
use super::optimizer::chosen_optimizer;
use super::pace::Pace;
use super::plan::Plan;
use super::progress::Progress;
use super::resume::Resumed;
use super::sampling::Sampling;
use super::saving::{Rest, Saving};
use super::schedule::ChosenSchedule;
use super::state::{Best, Done, optimizer_bytes, with_ids_of_first};
use super::training_batches::{NextBatch, with_batches};
use crate::checkpoint::directory;
use crate::options::OptimizationOptions;
use crate::parallel::update::Updater;
use crate::parallel::{Ranks, agree, any};
use aam_core::text::counted;
use aam_model::parameter_counts;
use aam_run::RunError;
use aam_run::events::{Event, Observer, Outcome};

aam_api::describe_metrics!(
    MetricInfo::new("learning_rate", "learning rate", Better::Neither).of(MetricOf::Course),
    MetricInfo::new("loss", "loss", Better::Lower)
        .leading(&[Headline::Run])
        .at(u32::MAX),
);

/// The inputs of the loop in addition to the objective and the model.
pub struct Trainer<'a> {
    /// The settings.
    pub options: &'a OptimizationOptions,
    /// The selected optimizer and schedule, among others.
    pub components: &'a Components,
    /// Length, learning rate and batches.
    pub plan: Plan,
    /// The metric that selects the best checkpoint, if it is not the objective's own.
    pub best_metric: Option<&'a str>,
    /// The progress before this stage.
    pub done: Done,
    /// The run to resume in this stage, if any.
    pub resumed: Option<&'a Resumed>,
    /// How a step is distributed over devices.
    pub strategy: &'a dyn ParallelStrategy,
    /// How the run is saved.
    pub saving: Saving<'a>,
    /// The observer of events.
    pub observer: &'a mut dyn Observer,
    /// Set when the user requests a stop.
    pub interrupt: &'a AtomicBool,
}

/// A finished run.
pub struct Trained<M> {
    /// How it ended.
    pub outcome: Outcome,
    /// The model with the best weights.
    pub best: M,
    /// The epoch of these weights, if any was completed.
    pub best_epoch: Option<Best>,
    /// The model after the last epoch.
    pub last: M,
    /// The total progress, including previous stages.
    pub done: Done,
}

impl<'a> Trainer<'a> {
    /// Trains `model` on the samples of `sampling`, on this rank.
    ///
    /// # Errors
    /// A non-finite loss, a metric that does not exist, a file that cannot be written, or another
    /// rank that failed.
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
        let begun = (progress.done.epochs + 1, progress.place.rows);
        let rows = sampling.rows.len();
        let batches = sampling.batches(self.options.seed, self.plan.batch_size, begun);
        // The first rank sends the true values of batches to the others.
        let tasks = match communicator.rank() {
            0 => objective.tasks(),
            _ => &[],
        };
        with_batches(tasks, sampling.rows, batches, |next_batch| {
            self.epochs(objective, model, progress, rows, next_batch)
        })
    }

    /// Trains on the batches of epochs of `rows` rows.
    fn epochs<O: Objective>(
        mut self,
        objective: &O,
        model: O::Model,
        progress: Progress<O::Model>,
        rows: usize,
        next_batch: &mut NextBatch<'_>,
    ) -> Result<Trained<O::Model>, RunError> {
        let lengths = EpochLengths {
            rows,
            batch_size: self.plan.batch_size,
            accumulated: self.options.gradient_accumulation_steps.max(1),
        };
        let total = progress.updates(&self.plan, |done| lengths.updates_left(done));
        let (mut learner, mut updater) = self.learner(objective, model, progress, total)?;
        let total = total.min(self.saving.limits.chosen.unwrap_or(total));
        self.start(&learner, &lengths, total)?;
        let mut outcome = Outcome::Finished;
        let (mut pace, mut saved) = (Pace::default(), SinceSaved::default());
        while learner.progress.place.rows > 0
            || (learner.progress.step() < total && !self.is_stale(&learner.progress))
        {
            let started = Instant::now();
            let interrupted;
            let within = (&lengths, total);
            (learner, interrupted) = self.updates(
                objective,
                learner,
                &mut updater,
                within,
                next_batch,
                (&mut pace, &mut saved),
            )?;
            if interrupted {
                outcome = Outcome::Interrupted;
                break;
            }
            self.end_epoch(
                objective,
                &mut learner,
                &updater,
                total,
                started,
                &mut saved,
            )?;
        }
        self.end(learner, outcome, pace)
    }

    /// The learner, new or as resumed.
    fn learner<O: Objective>(
        &self,
        objective: &O,
        model: O::Model,
        progress: Progress<O::Model>,
        total: usize,
    ) -> Result<(Learner<O::Model>, Updater<'a>), RunError> {
        let options = self.options;
        let own_rates = objective.own_rates(&model);
        let (updater, model) = Updater::new(self.strategy, model)?;
        let optimizer =
            chosen_optimizer(self.components, self.plan.weight_decay, options.decay_all)?;
        let learner = Learner {
            optimizer: optimizer.for_module(&model),
            schedule: ChosenSchedule::new(self.components, self.plan.lr, total)?,
            own_rates,
            average: options.ema_decay.map(|decay| Average::new(&model, decay)),
            loss_scale: LossScale::of(options.mixed_precision),
            model,
            progress,
        };
        let learner = match self.resumed {
            Some(resumed) => learner.go_on(resumed, &updater)?,
            None => learner,
        };
        Ok((learner, updater))
    }

    /// Reports how much there is to do.
    fn start<M: Module>(
        &mut self,
        learner: &Learner<M>,
        lengths: &EpochLengths,
        total: usize,
    ) -> Result<(), RunError> {
        let progress = &learner.progress;
        // An epoch that only lacks its validation is still to be reported.
        let validates = progress.place.rows >= lengths.rows;
        let epochs = progress.done.epochs + usize::from(validates);
        let left = total.saturating_sub(progress.step());
        self.observer.observe(&Event::Started {
            epochs: epochs + left.div_ceil(lengths.updates_left(0)),
            batches: lengths.batches_left(0),
            parameters: parameter_counts(&learner.model),
        })
    }

    /// Whether early stopping applies: there has been no improvement for too many epochs.
    fn is_stale<M>(&self, progress: &Progress<M>) -> bool {
        let patience = self.options.patience;
        patience.is_some_and(|most| progress.since_best >= most)
    }

    /// Performs the remaining updates of an epoch, and returns whether the run was interrupted.
    fn updates<O: Objective>(
        &mut self,
        objective: &O,
        mut learner: Learner<O::Model>,
        updater: &mut Updater<'_>,
        (lengths, total): (&EpochLengths, usize),
        next_batch: &mut NextBatch<'_>,
        (pace, saved): (&mut Pace, &mut SinceSaved),
    ) -> Result<(Learner<O::Model>, bool), RunError> {
        let batches = lengths.batches_left(0);
        let mut left = lengths.batches_left(learner.progress.place.rows);
        while left > 0 && learner.progress.step() < total {
            let (began, group) = (Instant::now(), lengths.accumulated.min(left));
            let first = batches.saturating_sub(left);
            let before = learner.progress.place.rows;
            learner = self.step(objective, learner, updater, next_batch, first, group)?;
            pace.add(began, learner.progress.place.rows - before);
            left -= group;
            saved.updates += 1;
            let communicator = self.strategy.communicator();
            let interrupted = any(communicator, self.interrupt.load(Ordering::Relaxed))?;
            let every = self.options.save_every;
            let is_due = every > 0 && saved.updates >= every && left > 0;
            if interrupted || is_due {
                let weights = directory::weights(learner.judged())?;
                self.save(objective, &learner, weights, updater, false)?;
                saved.updates = 0;
            }
            if interrupted {
                return Ok((learner, true));
            }
        }
        Ok((learner, false))
    }

    /// Validates an epoch that began at `started`, reports it, and saves it if requested.
    fn end_epoch<O: Objective>(
        &mut self,
        objective: &O,
        learner: &mut Learner<O::Model>,
        updater: &Updater<'_>,
        total: usize,
        started: Instant,
        saved: &mut SinceSaved,
    ) -> Result<(), RunError> {
        let score = self.validate(objective, learner)?;
        let weights = directory::weights(learner.judged())?;
        self.observer.observe(&Event::Weights(&weights))?;
        if let Some(score) = score {
            learner.schedule.after_epoch(score);
        }
        let communicator = self.strategy.communicator();
        if communicator.rank() == 0 {
            self.saving.run.check_that_it_is_there()?;
        }
        let progress = &learner.progress;
        let stale = self.is_stale(progress);
        let finished = stale || progress.step() >= total;
        // Before the checkpoint: reports of an epoch that was not saved are removed when the run is
        // resumed.
        self.observer.observe(&Event::Epoch {
            epoch: progress.done.epochs,
            step: progress.done.steps,
            metrics: &progress.metrics,
            best: progress.since_best == 0,
            chosen_by: progress.chosen_by(),
            seconds: started.elapsed().as_secs_f64(),
        })?;
        let keeps = self.options.keep_checkpoints > 0;
        let is_best = progress.since_best == 0 && objective.has_validation();
        let is_wanted = finished || is_best || keeps;
        let rested = || {
            any(
                communicator,
                communicator.rank() == 0 && saved.rest.is_over(),
            )
        };
        if is_wanted || rested()? {
            let began = Instant::now();
            self.save(objective, learner, weights, updater, finished)?;
            saved.rest.begin(began);
            saved.updates = 0;
        }
        if stale {
            let epochs = counted(progress.since_best, "epoch");
            self.observer.observe(&Event::Note(&format!(
                "no improvement for {epochs}: training stops early"
            )))?;
        }
        Ok(())
    }

    /// Reports noteworthy events, and returns the trained models.
    fn end<M: Module>(
        self,
        learner: Learner<M>,
        outcome: Outcome,
        pace: Pace,
    ) -> Result<Trained<M>, RunError> {
        if let Some(note) = pace.note() {
            self.observer.observe(&Event::Note(&note))?;
        }
        let skipped = learner.loss_scale.as_ref().map_or(0, LossScale::skipped);
        if skipped > 0 {
            self.observer.observe(&Event::Note(&format!(
                "{skipped} of {} were skipped, because gradients exceeded the range of half precision, and the loss was scaled down for the next ones",
                counted(learner.progress.step(), "update")
            )))?;
        }
        let last = learner.judged().clone();
        let progress = learner.progress;
        let (best_epoch, best) = match (progress.best, outcome) {
            (Some((epoch, best)), _) => (Some(epoch), best),
            (None, Outcome::Interrupted) => (None, last.clone()),
            (None, Outcome::Finished) => {
                let problem = "nothing was trained";
                return Err(RunError::value("max-steps", "0", problem));
            }
        };
        Ok(Trained {
            outcome,
            best,
            best_epoch,
            last,
            done: progress.done,
        })
    }

    /// Saves the progress; only the first rank writes.
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
        let snapshot = learner.snapshot(objective, weights, optimizer);
        self.saving.save(self.options, &snapshot, finished)
    }
}

/// Progress since the run was last saved.
#[derive(Default)]
struct SinceSaved {
    updates: usize,
    rest: Rest,
}

/// Rejects optimizers that require entire matrices if ranks update pieces of them.
///
/// # Errors
/// Such an optimizer with such a strategy.
pub fn check_optimizer(
    options: &OptimizationOptions,
    components: &Components,
    ranks: &Ranks,
) -> Result<(), RunError> {
    let decay = options.weight_decay.unwrap_or(0.0);
    let optimizer = chosen_optimizer(components, decay, options.decay_all)?;
    match ranks.update_pieces() && !optimizer.is_elementwise() {
        false => Ok(()),
        true => Err(RunError::value(
            OptimizerKind::NAME,
            components
                .choice::<OptimizerKind>()
                .map_or("", |choice| &choice.name),
            "it requires entire matrices, but with this strategy each rank updates pieces of them; choose a strategy in which every rank updates all parameters (`aam plugins list`), or another optimizer",
        )),
    }
}

#[cfg(test)]
mod tests;
