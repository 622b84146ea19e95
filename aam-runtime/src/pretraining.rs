//! `aam pretrain`: pre-trains a base from files.

use std::sync::atomic::AtomicBool;

use aam_report::watch::Watch;
use aam_run::RunError;
use aam_run::events::{Observer, Outcome};

use crate::options::PretrainOptions;
use crate::stages::{
    DividedPretraining, PreparedPretraining, PretrainingSettings, PretrainingSetup, fit_base,
    unlabelled,
};

/// Pre-trains a base on masked nucleotides and UniFrac distances.
///
/// # Errors
/// Conflicting settings, files that cannot be read or written, or a non-finite loss.
pub fn pretrain(
    options: &PretrainOptions,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<Outcome, RunError> {
    Watch::over("pretrain", observer, |watch| {
        let settings = PretrainingSettings::of_run(options)?;
        if settings.is_finished(watch)? {
            return Ok(Outcome::Finished);
        }
        let setup = PretrainingSetup::new(settings, watch)?;
        let study = unlabelled(&setup, watch)?;
        let divided = DividedPretraining::new(&setup, &study, watch)?;
        let prepared = PreparedPretraining::new(&divided)?;
        let run = prepared.watched_directory(watch)?;
        fit_base(prepared, &run, watch, interrupt)
    })
}
