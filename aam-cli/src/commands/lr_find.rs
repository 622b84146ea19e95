//! `aam lr-find`: prints the suggested learning rate.

use std::io::{self, Write};

use clap::ArgMatches;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::say;
use crate::progress::PathsHeldBack;
use crate::{interrupt, progress};

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let Some(settings) = super::settings("lr-find", matches)? else {
        return Ok(Exit::Done);
    };
    let mut display = PathsHeldBack::from(progress::display(super::amount(matches)));
    let options = settings.options()?;
    let found = aam_runtime::lr_find::find_rate(&options, &mut display, interrupt::flag())?;
    // Standard output holds the rate alone, so that a script can pass it on.
    for path in display.into_paths() {
        if !super::quiet(matches) {
            say(&format!("wrote {}", path.display()));
        }
    }
    match found.suggestion {
        Some(rate) => {
            io::stdout().write_all(format!("{rate:.1e}\n").as_bytes())?;
            Ok(Exit::Done)
        }
        None => Ok(Exit::Failed),
    }
}
