//! `aam simulate`.

use std::fs;
use std::path::Path;

use aam_runtime::data::DataError;
use aam_runtime::simulate::{SimulateOptions, Study};
use clap::ArgMatches;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::say;

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let Some(settings) = super::settings("simulate", matches)? else {
        return Ok(Exit::Done);
    };
    let output = matches
        .get_one::<String>("output-dir")
        .map_or("", String::as_str);
    refuse_to_replace(Path::new(output))?;
    let study = simulate(&settings.options()?)?;
    write(&study, Path::new(output))?;
    if !super::quiet(matches) {
        let (samples, asvs) = (study.table.num_samples(), study.table.num_features());
        say(&format!(
            "wrote {output}: {samples} samples with {asvs} ASVs"
        ));
    }
    Ok(Exit::Done)
}

/// Checks, before anything is computed, that the study has a place.
fn refuse_to_replace(folder: &Path) -> Result<(), Failure> {
    let holds_files = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    match folder.is_file() || holds_files {
        false => Ok(()),
        true => Err(
            Failure::usage(format!("--output-dir {}: exists already", folder.display()))
                .help("name a directory to make"),
        ),
    }
}

/// Makes a study. Only an option can keep it from being made.
pub(super) fn simulate(options: &SimulateOptions) -> Result<Study, Failure> {
    aam_runtime::simulate::simulate(options).map_err(|error| with_exit(Exit::Usage, error))
}

/// Writes a study. Only the disk can keep it from being written.
pub(super) fn write(study: &Study, folder: &Path) -> Result<(), Failure> {
    study
        .write(folder)
        .map_err(|error| with_exit(Exit::Failed, error))
}

fn with_exit(exit: Exit, error: DataError) -> Failure {
    let mut failure = Failure::from(error);
    failure.exit = exit;
    failure
}
