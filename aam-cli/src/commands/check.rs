//! `aam check`.

use std::io::{self, Write};
use std::path::Path;

use aam_runtime::options::CheckOptions;
use clap::ArgMatches;

use super::check_text::text;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::wrote;

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let Some(settings) = super::settings("check", matches)? else {
        return Ok(Exit::Done);
    };
    let options: CheckOptions = settings.options()?;
    let folder = matches.get_one::<String>("folder").map(Path::new);
    let report = aam_runtime::check::check(&options, folder)?;
    let shown = match matches.get_flag("json") {
        true => {
            let json = serde_json::to_string_pretty(&report);
            json.map_err(|error| Failure::new(Exit::Failed, error.to_string()))? + "\n"
        }
        false => text(&report),
    };
    io::stdout().write_all(shown.as_bytes())?;
    if let Some(page) = &options.html {
        wrote(&page.display().to_string())?;
    }
    Ok(match report.stops() {
        true => Exit::Data,
        false => Exit::Done,
    })
}
