//! Columns of a text table, and which of them are samples.

use crate::column_names::is_note;
use crate::number_words::{Written, written};
use crate::table::reads_of;
use crate::{DataError, shorten};

/// What is known about a column so far.
#[derive(Debug, Default)]
pub(super) struct Column {
    pub(super) name: String,
    /// Whether its name shows that it is not a sample.
    note: bool,
    /// Line of the first count.
    first_count: Option<usize>,
    /// The first text cell.
    first_text: Option<(usize, String)>,
    /// The first empty or missing cell.
    first_missing: Option<Fault>,
    /// The first number that is not a count.
    first_wrong: Option<Fault>,
}

/// Why a cell is not a count.
#[derive(Debug)]
struct Fault {
    line: usize,
    feature: String,
    error: DataError,
}

/// The kind of a complete column.
pub(super) enum Outcome {
    Sample,
    /// Not a sample, and left out.
    Note,
}

impl Column {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            note: is_note(name),
            ..Self::default()
        }
    }

    /// Whether a row may omit this cell.
    pub(super) fn may_be_short(&self) -> bool {
        self.note || self.first_text.is_some() && self.first_count.is_none()
    }

    /// Parses the count in `cell`, if it is one.
    pub(super) fn take(&mut self, line: usize, feature: &str, cell: &str) -> Option<u32> {
        if self.note {
            return None;
        }
        if cell == "0" || cell == "0.0" {
            self.first_count.get_or_insert(line);
            return None;
        }
        let fault = |error: DataError| Fault {
            line,
            feature: feature.to_owned(),
            error,
        };
        if is_missing(cell) {
            self.first_missing.get_or_insert_with(|| {
                let problem = format!("expected a count, found {}", found(cell));
                fault(DataError::new(problem).help(
                    "write 0 where no reads were counted; a column that is not a sample must be \
                     removed",
                ))
            });
            return None;
        }
        let Ok(value) = cell.parse::<f64>() else {
            if self.first_count.is_some() {
                self.first_wrong
                    .get_or_insert_with(|| fault(no_count(cell)));
            }
            self.first_text
                .get_or_insert_with(|| (line, cell.to_owned()));
            return None;
        };
        self.first_count.get_or_insert(line);
        match reads_of(value) {
            Ok(reads) => Some(reads).filter(|&reads| reads > 0),
            Err(error) => {
                self.first_wrong.get_or_insert_with(|| fault(error));
                None
            }
        }
    }

    /// Decides what the column is, once it is complete.
    ///
    /// # Errors
    /// The line of a cell that is not a valid count, and the error.
    pub(super) fn outcome(&mut self) -> Result<Outcome, (usize, DataError)> {
        if self.note {
            return Ok(Outcome::Note);
        }
        let number = |cell: &str| written(cell).is_some_and(|kind| kind != Written::Date);
        match (&self.first_text, self.first_count) {
            (None, None) if self.name.is_empty() => return Ok(Outcome::Note),
            (Some((line, cell)), count) if number(cell) && count.is_none_or(|n| *line < n) => {
                let place = format!("line {line}, sample '{}'", shorten(&self.name));
                return Err((*line, no_count(cell).at(place)));
            }
            (Some(_), None) => return Ok(Outcome::Note),
            (Some((text, cell)), Some(count)) if *text < count => {
                let problem = format!(
                    "the column '{}' holds text in line {text}, {}, and a number here",
                    self.name,
                    found(cell)
                );
                let error = DataError::new(problem)
                    .at(format!("line {count}"))
                    .help("fix the text if the column is a sample; otherwise remove the column");
                return Err((count, error));
            }
            _ => {}
        }
        let faults = [self.first_wrong.take(), self.first_missing.take()];
        match faults.into_iter().flatten().min_by_key(|fault| fault.line) {
            None => Ok(Outcome::Sample),
            Some(fault) => {
                let place = format!(
                    "line {}, feature '{}', sample '{}'",
                    fault.line,
                    shorten(&fault.feature),
                    shorten(&self.name)
                );
                Err((fault.line, fault.error.at(place)))
            }
        }
    }
}

/// The error for a text cell among counts.
fn no_count(cell: &str) -> DataError {
    let error = DataError::new(format!("expected a count, found {}", found(cell)));
    match written(cell) {
        Some(written) => error.help(written.help()),
        None => error.help(
            "each cell of a sample is the number of its reads; a column that is not a sample must be \
             removed",
        ),
    }
}

fn found(cell: &str) -> String {
    match cell.is_empty() {
        true => "an empty cell".to_owned(),
        false => format!("'{}'", shorten(cell)),
    }
}

/// Whether `cell` is a common notation for a missing value.
fn is_missing(cell: &str) -> bool {
    ["", "na", "n/a", "nan", "null", "none", "-", "."]
        .iter()
        .any(|word| cell.eq_ignore_ascii_case(word))
}
