//! `aam train`: either cross-validated predictions and a model of all samples, or one model on a
//! single split.

use std::sync::atomic::AtomicBool;

use aam_run::RunError;
use aam_run::events::{Event, Observer, Outcome};
use aam_run::run_directory::RunDirectory;
use aam_train::parallel::processes::is_first;

use crate::compare::cross_validate;
use crate::one_training::train_once;
use crate::options::TrainOptions;
use crate::stages::{TrainingSettings, TrainingSetup};

/// Trains a predictor of metadata columns.
///
/// # Errors
/// Conflicting settings, files that cannot be read or written, or a non-finite loss.
pub fn train(
    options: &TrainOptions,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<Outcome, RunError> {
    let is_open = options.leaves_division_open();
    if !is_open && !options.split.cross_validates() {
        return train_once(options, observer, interrupt);
    }
    // A resumed run knows how its samples are split.
    let path = options.optimization.output_dir.as_deref();
    let goes_on = is_open && options.optimization.resume && is_first();
    let _held = goes_on
        .then(|| RunDirectory::claim_to_resume(path))
        .transpose()?;
    // Errors that every fold would raise are raised before a directory is made. The folds report
    // everything else.
    let nobody = &mut |_: &Event<'_>| {};
    let setup = TrainingSetup::new(TrainingSettings::of_folds(options)?, nobody)?;
    if !is_open || setup.is_quick() {
        return cross_validate(options, observer, interrupt);
    }
    let mut decided = options.clone();
    let fraction = options.data.held_out_fraction();
    decided.data.test_size = Some(fraction);
    observer.observe(&Event::Note(&format!(
        "training this model {} times would take a long time, so {fraction} of the samples are held out once; --folds {} holds out every sample",
        TrainOptions::FOLDS + 1,
        TrainOptions::FOLDS
    )))?;
    train_once(&decided, observer, interrupt)
}
