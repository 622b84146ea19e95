//! `aam pretrain`.

use aam_runtime::options::PretrainOptions;
use aam_runtime::run::events::{Observer, Outcome};
use clap::ArgMatches;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::{interrupt, memory, progress};

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let Some(settings) = super::settings("pretrain", matches)? else {
        return Ok(Exit::Done);
    };
    let amount = super::amount(matches);
    let mut display = progress::display(amount);
    let fitted = memory::fitted(settings.options()?, display.as_mut())?;
    let exit = fitted.train(amount, display.as_mut(), pretrain)?;
    Ok(super::ended(exit))
}

/// Pre-trains, and returns how the run ended.
pub(super) fn pretrain(
    options: &PretrainOptions,
    display: &mut dyn Observer,
) -> Result<Exit, Failure> {
    let outcome = aam_runtime::pretraining::pretrain(options, display, interrupt::flag())?;
    Ok(exit(outcome))
}

/// How a run ended, as an exit code.
pub(super) fn exit(outcome: Outcome) -> Exit {
    match outcome {
        Outcome::Finished => Exit::Done,
        Outcome::Interrupted => Exit::Saved,
    }
}
