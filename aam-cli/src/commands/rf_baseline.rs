//! `aam rf-baseline`.

use clap::ArgMatches;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::{interrupt, progress};

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let Some(settings) = super::settings("rf-baseline", matches)? else {
        return Ok(Exit::Done);
    };
    let mut display = progress::display(super::amount(matches));
    let options = settings.options()?;
    let outcome =
        aam_runtime::rf_baseline::rf_baseline(&options, display.as_mut(), interrupt::flag())?;
    Ok(super::pretrain::exit(outcome))
}
