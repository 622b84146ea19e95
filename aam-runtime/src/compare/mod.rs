//! `aam compare`: compares components, each trained on the same folds of one study.
//!
//! Each of its runs is a run of `aam train` on the sample lists of a fold. A completed run leaves a
//! file with its metrics, by which it is recognised when the comparison is resumed.

mod choice;
mod combination;
mod comparing;
mod cross_validation;
mod directory;
mod final_model;
mod fold_listener;
mod options;
mod record;
mod table;
pub mod tune;

use std::sync::atomic::AtomicBool;

pub use aam_evaluation::folds::folds;
pub use combination::Combination;
pub(crate) use cross_validation::cross_validate;
pub use options::CompareOptions;
pub use table::{
    BestOfSeveral, ChosenBy, ChosenWithout, CombinationResults, Comparison, FoldResult, Spread,
};

use aam_evaluation::metrics::Metric;
use aam_model::device::device;
use aam_report::watch::{Watch, WatchOptions};
use aam_run::RunError;
use aam_run::events::{Event, Observer, Outcome};
use aam_run::run_directory::CONFIG;
use aam_run::settings;
use aam_train::best_metric;
use aam_train::parallel::processes;
use choice::Judge;
use comparing::Comparing;
use directory::ComparisonDirectory;
use record::ComparisonFingerprint;

use crate::stages::{FoldedStudy, check_data};

/// Trains every combination on every fold, except for completed runs.
///
/// A failure of one combination is recorded in its row, and the others continue.
///
/// # Errors
/// Settings that are invalid for every run, files that cannot be read or written, or an older
/// comparison with other settings in the output directory.
pub fn compare(
    options: &CompareOptions,
    combinations: &[Combination],
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<Comparison, RunError> {
    Watch::over_with("compare", observer, |watch| {
        let mut finished = compare_all(options, combinations, None, watch, interrupt)?;
        let run = finished.directory.as_run();
        watch.begin(&run, options, WatchOptions::RECORD, None)?;
        if finished.comparison.outcome == Outcome::Finished {
            let judge = Judge::new(&options.train);
            finished.comparison.best = judge.best(&finished.comparison, ChosenBy::OtherFolds);
        }
        finished.directory.write_choice(&finished.comparison)?;
        let path = finished.directory.write_tables(&finished.comparison)?;
        conclude(
            &finished.comparison,
            &|row| finished.comparison.varying_label(row),
            watch,
        )?;
        watch.observe(&Event::Saved(&path))?;
        Ok((finished.comparison.outcome, finished.comparison))
    })
}

/// Reports the best row, which `label` describes, for lists of runs.
fn conclude(
    comparison: &Comparison,
    label: &dyn Fn(usize) -> String,
    observer: &mut dyn Observer,
) -> Result<(), RunError> {
    let Some(best) = &comparison.best else {
        return Ok(());
    };
    let value = best.unseen().unwrap_or(best.seen).mean;
    observer.observe(&Event::Concluded {
        summary: &format!("best of {}: {}", comparison.rows.len(), label(best.row)),
        metric: Some(&Metric {
            name: best.metric.clone(),
            value,
        }),
    })
}

/// A completed or interrupted comparison, with its samples and its directory.
struct FinishedComparison {
    comparison: Comparison,
    divided: FoldedStudy,
    directory: ComparisonDirectory,
    /// Warnings that the user has already seen.
    warned: Vec<String>,
}

/// Runs the comparison. `config` is the text of `config.toml`, for a directory that has one.
fn compare_all(
    options: &CompareOptions,
    combinations: &[Combination],
    config: Option<&str>,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<FinishedComparison, RunError> {
    let one_model = combinations.iter().all(Combination::is_as_given);
    processes::refuse(if one_model {
        "training on folds"
    } else {
        "a comparison"
    })?;
    check(options)?;
    let fingerprint = ComparisonFingerprint::new(options, combinations);
    let (mut comparing, divided) = Comparing::begin(options, &fingerprint, observer)?;
    if let Some(config) = config {
        comparing.directory.as_run().write(CONFIG, config)?;
    }
    let rows = combinations
        .iter()
        .map(|combination| CombinationResults::new(combination.clone()));
    comparing.comparison.rows = rows.collect();
    comparing.take_up(&divided.ids, observer)?;
    comparing.train(observer, interrupt)?;
    Ok(FinishedComparison {
        comparison: comparing.comparison,
        divided,
        directory: comparing.directory,
        warned: comparing.warned,
    })
}

/// Rejects settings that are invalid for every run.
fn check(options: &CompareOptions) -> Result<(), RunError> {
    settings::check(options)?;
    check_data(&options.train)?;
    best_metric::check_training(&options.train, None)?;
    if options.train.data.test_size == Some(0.0) {
        let problem = "models are compared on held-out samples; give more than 0";
        return Err(RunError::value("test-size", "0", problem));
    }
    if options.train.memory.is_measured() {
        let problem = "it applies to a single model: use it with `aam train`, whose config.toml records the batch size";
        return Err(RunError::setting(options.train.memory.first(), problem));
    }
    device(&options.train.optimization.device)?;
    Ok(())
}
