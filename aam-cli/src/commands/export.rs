//! `aam export`.

use clap::ArgMatches;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress;

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let Some(settings) = super::settings("export", matches)? else {
        return Ok(Exit::Done);
    };
    let mut display = progress::display(super::amount(matches));
    aam_runtime::export::export(&settings.options()?, display.as_mut())?;
    Ok(Exit::Done)
}
