//! `aam train`.

use aam_runtime::options::TrainOptions;
use aam_runtime::run::events::Observer;
use clap::ArgMatches;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::{interrupt, memory, progress};

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let Some(settings) = super::settings("train", matches)? else {
        return Ok(Exit::Done);
    };
    let mut display = progress::display(super::quiet(matches));
    let options = memory::fitted(settings.options()?, display.as_mut())?;
    train(&options, display.as_mut())
}

/// Trains, and returns how the run ended.
pub(super) fn train(options: &TrainOptions, display: &mut dyn Observer) -> Result<Exit, Failure> {
    let outcome = aam_runtime::training::train(options, display, interrupt::flag())?;
    Ok(super::pretrain::exit(outcome))
}
