//! What a user sees of a run: bars on a terminal, plain lines elsewhere, only warnings and results if
//! quiet; and JSON for programs.
//!
//! Progress and remarks go to standard error, results and the paths of files to standard output.

mod bars;
mod clock;
mod epoch_line;
mod json;
mod lines;
mod panel;
mod paths;
mod person;
mod quiet;

use std::io::{self, IsTerminal};
use std::path::Path;

use aam_runtime::run::RunError;
use aam_runtime::run::events::{Event, Observer};
use aam_runtime::text::counted;
use aam_runtime::train::parallel::processes;

use crate::output::{self, is_json};
pub use paths::PathsHeldBack;

/// How much of a run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Warnings and results.
    Quiet,
    /// Also the progress, with a line per epoch.
    Usual,
    /// Also all metrics of every epoch.
    Verbose,
}

/// The display of a run; of several processes only the first has one.
pub fn display(amount: Amount) -> Box<dyn Observer> {
    if !processes::is_first() {
        return Box::new(|_: &Event<'_>| {});
    }
    if is_json() {
        return Box::new(json::Json {
            quiet: amount == Amount::Quiet,
        });
    }
    let verbose = amount == Amount::Verbose;
    match (amount, can_move_cursor()) {
        (Amount::Quiet, _) => Box::new(quiet::Quiet),
        (_, true) => Box::new(person::Person::<bars::Bars>::new(verbose)),
        (_, false) => Box::new(person::Person::<lines::Lines>::new(verbose)),
    }
}

/// The warning that an event is; notes of what was read may be warnings, too.
fn warning_in<'a>(event: &Event<'a>) -> Option<&'a str> {
    match event {
        Event::Warning(text) => Some(text),
        Event::Note(text) => text.strip_prefix("warning: "),
        _ => None,
    }
}

/// Whether standard error is a terminal on which a bar can be drawn.
fn can_move_cursor() -> bool {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stderr().is_terminal() && !is_dumb
}

/// Writes a result to standard output.
///
/// # Errors
/// It cannot be written. A reader that has gone away is not an error.
fn show_result(text: &str) -> Result<(), RunError> {
    heard(output::result(text))
}

/// Writes the path of a file that was written to standard output.
///
/// # Errors
/// As for [`show_result`].
fn show_written(path: &Path) -> Result<(), RunError> {
    heard(output::wrote(&path.display().to_string()))
}

fn heard(written: io::Result<()>) -> Result<(), RunError> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(RunError::write("standard output")),
    }
}

/// Describes the training that is about to start, in one line.
fn start_line(epochs: usize, batches: usize, (learn, all): (usize, usize)) -> String {
    let frozen = match learn == all {
        true => String::new(),
        false => format!(" ({learn} of them trainable)"),
    };
    format!(
        "training {}{frozen} for up to {} of {}",
        counted(all, "parameter"),
        counted(epochs, "epoch"),
        counted(batches, "batch")
    )
}

/// Four significant digits, without a long tail of zeros.
fn figure(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if (0.001..10_000.0).contains(&size) => {
            let decimals = (3.0 - size.log10().floor()).clamp(0.0, 6.0) as usize;
            format!("{value:.decimals$}")
        }
        _ => format!("{value:.2e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits() {
        let shown = [0.0, 0.123_456, 12.345_6, 1234.56, 1e-5, f64::NAN].map(figure);
        assert_eq!(shown, ["0", "0.1235", "12.35", "1235", "1.00e-5", "NaN"]);
    }
}
