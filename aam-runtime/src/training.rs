//! `aam train`: a model of all samples and predictions of each by models that did not see it, or one
//! model on one split.

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
/// Settings at odds, files that cannot be read or written, a loss that is no number.
pub fn train(
    options: &TrainOptions,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<Outcome, RunError> {
    let is_open = options.leaves_division_open();
    if !is_open && !options.split.cross_validates() {
        return train_once(options, observer, interrupt);
    }
    // A run that goes on knows how its samples are divided.
    let path = options.optimization.output_dir.as_deref();
    let goes_on = is_open && options.optimization.resume && is_first();
    let _held = goes_on
        .then(|| RunDirectory::claim_to_resume(path))
        .transpose()?;
    // What a fold would be refused for is refused before there is a directory; the folds report the
    // rest.
    let nobody = &mut |_: &Event<'_>| {};
    let setup = TrainingSetup::new(TrainingSettings::of_folds(options)?, nobody)?;
    if !is_open || setup.is_quick() {
        return cross_validate(options, observer, interrupt);
    }
    let mut decided = options.clone();
    let fraction = options.data.held_out_fraction();
    decided.data.test_size = Some(fraction);
    observer.observe(&Event::Note(&format!(
        "{} trainings of such a model would take long, so {fraction} of the samples are held out once; --folds {} holds out every sample",
        TrainOptions::FOLDS + 1,
        TrainOptions::FOLDS
    )))?;
    train_once(&decided, observer, interrupt)
}
