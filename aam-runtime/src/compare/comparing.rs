//! The runs of a comparison: loads completed runs and trains missing ones.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use aam_api::metric::spoken;
use aam_core::text::counted;
use aam_run::RunError;
use aam_run::events::{Event, Observer, Outcome};
use aam_run::run_directory::RunDirectory;
use aam_train::options::TrainOptions;
use aam_train::resume::can_go_on;

use super::directory::{ComparisonDirectory, FoldLists};
use super::fold_listener::{FoldListener, WarningsHeard};
use super::options::CompareOptions;
use super::record::{ComparisonFingerprint, read_result, write_result};
use super::table::{CombinationResults, Comparison, FoldResult};
use crate::one_training::train_among_others;
use crate::stages::{FoldedStudy, folded};

/// A comparison in progress.
pub(super) struct Comparing<'a> {
    pub options: &'a TrainOptions,
    pub directory: ComparisonDirectory,
    pub lists: Vec<FoldLists>,
    pub comparison: Comparison,
    /// Warnings that the user has already seen.
    pub warned: Vec<String>,
}

impl<'a> Comparing<'a> {
    /// Divides the samples into folds, and creates or resumes the directory of a comparison with
    /// this `fingerprint`. It has no rows yet.
    pub fn begin(
        options: &'a CompareOptions,
        fingerprint: &ComparisonFingerprint,
        observer: &mut dyn Observer,
    ) -> Result<(Self, FoldedStudy), RunError> {
        let train = &options.train;
        let optimization = &train.optimization;
        let (path, overwrite) = (optimization.output_dir.as_deref(), optimization.overwrite);
        let directory = ComparisonDirectory::claim(path, overwrite, fingerprint)?;
        let mut warned = Vec::new();
        let mut heard = WarningsHeard {
            observer,
            warned: &mut warned,
        };
        let divided = folded(train, options.number_of_folds(), &mut heard)?;
        let splits = &divided.folds.splits;
        let lists = directory.fill(fingerprint, &divided.ids, splits, overwrite)?;
        let comparison = Comparison {
            folds: splits.len(),
            rows: Vec::new(),
            outcome: Outcome::Finished,
            metric: optimization.best_metric.clone(),
            best: None,
        };
        let comparing = Self {
            options: train,
            directory,
            lists,
            comparison,
            warned,
        };
        Ok((comparing, divided))
    }

    /// Whether this is the cross-validation of a single model.
    fn is_one_model(&self) -> bool {
        let mut rows = self.comparison.rows.iter();
        rows.all(|row| row.combination.is_as_given())
    }

    fn runs(&self) -> usize {
        self.comparison.rows.len() * self.lists.len()
    }

    fn done(&self) -> usize {
        let rows = self.comparison.rows.iter();
        rows.map(|row| row.results.len()).sum()
    }

    /// Loads completed runs.
    pub fn take_up(&mut self, ids: &[String], observer: &mut dyn Observer) -> Result<(), RunError> {
        for row in 0..self.comparison.rows.len() {
            self.take_up_row(row)?;
        }
        let (runs, done) = (self.runs(), self.done());
        let note = format!(
            "{} on {} of {} samples: {}{}",
            match self.is_one_model() {
                true => "one model".to_owned(),
                false => counted(self.comparison.rows.len(), "combination"),
            },
            match self.lists.len() {
                1 => "one split".to_owned(),
                folds => format!("{folds} folds"),
            },
            ids.len(),
            counted(runs, "run"),
            match done {
                0 => String::new(),
                _ => format!(", {done} already completed"),
            }
        );
        observer.observe(&Event::Said(&note))?;
        let rows = self.comparison.rows.iter();
        let mut varied = rows.flat_map(|row| row.combination.varied());
        let stops_early = self.options.optimization.patience.is_some()
            || varied.any(|(name, value)| name == "patience" && !value.is_null());
        if stops_early {
            observer.observe(&Event::Warning(
                "--patience ends a run based on its validation samples, so the metrics are optimistic",
            ))?;
        }
        Ok(())
    }

    /// Loads the completed runs of a row.
    pub fn take_up_row(&mut self, row: usize) -> Result<(), RunError> {
        let row = &mut self.comparison.rows[row];
        for fold in 0..self.lists.len() {
            let path = self.directory.result(&row.combination, fold);
            let result = read_result(&path, &row.combination, self.directory.path())?;
            row.results.extend(result);
        }
        Ok(())
    }

    /// Trains missing runs fold by fold, so that an interrupted comparison has equally many folds
    /// of each combination.
    pub fn train(
        &mut self,
        observer: &mut dyn Observer,
        interrupt: &AtomicBool,
    ) -> Result<(), RunError> {
        let mut number = self.done();
        for fold in 0..self.lists.len() {
            for row in 0..self.comparison.rows.len() {
                if !self.is_to_do(row, fold) {
                    continue;
                }
                number += 1;
                let what = format!("run {number} of {}", self.runs());
                if self.run(row, fold, &what, observer, interrupt)? == Outcome::Interrupted {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Whether a run of a row on a fold (from 0) is still to be done and has not failed.
    pub fn is_to_do(&self, row: usize, fold: usize) -> bool {
        let CombinationResults {
            results, failure, ..
        } = &self.comparison.rows[row];
        failure.is_none() && results.iter().all(|result| result.fold != fold + 1)
    }

    /// Trains a row on a fold, and stores its result or the reason for its failure.
    pub fn run(
        &mut self,
        row: usize,
        fold: usize,
        what: &str,
        observer: &mut dyn Observer,
        interrupt: &AtomicBool,
    ) -> Result<Outcome, RunError> {
        if interrupt.load(Ordering::Relaxed) {
            self.comparison.outcome = Outcome::Interrupted;
            return Ok(Outcome::Interrupted);
        }
        let one_model = self.is_one_model();
        let combination = self.comparison.rows[row].combination.clone();
        let path = self.directory.run(&combination, fold);
        let options = self.options_of(row, fold, &path)?;
        let warned = &mut self.warned;
        let mut listener = FoldListener::new(fold, what, one_model, warned, observer);
        let outcome = train_among_others(&options, &mut listener, interrupt);
        let result = listener.result(matches!(outcome, Ok(Outcome::Finished)), &path);
        let line = match outcome {
            Ok(Outcome::Interrupted) => {
                self.comparison.outcome = Outcome::Interrupted;
                return Ok(Outcome::Interrupted);
            }
            Ok(Outcome::Finished) => {
                let (path, result) = (self.directory.result(&combination, fold), result?);
                write_result(&path, &combination, &result)?;
                self.keep(row, result)
            }
            Err(error) if one_model => return Err(error),
            Err(error @ (RunError::Write { .. } | RunError::Checkpoint { .. })) => {
                return Err(error);
            }
            Err(error) => self.fail(row, fold, &error),
        };
        self.directory.write_tables(&self.comparison)?;
        let label = match one_model {
            true => String::new(),
            false => combination.label() + ", ",
        };
        let note = format!("{what}: {label}fold {}: {line}", fold + 1);
        observer.observe(&Event::Said(&note))?;
        Ok(Outcome::Finished)
    }

    /// The settings of the run of a row on a fold, in the directory `path`.
    fn options_of(&self, row: usize, fold: usize, path: &Path) -> Result<TrainOptions, RunError> {
        let (before, combination) = (
            &self.comparison.rows[..row],
            &self.comparison.rows[row].combination,
        );
        let mut options = combination.applied_to(self.options)?;
        let lists = &self.lists[fold];
        options.data.train_samples = Some(lists.train.clone());
        options.data.validation_samples = Some(lists.validation.clone());
        options.data.test_size = None;
        options.split = options.split.of_a_fold();
        // In the cross-validation of one model, the learners are fitted together.
        let has_learners = options.members != TrainOptions::network_alone();
        // The forest of a comparison is that of the first row that can be trained.
        let is_first = before.iter().all(|row| row.failure.is_some());
        let has_forest = match self.is_one_model() {
            true => !has_learners,
            false => is_first && combination.settings().is_none(),
        };
        if !has_forest {
            options.baseline_trees = 0;
        }
        options.members = TrainOptions::network_alone();
        // An existing directory holds a run that was not completed.
        options.optimization.resume = can_go_on(path, &options);
        options.optimization.overwrite = !options.optimization.resume;
        // Removed so that the metrics are reported again.
        RunDirectory::at(path).remove_results()?;
        options.optimization.output_dir = Some(path.to_owned());
        Ok(options)
    }

    /// Adds a result to its row, and returns its text for the log.
    fn keep(&mut self, row: usize, result: FoldResult) -> String {
        let seconds = result.seconds;
        let metrics = result.metrics.clone();
        let results = &mut self.comparison.rows[row].results;
        results.push(result);
        results.sort_by_key(|result| result.fold);
        let main = self.comparison.main_metrics();
        let columns = &self.options.metadata_column;
        let figures = metrics
            .iter()
            .filter(|metric| main.contains(&metric.name.as_str()))
            // Those of other methods are in the table of the folds.
            .filter(|metric| match metric.name.split_once(':') {
                None => true,
                Some((of, _)) => columns.iter().any(|column| column.trim() == of),
            })
            .map(|metric| format!("{} {:.3}, ", spoken(&metric.name), metric.value));
        format!("{}{seconds:.1} s", figures.collect::<String>())
    }

    /// Stores why a combination could not be trained, and returns its text for the log.
    fn fail(&mut self, row: usize, fold: usize, error: &RunError) -> String {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        let reason = match fold {
            0 => line.to_owned(),
            _ => format!("fold {}: {line}", fold + 1),
        };
        self.comparison.rows[row].failure = Some(reason);
        format!("failed: {line}")
    }
}
