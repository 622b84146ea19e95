//! `aam compare`: components side by side, each trained on the same folds of one study.
//!
//! A run of it is a run of `aam train` whose lists of samples are those of a fold. One that came to
//! its end leaves a file with its figures, by which it is recognised when the comparison is taken
//! up again.

mod combination;
mod cross_validation;
mod directory;
mod options;
mod record;
mod table;
pub mod tune;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

pub use crate::evaluation::folds::folds;
pub use combination::Combination;
pub(crate) use cross_validation::cross_validate;
pub use options::CompareOptions;
pub use table::{Comparison, FoldResult, Row, Spread};

use crate::checkpoint;
use crate::device::device;
use crate::error::RunError;
use crate::events::{Event, Observer, Outcome};
use crate::options::TrainOptions;
use crate::parallel::processes;
use crate::run_directory::{CONFIG, RunDirectory};
use crate::train::metrics::Metric;
use crate::train::{Divided, LAST, can_go_on, check_values, divided, train_fold};
use directory::{ComparisonDirectory, FoldLists};
use record::{Asked, read_result, write_result};

/// Trains every combination on every fold, apart from the runs that are done already.
///
/// What keeps one combination from being trained is in its row, and the others go on.
///
/// # Errors
/// Settings that no run could have, files that cannot be read or written, an older comparison with
/// other settings in the output directory.
pub fn compare(
    options: &CompareOptions,
    combinations: &[Combination],
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<Comparison, RunError> {
    let compared = compared(options, combinations, None, observer, interrupt)?;
    let path = compared.directory.write_tables(&compared.comparison)?;
    observer.observe(&Event::Saved(&path))?;
    Ok(compared.comparison)
}

/// What was compared on which samples, and where.
struct Compared {
    comparison: Comparison,
    divided: Divided,
    directory: ComparisonDirectory,
}

/// Compares; `config` is the text of `config.toml`, for a directory that has one.
fn compared(
    options: &CompareOptions,
    combinations: &[Combination],
    config: Option<&str>,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<Compared, RunError> {
    processes::refuse("a comparison, or training on folds,")?;
    let train = &options.train;
    check(options)?;
    let asked = Asked::new(options, combinations)?;
    let optimization = &train.optimization;
    let overwrite = optimization.overwrite;
    let path = optimization.output_dir.as_deref();
    let directory = ComparisonDirectory::check(path, overwrite, &asked)?;
    let divided = divided(train, options.number_of_folds(), observer)?;
    let splits = &divided.folds.splits;
    let lists = directory.fill(&asked, &divided.ids, splits, overwrite)?;
    if let Some(config) = config {
        directory.as_run().write(CONFIG, config)?;
    }
    let rows = combinations.iter().map(|combination| Row {
        combination: combination.clone(),
        results: Vec::new(),
        failure: None,
    });
    let mut comparing = Comparing {
        options: train,
        directory,
        lists,
        comparison: Comparison {
            folds: splits.len(),
            rows: rows.collect(),
            outcome: Outcome::Finished,
            metric: optimization.best_metric.clone(),
        },
        warned: Vec::new(),
    };
    comparing.take_up(&divided.ids, observer)?;
    comparing.train(observer, interrupt)?;
    Ok(Compared {
        comparison: comparing.comparison,
        divided,
        directory: comparing.directory,
    })
}

/// Refuses what no run could have.
fn check(options: &CompareOptions) -> Result<(), RunError> {
    let TrainOptions {
        data, optimization, ..
    } = &options.train;
    check_values(optimization, data)?;
    if options.train.memory.is_measured() {
        return Err(RunError::Usage(
            "--auto-batch-size and --memory-profile are of one model: `aam train` has them, and its \
             config.toml the batch size".to_owned(),
        ));
    }
    device(&optimization.device)?;
    Ok(())
}

/// A comparison that goes on.
struct Comparing<'a> {
    options: &'a TrainOptions,
    directory: ComparisonDirectory,
    lists: Vec<FoldLists>,
    comparison: Comparison,
    /// What the person was warned of already.
    warned: Vec<String>,
}

impl Comparing<'_> {
    /// Whether nothing is compared but folds.
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

    /// Takes up the runs that are done.
    fn take_up(&mut self, ids: &[String], observer: &mut dyn Observer) -> Result<(), RunError> {
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
                _ => format!(", {done} of which are done already"),
            }
        );
        observer.observe(&Event::Note(&note))?;
        if self.options.optimization.patience.is_some() {
            observer.observe(&Event::Warning(
                "--patience ends a run by its validation samples, which the metrics compared are of: they flatter",
            ))?;
        }
        Ok(())
    }

    /// Takes up the runs of a row that are done.
    fn take_up_row(&mut self, row: usize) -> Result<(), RunError> {
        let row = &mut self.comparison.rows[row];
        for fold in 0..self.lists.len() {
            let path = self.directory.result(&row.combination, fold);
            let result = read_result(&path, &row.combination, self.directory.path())?;
            row.results.extend(result);
        }
        Ok(())
    }

    /// Trains what is not done, fold by fold, so that a comparison that is interrupted has as much
    /// of each combination.
    fn train(
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

    /// Whether the run of a row on a fold, from 0, has neither been done nor is hopeless.
    fn is_to_do(&self, row: usize, fold: usize) -> bool {
        let Row {
            results, failure, ..
        } = &self.comparison.rows[row];
        failure.is_none() && results.iter().all(|result| result.fold != fold + 1)
    }

    /// Trains a row on a fold, and keeps its result or why there is none.
    fn run(
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
        let mut watch = Watch {
            observer: &mut *observer,
            what,
            warned: &mut self.warned,
            with_others: one_model,
            others: Vec::new(),
            batches: (0, 0),
            result: FoldResult {
                fold: fold + 1,
                epochs: 0,
                seconds: 0.0,
                parameters: (0, 0),
                metrics: Vec::new(),
            },
        };
        let mut options = combination.applied_to(self.options)?;
        options.data.train_samples = Some(self.lists[fold].train.clone());
        options.data.validation_samples = Some(self.lists[fold].validation.clone());
        options.split = options.split.of_a_fold();
        if !one_model {
            options.baseline_trees = 0;
        }
        // What may be there is a run that did not come to its end.
        let path = self.directory.run(&combination, fold);
        options.optimization.resume = can_go_on(&path, &options);
        options.optimization.overwrite = !options.optimization.resume;
        // Told once more, to whoever collects the figures.
        RunDirectory::at(&path).remove_results()?;
        options.optimization.output_dir = Some(path.clone());
        let outcome = train_fold(&options, &mut watch, interrupt);
        let mut result = watch.result;
        if outcome.is_ok() && result.epochs == 0 {
            (result.epochs, result.metrics) = last_epoch(&path)?;
        }
        result.metrics.extend(watch.others);
        let line = match outcome {
            Ok(Outcome::Interrupted) => {
                self.comparison.outcome = Outcome::Interrupted;
                return Ok(Outcome::Interrupted);
            }
            Ok(Outcome::Finished) => {
                let path = self.directory.result(&combination, fold);
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
        observer.observe(&Event::Note(&note))?;
        Ok(Outcome::Finished)
    }

    /// Adds a result to its row; returns it for people.
    fn keep(&mut self, row: usize, result: FoldResult) -> String {
        let seconds = result.seconds;
        let metrics = result.metrics.clone();
        let results = &mut self.comparison.rows[row].results;
        results.push(result);
        results.sort_by_key(|result| result.fold);
        let main = self.comparison.main_metrics();
        let figures = metrics
            .iter()
            .filter(|metric| main.contains(&metric.name.as_str()))
            .map(|metric| format!("{} {:.3}, ", metric.name, metric.value));
        format!("{}{seconds:.1} s", figures.collect::<String>())
    }

    /// Notes why a combination could not be trained; returns it for people.
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

/// Number and metrics of the last epoch of the run in `path`, which was trained to its end before.
fn last_epoch(path: &Path) -> Result<(usize, Vec<Metric>), RunError> {
    let last = RunDirectory::checkpoints_of(path).join(LAST);
    let (manifest, _) = checkpoint::directory::load(&last)?;
    Ok((manifest.epoch, of_validation(&manifest.metrics)))
}

fn of_validation(metrics: &[Metric]) -> Vec<Metric> {
    let of_training =
        |metric: &&Metric| metric.name == "learning_rate" || metric.name.starts_with("train_");
    let validation = metrics.iter().filter(|metric| !of_training(metric));
    validation.cloned().collect()
}

fn counted(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

/// Listens to a run for its figures, and passes on what is worth seeing of one among many.
struct Watch<'a> {
    observer: &'a mut dyn Observer,
    what: &'a str,
    warned: &'a mut Vec<String>,
    /// Whether what other methods reach on the samples is wanted.
    with_others: bool,
    others: Vec<Metric>,
    /// Epochs, and batches of one.
    batches: (usize, usize),
    result: FoldResult,
}

impl Observer for Watch<'_> {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), RunError> {
        match event {
            Event::Warning(text) => {
                if self.warned.iter().any(|warned| warned == text) {
                    return Ok(());
                }
                self.warned.push((*text).to_owned());
                self.observer.observe(event)
            }
            Event::Started {
                epochs,
                batches,
                parameters,
            } => {
                self.batches = (*epochs, *batches);
                self.result.parameters = *parameters;
                Ok(())
            }
            Event::Batch { epoch, batch, .. } => {
                let (epochs, batches) = self.batches;
                self.observer.observe(&Event::Progress {
                    what: self.what,
                    done: (epoch - 1) * batches + batch,
                    total: epochs * batches,
                })
            }
            Event::Epoch {
                epoch,
                metrics,
                seconds,
                ..
            } => {
                self.result.metrics = of_validation(metrics);
                self.result.epochs = *epoch;
                self.result.seconds += seconds;
                Ok(())
            }
            Event::Evaluated(evaluation) if self.with_others => {
                self.others = evaluation.of_others().collect();
                Ok(())
            }
            Event::Progress { .. } => self.observer.observe(event),
            _ => Ok(()),
        }
    }
}
