//! A training run that is ready to start: trial updates, and the choice of its length.

use std::sync::atomic::AtomicBool;

use super::division::DividedStudy;
use aam_core::text::counted;
use aam_evaluation::folds::inner_folds;
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_train::finetuning::Finetuning;
use aam_train::inference::FineTuned;
use aam_train::length::LengthTrials;
use aam_train::readouts::Readouts;
use aam_train::sampling::Sampling;
use aam_train::trainer::trial_updates::{TrialUpdates, Watcher};

/// Number of parts of the training samples, each held back once to choose the training length.
const PARTS: usize = 3;

/// The inputs of the training loop.
pub struct ReadyTraining<'a> {
    /// The samples.
    pub divided: &'a DividedStudy<'a>,
    /// The objective.
    pub objective: Finetuning<'a>,
    /// The model to train.
    pub model: FineTuned,
    /// Readouts of the training samples, if they are solved in closed form.
    pub readouts: Option<Readouts>,
    /// The rows of each category, if categories are balanced.
    pub balance: Option<Vec<Vec<usize>>>,
}

/// The part of each training sample, used to choose lengths and penalties. Groups are kept whole,
/// and classes are spread over all parts.
pub(super) fn parts(divided: &DividedStudy<'_>) -> Vec<usize> {
    let column = match divided.matched.targets.columns.as_slice() {
        [column] => column.classes.is_some().then_some(column),
        _ => None,
    };
    let labels: Option<Vec<usize>> =
        column.map(|column| column.values.iter().map(|class| *class as usize).collect());
    let seed = divided.setup.options().optimization.seed;
    let (rows, groups) = (&divided.split.train, divided.groups.as_ref());
    inner_folds(rows, groups, labels.as_deref(), PARTS, seed)
}

impl ReadyTraining<'_> {
    /// Trains a copy of the model on one rank, with one update at each of `rates`, and returns it.
    ///
    /// # Errors
    /// Errors of components, and those of `watcher`.
    pub fn try_updates(
        &self,
        rates: &mut dyn Iterator<Item = f64>,
        watcher: &mut Watcher<'_, FineTuned>,
        observer: &mut dyn Observer,
        interrupt: &AtomicBool,
    ) -> Result<FineTuned, RunError> {
        let setup = self.divided.setup;
        let trial = TrialUpdates {
            options: &setup.options().optimization,
            components: &setup.options().components,
            plan: setup.plan,
            strategy: setup.ranks.first(),
            observer,
            interrupt,
        };
        let (objective, model) = (&self.objective, &self.model);
        trial.run(objective, model, &self.sampling(), rates, watcher)
    }

    /// The number of updates after which the training ends, if the training samples choose it
    /// ([`LengthTrials`]): this is done if it takes seconds and the length is not set.
    ///
    /// # Errors
    /// Errors of components, and those of the observer.
    pub fn chosen_updates(
        &self,
        observer: &mut dyn Observer,
        interrupt: &AtomicBool,
    ) -> Result<Option<usize>, RunError> {
        let setup = self.divided.setup;
        let (optimization, rows) = (&setup.options().optimization, &self.divided.split.train);
        if self.objective.profiles.is_none() || !setup.chooses_length() {
            return Ok(None);
        }
        if let Some(resumed) = setup.resumed() {
            return Ok(resumed.state.limits.chosen);
        }
        let strategy = setup.ranks.alone()?;
        let trials = LengthTrials {
            objective: &self.objective,
            model: &self.model,
            readouts: self.readouts.as_ref(),
            options: optimization,
            components: &setup.options().components,
            plan: setup.plan,
            strategy: strategy.as_ref(),
            interrupt,
        };
        let chosen = trials.chosen(&self.sampling(), &parts(self.divided), observer)?;
        let total = setup.plan.updates(rows.len(), optimization);
        let note = format!(
            "training for {chosen} of at most {}, the length that predicts held-back training samples best",
            counted(total, "update")
        );
        observer.observe(&Event::Note(&note))?;
        Ok(Some(chosen))
    }

    /// The training samples, and how often each is drawn.
    pub fn sampling(&self) -> Sampling<'_> {
        Sampling {
            rows: &self.divided.split.train,
            categories: self.balance.as_deref(),
        }
    }
}
