//! `aam compare`: components side by side, each trained on the same folds of one study.
//!
//! A run of it is a run of `aam train` whose lists of samples are those of a fold. One that came to
//! its end leaves a file with its figures, by which it is recognised when the comparison is taken
//! up again.

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

use aam_model::device::device;
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
    let mut finished = compare_all(options, combinations, None, observer, interrupt)?;
    if finished.comparison.outcome == Outcome::Finished {
        let judge = Judge::new(&options.train);
        finished.comparison.best = judge.best(&finished.comparison, ChosenBy::OtherFolds);
    }
    finished.directory.write_choice(&finished.comparison)?;
    let path = finished.directory.write_tables(&finished.comparison)?;
    observer.observe(&Event::Saved(&path))?;
    Ok(finished.comparison)
}

/// A comparison that came to its end or was interrupted, with its samples and its directory.
struct FinishedComparison {
    comparison: Comparison,
    divided: FoldedStudy,
    directory: ComparisonDirectory,
    /// What the person was warned of.
    warned: Vec<String>,
}

/// Compares; `config` is the text of `config.toml`, for a directory that has one.
fn compare_all(
    options: &CompareOptions,
    combinations: &[Combination],
    config: Option<&str>,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<FinishedComparison, RunError> {
    processes::refuse("a comparison, or training on folds,")?;
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

/// Refuses what no run could have.
fn check(options: &CompareOptions) -> Result<(), RunError> {
    settings::check(options)?;
    check_data(&options.train)?;
    best_metric::check_training(&options.train, None)?;
    check_data(&options.train)?;
    if options.train.memory.is_measured() {
        let problem = "it is of one model: `aam train` has it, and its config.toml the batch size";
        return Err(RunError::setting(options.train.memory.first(), problem));
    }
    device(&options.train.optimization.device)?;
    Ok(())
}

fn counted(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}
