//! `aam check`: examines the files of a study before training.
//!
//! Each module determines one section of the [`CheckReport`]. Nothing ends a check early: a file
//! that cannot be read is one [`Problem`] among others.

mod choice;
mod columns;
mod files;
mod folder;
mod grouping;
mod matching;
mod next_command;
mod samples;
mod sequences;
mod target;

use std::path::Path;

use aam_core::DataError;
use aam_report::check::{CheckReport, Examples, FileFound, Next, Problem};
use aam_run::RunError;
use aam_run::run_directory::{check_output_file, write_whole};
use aam_run::settings;

use crate::options::CheckOptions;
use files::Study;
use grouping::Grouping;

/// Number of names shown of a list.
const SHOWN: usize = 3;

/// The findings so far.
#[derive(Default)]
struct Findings {
    files: Vec<FileFound>,
    problems: Vec<Problem>,
}

impl Findings {
    /// Adds a problem that prevents the files from being used.
    fn stop(&mut self, error: DataError) {
        self.add(true, error);
    }

    /// Adds a possible mistake.
    fn warn(&mut self, error: DataError) {
        self.add(false, error);
    }

    fn add(&mut self, stops: bool, mut error: DataError) {
        let help = error.help.take();
        let problem = Problem {
            stops,
            text: error.to_string(),
            help,
        };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

/// Examines the files named by `options`, and those in `folder` for all other roles. Writes the
/// HTML page if requested.
///
/// # Errors
/// No file is named, a folder that cannot be read, or a page that cannot be written. Problems with
/// the files are part of the report.
pub fn check(options: &CheckOptions, folder: Option<&Path>) -> Result<CheckReport, RunError> {
    settings::check(options)?;
    if let Some(page) = &options.html {
        check_output_file(page, options.overwrite).map_err(|error| match error {
            RunError::Setting { value, problem, .. } => RunError::Setting {
                key: "html".to_owned(),
                value,
                problem,
            },
            other => other,
        })?;
    }
    let mut found = Findings::default();
    let candidates = folder::candidates(options, folder)?;
    if let Some(folder) = folder.filter(|_| candidates.are_useless()) {
        let error = DataError::in_file(folder, "the folder has no files that aam reads");
        found
            .stop(error.help(
                "its files are listed above; name others with --table, --metadata and so on",
            ));
    }
    let study = Study::read(options, candidates, &mut found);
    let report = report(options, folder, &study, found);
    if let Some(page) = &options.html {
        write_whole(page, &aam_report::page::check(&report))?;
    }
    Ok(report)
}

/// Creates the sections in order.
fn report(
    options: &CheckOptions,
    folder: Option<&Path>,
    study: &Study,
    mut found: Findings,
) -> CheckReport {
    let samples = samples::section(study, &mut found);
    let sequences = sequences::section(study, &mut found);
    let matching = matching::section(study, &mut found);
    let ids = matching::common_samples(study);
    let columns = columns::section(study, &ids, &options.keep_class);
    let grouping = Grouping::read(options, study, &ids, &mut found);
    let groups = grouping.as_ref().zip(study.metadata.as_ref());
    let groups = groups.map(|(grouping, metadata)| grouping.section(metadata, &mut found));
    let context = (grouping.as_ref(), columns.as_slice());
    let targets = target::section(options, study, &ids, context, &mut found);
    // Problems that prevent a training run come first.
    found.problems.sort_by_key(|problem| !problem.stops);
    let mut report = CheckReport {
        aam: env!("CARGO_PKG_VERSION").to_owned(),
        files: found.files,
        samples,
        sequences,
        matching,
        columns,
        groups,
        targets,
        problems: found.problems,
        next: Next::default(),
    };
    report.next = next_command::next(options, folder, study, &report);
    report
}

/// Some of `names`, and their number.
fn examples<'a>(names: impl Iterator<Item = &'a str>) -> Examples {
    let mut found = Examples::default();
    for name in names {
        found.count += 1;
        if found.examples.len() < SHOWN {
            found.examples.push(aam_data::shorten(name));
        }
    }
    found
}
