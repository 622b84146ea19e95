//! `aam train-encoder`.

use clap::ArgMatches;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::{interrupt, progress};

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let Some(settings) = super::settings("train-encoder", matches)? else {
        return Ok(Exit::Done);
    };
    let mut display = progress::display(super::amount(matches));
    let options = settings.options()?;
    let outcome =
        aam_runtime::train_encoder::train_encoder(&options, display.as_mut(), interrupt::flag())?;
    Ok(super::ended(super::pretrain::exit(outcome)))
}
