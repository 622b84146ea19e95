//! A single training from settings to evaluation, as a composition of stages.

use std::sync::atomic::AtomicBool;

use aam_report::watch::Watch;
use aam_run::RunError;
use aam_run::events::{Observer, Outcome};

use crate::options::TrainOptions;
use crate::ordination;
use crate::stages::{
    DividedStudy, FittedTraining, MatchedStudy, PreparedTraining, TrainingSettings, TrainingSetup,
    warn_of_unseen_asvs,
};

/// Trains a predictor of metadata columns on one split, and evaluates it.
///
/// # Errors
/// Conflicting settings, files that cannot be read or written, or a non-finite loss.
pub fn train_once(
    options: &TrainOptions,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<Outcome, RunError> {
    trained(options, observer, interrupt, true)
}

/// Like [`train_once`], for one of several runs on the same samples, about which all report together.
///
/// # Errors
/// Those of [`train_once`].
pub fn train_among_others(
    options: &TrainOptions,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<Outcome, RunError> {
    trained(options, observer, interrupt, false)
}

/// Trains and evaluates. With `alone`, also reports on the samples.
fn trained(
    options: &TrainOptions,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
    alone: bool,
) -> Result<Outcome, RunError> {
    Watch::over("train", observer, |watch| {
        let setup = TrainingSetup::new(TrainingSettings::of_run(options)?, watch)?;
        if setup.is_finished(watch)? {
            return Ok(Outcome::Finished);
        }
        let study = MatchedStudy::of(&setup, watch)?;
        let divided = DividedStudy::new(&setup, &study, watch)?;
        let table = &study.study.table;
        if alone {
            warn_of_unseen_asvs(table, std::slice::from_ref(&divided.split), watch)?;
        }
        let prepared = PreparedTraining::new(&divided, watch)?;
        let run = prepared.watched_directory(watch)?;
        let fitted = FittedTraining::new(prepared, &run, watch, interrupt)?;
        if fitted.outcome() == Outcome::Finished && setup.ranks.has_first() {
            if alone {
                let targets = &study.targets.columns;
                ordination::report(options, table, &study.metadata, targets, watch)?;
            }
            fitted.conclude(&run, watch)?;
        }
        Ok(fitted.outcome())
    })
}
