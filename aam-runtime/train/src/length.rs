//! The choice of the training length that gives the best predictions of held-back training samples.
//!
//! A weak signal is learned in a few updates, and further updates learn noise; a strong one
//! requires all updates. Neither is known beforehand. The training samples are therefore divided
//! into parts, keeping groups whole. Each part is held back once while a copy of the model is
//! trained on the others. The chosen number of updates minimises the mean loss on the held-back
//! samples. The validation samples of the run are not involved.

use std::collections::HashSet;
use std::sync::atomic::AtomicBool;

use aam_api::{Components, ParallelStrategy};
use aam_run::RunError;
use aam_run::events::{Event, Observer};

use crate::finetuning::Finetuning;
use crate::inference::FineTuned;
use crate::options::OptimizationOptions;
use crate::plan::Plan;
use crate::readouts::Readouts;
use crate::sampling::Sampling;
use crate::schedule::ChosenSchedule;
use crate::trainer::trial_updates::{TrialEvent, TrialUpdates};

/// The ratio between consecutive candidate numbers of updates.
const FACTOR: f64 = 1.35;
/// A copy is not trained further after this many candidates without improvement.
const PATIENCE: usize = 5;

/// The candidate numbers of updates for a run of `total`.
fn candidates(total: usize) -> Vec<usize> {
    let powers = (0..).map(|power| FACTOR.powi(power).round() as usize);
    let mut candidates: Vec<usize> = powers.take_while(|updates| *updates < total).collect();
    candidates.push(total);
    candidates.dedup();
    candidates
}

/// Losses of held-back samples after each candidate that was reached.
#[derive(Debug, Default)]
struct Losses {
    found: Vec<f64>,
}

impl Losses {
    /// Adds the loss after the next candidate. Returns whether to continue.
    fn add(&mut self, loss: f64) -> bool {
        self.found.push(loss);
        self.found.len() - self.best() <= PATIENCE
    }

    fn best(&self) -> usize {
        let losses = self.found.iter().enumerate();
        let best = losses.min_by(|a, b| a.1.total_cmp(b.1));
        best.map_or(0, |(place, _)| place)
    }

    /// The loss after the candidate at `place`; the last one if training stopped earlier.
    fn after(&self, place: usize) -> f64 {
        let found = self.found.get(place).or(self.found.last());
        found.copied().unwrap_or(f64::INFINITY)
    }
}

/// The settings of the trials that choose the training length.
pub struct LengthTrials<'a> {
    /// The objective.
    pub objective: &'a Finetuning<'a>,
    /// The model to train.
    pub model: &'a FineTuned,
    /// Readouts of parts of the samples, if they are solved in closed form.
    pub readouts: Option<&'a Readouts>,
    /// The settings.
    pub options: &'a OptimizationOptions,
    /// The selected components.
    pub components: &'a Components,
    /// The learning rate, batches and maximum length.
    pub plan: Plan,
    /// A single rank.
    pub strategy: &'a dyn ParallelStrategy,
    /// Set when the user requests a stop.
    pub interrupt: &'a AtomicBool,
}

impl LengthTrials<'_> {
    /// The number of updates after which held-back samples have the smallest loss; the maximum if
    /// no samples can be held back. `folds` gives the part of each row of `sampling`.
    ///
    /// # Errors
    /// Errors of components, and those of `observer`.
    pub fn chosen(
        &self,
        sampling: &Sampling<'_>,
        folds: &[usize],
        observer: &mut dyn Observer,
    ) -> Result<usize, RunError> {
        let total = self.plan.updates(sampling.rows.len(), self.options);
        let candidates = candidates(total);
        let parts = folds.iter().max().map_or(0, |last| last + 1);
        // If all samples belong together, there is nothing to evaluate on.
        if parts < 2 {
            return Ok(total);
        }
        let mut sums = vec![0.0; candidates.len()];
        for part in 0..parts {
            let of = sampling.rows.iter().zip(folds);
            let held_back: Vec<usize> = of
                .filter(|(_, fold)| **fold == part)
                .map(|(row, _)| *row)
                .collect();
            let (what, done) = ("choosing how long to train", part + 1);
            observer.observe(&Event::Progress {
                what,
                done,
                total: parts,
            })?;
            let losses = self.losses(sampling, &held_back, &candidates, observer)?;
            for (place, sum) in sums.iter_mut().enumerate() {
                *sum += losses.after(place) * held_back.len() as f64;
            }
        }
        let all = candidates.iter().zip(&sums);
        let best = all.min_by(|a, b| a.1.total_cmp(b.1));
        Ok(best.map_or(total, |(updates, _)| *updates))
    }

    /// Losses of the samples `held_back` for a copy of the model trained on the others.
    fn losses(
        &self,
        all: &Sampling<'_>,
        held_back: &[usize],
        candidates: &[usize],
        observer: &mut dyn Observer,
    ) -> Result<Losses, RunError> {
        let total = candidates.last().copied().unwrap_or(0);
        let schedule = ChosenSchedule::new(self.components, self.plan.lr, total)?;
        let held: HashSet<usize> = held_back.iter().copied().collect();
        let without = |rows: &[usize]| -> Vec<usize> {
            let rows = rows.iter().filter(|row| !held.contains(row));
            rows.copied().collect()
        };
        let rows = without(all.rows);
        let categories = all.categories.map(|categories| {
            let categories = categories.iter().map(|rows| without(rows));
            let some = categories.filter(|rows| !rows.is_empty());
            some.collect::<Vec<_>>()
        });
        let sampling = Sampling {
            rows: &rows,
            categories: categories.as_deref(),
        };
        let (mut losses, mut done) = (Losses::default(), 0);
        let mut watcher = |model: &FineTuned, _: &mut dyn Observer, event| {
            if event != TrialEvent::Updated {
                return Ok(true);
            }
            done += 1;
            match candidates.binary_search(&done) {
                Ok(_) => Ok(losses.add(self.objective.loss_of(model, held_back)?)),
                Err(_) => Ok(true),
            }
        };
        let trial = TrialUpdates {
            options: self.options,
            components: self.components,
            plan: self.plan,
            strategy: self.strategy,
            observer,
            interrupt: self.interrupt,
        };
        let model = match self.readouts {
            Some(readouts) => &readouts.into(self.model.clone(), held_back),
            None => self.model,
        };
        let mut rates = (0..total).map(|update| schedule.rate(update));
        trial.run(self.objective, model, &sampling, &mut rates, &mut watcher)?;
        Ok(losses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_end_with_the_whole_run() {
        assert_eq!(candidates(1), [1]);
        assert_eq!(candidates(5), [1, 2, 3, 4, 5]);
        let all = candidates(200);
        assert_eq!(all.last(), Some(&200));
        assert!(all.is_sorted() && all.len() < 22, "{all:?}");
    }

    #[test]
    fn a_copy_that_only_gets_worse_ends_early() {
        let mut losses = Losses::default();
        let mut added = 0;
        for loss in [3.0, 2.0, 2.5, 2.6, 2.4, 2.7, 2.8, 2.9] {
            added += 1;
            if !losses.add(loss) {
                break;
            }
        }
        assert_eq!((added, losses.best()), (7, 1));
        assert_eq!((losses.after(1), losses.after(20)), (2.0, 2.8));
    }
}
