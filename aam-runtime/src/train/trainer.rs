//! The training loop: epochs of updates, validation, checkpoints, early stopping.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use aam_api::ParallelStrategy;
use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams, ModuleOptimizer};
use rand::seq::SliceRandom;

use super::metrics::{Metric, higher_is_better};
use super::objective::{Draws, Objective, OwnRate, metric};
use super::optimizer::{norm, optimizer, parameter_counts, scale, split};
use super::pace::Pace;
use super::plan::Plan;
use super::schedule::{Schedule, ScheduleConfig};
use super::upcoming::{UpcomingBatch, with_batches};
use crate::checkpoint::directory::{self, WEIGHTS};
use crate::error::RunError;
use crate::events::{Event, Observer, Outcome};
use crate::options::OptimizationOptions;
use crate::random::stream;

/// What the loop works with besides the objective and the model.
pub struct Trainer<'a> {
    /// Settings.
    pub options: &'a OptimizationOptions,
    /// Length, rate and batches.
    pub plan: Plan,
    /// The metric that chooses the best checkpoint, if not the objective's own.
    pub best_metric: Option<&'a str>,
    /// What was done before.
    pub done: Done,
    /// How a step spreads over devices.
    pub strategy: &'a dyn ParallelStrategy,
    /// Where `best` and `last` are saved.
    pub checkpoints: PathBuf,
    /// Who listens.
    pub observer: &'a mut dyn Observer,
    /// Set when the user wants the run to stop.
    pub interrupt: &'a AtomicBool,
}

/// How much of a run is done; numbers go on from there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Done {
    /// Epochs.
    pub epochs: usize,
    /// Updates.
    pub steps: usize,
    /// Batches.
    pub batches: usize,
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

/// Where a run stands.
struct Progress<M> {
    done: Done,
    best: Option<(f64, M)>,
    since_best: usize,
}

impl Trainer<'_> {
    /// Trains `model` on the samples at `rows`.
    ///
    /// # Errors
    /// A loss that is no number, a metric that does not exist, a file that cannot be written.
    pub fn run<O: Objective>(
        self,
        objective: &O,
        model: O::Model,
        rows: &[usize],
    ) -> Result<Trained<O::Model>, RunError> {
        let batch_size = self.plan.batch_size.clamp(1, rows.len());
        let bounds = batch_bounds(rows.len(), batch_size);
        let batches = bounds.len();
        let seed = self.options.seed;
        let orders = (self.done.epochs + 1..).map(move |epoch| order(rows, seed, epoch));
        let all = orders.flat_map(move |order| {
            let batches = bounds.clone().into_iter();
            batches.map(move |bounds| order[bounds].to_vec())
        });
        with_batches(objective.task(), all, |upcoming| {
            self.epochs(objective, model, batches, upcoming)
        })
    }

    /// Trains on epochs of `batches` of the `upcoming` ones.
    fn epochs<O: Objective>(
        mut self,
        objective: &O,
        mut model: O::Model,
        batches: usize,
        upcoming: &mut dyn Iterator<Item = UpcomingBatch>,
    ) -> Result<Trained<O::Model>, RunError> {
        let options = self.options;
        let plan = self.plan;
        let updates = batches.div_ceil(options.gradient_accumulation_steps.max(1));
        let total = plan.max_steps.min(plan.epochs.saturating_mul(updates));
        let warmup = match options.warmup {
            fraction if fraction < 1.0 => (fraction * total as f64).round() as usize,
            steps => steps as usize,
        };
        let mut schedule = Schedule::new(ScheduleConfig {
            kind: options.scheduler,
            peak: plan.lr,
            warmup,
            total,
            first_cycle: options.scheduler_t0,
            cycle_factor: options.scheduler_t_mult,
            lowest: options.scheduler_eta_min,
            patience: options.scheduler_patience,
            factor: options.scheduler_factor,
            least: options.scheduler_min_lr,
        });
        let mut optimizer = optimizer(options.optimizer, &model, plan.weight_decay);
        let own_rate = objective.own_rate(&model);
        self.observer.observe(&Event::Started {
            epochs: self.done.epochs + total.div_ceil(updates),
            batches,
            parameters: parameter_counts(&model),
        })?;
        let mut step = 0;
        let mut progress = Progress {
            done: self.done,
            best: None,
            since_best: 0,
        };
        let mut outcome = Outcome::Finished;
        let mut pace = Pace::default();
        while step < total && outcome == Outcome::Finished {
            let started = Instant::now();
            progress.done.epochs += 1;
            let mut sums = Means::default();
            let most = options.gradient_accumulation_steps.max(1);
            for first in (0..batches).step_by(most) {
                let (began, mut seen) = (Instant::now(), 0);
                let rate = schedule.rate(step);
                let group = most.min(batches - first);
                let mut gradients = GradientsAccumulator::new();
                for (j, batch) in upcoming.take(group).enumerate() {
                    let draws = Draws {
                        seed: options.seed,
                        batch: progress.done.batches,
                    };
                    progress.done.batches += 1;
                    let samples = batch.rows.len();
                    let result = objective.gradients(&model, batch, draws)?;
                    self.report_batch(&progress, first + j + 1, samples, &result.losses)?;
                    sums.add(&result.losses, samples);
                    seen += samples;
                    gradients.accumulate(&model, result.gradients);
                }
                let gradients = gradients.grads();
                let gradients = self.scaled(&model, gradients, group)?;
                model = updated(model, &mut optimizer, gradients, rate, own_rate.as_ref());
                pace.add(began, seen);
                step += 1;
                progress.done.steps += 1;
                if self.interrupt.load(Ordering::Relaxed) {
                    outcome = Outcome::Interrupted;
                }
                if outcome == Outcome::Interrupted || step >= total {
                    break;
                }
            }
            let rate = schedule.rate(step.saturating_sub(1));
            let mut metrics = vec![metric("learning_rate", rate)];
            metrics.extend(sums.means());
            metrics.extend(objective.validate(&model)?);
            let (score, best) = self.judge(objective, &mut progress, &model, &metrics)?;
            schedule.after_epoch(score);
            self.observer.observe(&Event::Epoch {
                epoch: progress.done.epochs,
                step: progress.done.steps,
                metrics: &metrics,
                best,
                seconds: started.elapsed().as_secs_f64(),
            })?;
            if options
                .patience
                .is_some_and(|most| progress.since_best >= most)
            {
                let note = format!(
                    "no improvement for {} epochs: training stops early",
                    progress.since_best
                );
                self.observer.observe(&Event::Note(&note))?;
                break;
            }
        }
        if let Some(note) = pace.note() {
            self.observer.observe(&Event::Note(&note))?;
        }
        match progress.best {
            Some((_, best)) => Ok(Trained {
                outcome,
                best,
                last: model,
                done: progress.done,
            }),
            None => Err(RunError::Usage(
                "nothing was trained: --epochs or --max-steps is 0".to_owned(),
            )),
        }
    }

    fn report_batch<M>(
        &mut self,
        progress: &Progress<M>,
        batch: usize,
        samples: usize,
        losses: &[Metric],
    ) -> Result<(), RunError> {
        let loss = losses[0].value;
        if !loss.is_finite() {
            return Err(RunError::Diverged(format!(
                "the loss of batch {batch} of epoch {} is {loss}; checkpoints up to the epoch before are kept. Try a smaller --lr, or check targets and distances for extreme values",
                progress.done.epochs
            )));
        }
        self.observer.observe(&Event::Batch {
            epoch: progress.done.epochs,
            batch,
            samples,
            loss,
        })
    }

    /// The mean of the gradients of `batches` batches, over all devices, and not too long.
    fn scaled<M: Module>(
        &self,
        model: &M,
        gradients: GradientsParams,
        batches: usize,
    ) -> Result<GradientsParams, RunError> {
        let gradients = self.strategy.sum_gradients(gradients)?;
        let mut factor = 1.0 / batches as f64;
        if let Some(longest) = self.options.max_grad_norm {
            let length = norm(model, &gradients) * factor;
            factor *= (longest / length.max(f64::MIN_POSITIVE)).min(1.0);
        }
        Ok(match factor == 1.0 {
            true => gradients,
            false => scale(model, gradients, factor),
        })
    }

    /// Saves the model, also as the best if it is. Returns its score, of which more is better, and
    /// whether it is the best.
    fn judge<O: Objective>(
        &mut self,
        objective: &O,
        progress: &mut Progress<O::Model>,
        model: &O::Model,
        metrics: &[Metric],
    ) -> Result<(f64, bool), RunError> {
        let default = objective.default_metric();
        let name = self.best_metric.unwrap_or(&default);
        let Some(chosen) = metrics.iter().find(|metric| metric.name == name) else {
            let names: Vec<&str> = metrics.iter().map(|metric| metric.name.as_str()).collect();
            let hint = aam_api::error::nearest(name, names.iter().copied());
            let hint = hint.map_or_else(String::new, |name| format!("did you mean {name}? "));
            return Err(RunError::Usage(format!(
                "--best-metric {name}: there is no such metric; {hint}this run has {}",
                names.join(", ")
            )));
        };
        let score = match higher_is_better(name) {
            true => chosen.value,
            false => -chosen.value,
        };
        let better = match &progress.best {
            Some((best, _)) => score > *best || best.is_nan(),
            None => true,
        };
        let mut manifest = objective.manifest();
        manifest.epoch = progress.done.epochs;
        manifest.step = progress.done.steps;
        manifest.metrics = metrics.to_vec();
        let weights = directory::weights(model)?;
        let mut targets = vec!["last"];
        if better {
            progress.best = Some((score, model.clone()));
            progress.since_best = 0;
            targets.insert(0, "best");
        } else {
            progress.since_best += 1;
        }
        for target in targets {
            let path = self.checkpoints.join(target);
            directory::save(&path, &manifest, &[(WEIGHTS, weights.clone())])?;
        }
        Ok((score, better))
    }
}

/// The rows in the order of an epoch.
fn order(rows: &[usize], seed: u64, epoch: usize) -> Vec<usize> {
    let mut order = rows.to_vec();
    order.shuffle(&mut stream(seed, &format!("order of epoch {epoch}")));
    order
}

/// The model after one update.
fn updated<M: Module>(
    model: M,
    optimizer: &mut ModuleOptimizer,
    gradients: GradientsParams,
    rate: f64,
    own: Option<&OwnRate>,
) -> M {
    let Some(own) = own else {
        return optimizer.step(rate, model, gradients);
    };
    let (inside, outside) = split(&model, gradients, &own.parameters);
    let model = optimizer.step(rate, model, outside);
    optimizer.step(rate * own.factor, model, inside)
}

/// Bounds of the batches of an epoch. A last batch of one sample joins the one before it: alone
/// it would have no pair to compare.
fn batch_bounds(rows: usize, size: usize) -> Vec<std::ops::Range<usize>> {
    let mut bounds: Vec<_> = (0..rows)
        .step_by(size)
        .map(|start| start..(start + size).min(rows))
        .collect();
    if let [.., before, last] = bounds.as_mut_slice()
        && last.len() == 1
        && size > 1
    {
        before.end = last.end;
        bounds.pop();
    }
    bounds
}

/// Means of the batches' losses, weighted by their samples.
#[derive(Default)]
struct Means {
    names: Vec<String>,
    sums: Vec<f64>,
    samples: f64,
}

impl Means {
    fn add(&mut self, losses: &[Metric], samples: usize) {
        if self.names.is_empty() {
            self.names = losses.iter().map(|loss| loss.name.clone()).collect();
            self.sums = vec![0.0; losses.len()];
        }
        for (sum, loss) in self.sums.iter_mut().zip(losses) {
            *sum += loss.value * samples as f64;
        }
        self.samples += samples as f64;
    }

    fn means(self) -> Vec<Metric> {
        let samples = self.samples;
        let pairs = self.names.into_iter().zip(self.sums);
        pairs
            .map(|(name, sum)| Metric {
                name,
                value: sum / samples,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_cover_every_row_and_leave_none_alone() {
        assert_eq!(batch_bounds(10, 4), [0..4, 4..8, 8..10]);
        assert_eq!(batch_bounds(9, 4), [0..4, 4..9]);
        assert_eq!(batch_bounds(3, 8).first(), Some(&(0..3)));
        assert_eq!(batch_bounds(3, 1), [0..1, 1..2, 2..3]);
    }
}
