//! `aam simulate`.

use std::path::Path;

use aam_runtime::simulate::{Study, check_place};
use aam_runtime::text::counted;
use clap::ArgMatches;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{is_json, wrote};

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let Some(settings) = super::settings("simulate", matches)? else {
        return Ok(Exit::Done);
    };
    let output = matches
        .get_one::<String>("output-dir")
        .map_or("", String::as_str);
    let overwrite = matches.get_flag("overwrite");
    check_place(Path::new(output), overwrite).map_err(|error| {
        Failure::from(error)
            .with_exit(Exit::Usage)
            .at("--output-dir")
    })?;
    let study = aam_runtime::simulate::simulate(&settings.options()?)?;
    write(&study, Path::new(output), overwrite)?;
    let samples = counted(study.table.num_samples(), "sample");
    let asvs = counted(study.table.num_features(), "ASV");
    match is_json() {
        true => wrote(output)?,
        false => wrote(&format!("{output}: {samples} with {asvs}"))?,
    }
    Ok(Exit::Done)
}

/// Writes a study, which only a disk error can prevent.
pub(super) fn write(study: &Study, folder: &Path, overwrite: bool) -> Result<(), Failure> {
    study
        .write(folder, overwrite)
        .map_err(|error| Failure::from(error).with_exit(Exit::Failed))
}
