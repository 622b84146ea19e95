//! Distances as text, with ids in the header and in the first column, in any order.

use std::collections::{HashMap, HashSet};

use super::recognise::{refuse_mix_up, wrong_file};
use super::role::Role;
use super::separator::Separator;
use super::source::Source;
use super::table::check_ids;
use super::{DataError, DistanceFile, mismatch, number_words, phylip, shorten};
use aam_core::text::counted;

/// Reads a matrix with cells separated by tabs, commas, semicolons or blanks.
pub(super) fn read_text(source: &Source) -> Result<DistanceFile, DataError> {
    refuse_mix_up(source, Role::Distances)?;
    let head = String::from_utf8_lossy(source.head());
    let lines: Vec<&str> = head
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(3)
        .collect();
    if phylip::begins(&lines) {
        return phylip::read(source);
    }
    let mut text = Lines::of(&lines);
    source.lines(|_, line| text.line(line))?;
    let Some(columns) = text.columns else {
        return Err(wrong_file(source, Role::Distances));
    };
    check_ids(&columns, "sample").map_err(|e| source.in_file(e.at("header")))?;
    check_ids(&text.rows, "sample").map_err(|e| source.in_file(e.at("first column")))?;
    let size = columns.len();
    let row_of: HashMap<&str, usize> = text
        .rows
        .iter()
        .enumerate()
        .map(|(i, id)| (id.as_str(), i))
        .collect();
    let order: Vec<usize> = columns
        .iter()
        .map(|id| row_of.get(id.as_str()).copied())
        .collect::<Option<_>>()
        .filter(|_| text.rows.len() == size)
        .ok_or_else(|| source.in_file(unlike(&columns, &text.rows)))?;
    let values = if order.iter().copied().eq(0..size) {
        text.values
    } else {
        order
            .iter()
            .flat_map(|&row| text.values[row * size..][..size].to_vec())
            .collect()
    };
    DistanceFile::new(source, Some(columns), &[size as u64; 2], values)
}

/// The error for columns and rows with different samples.
fn unlike(columns: &[String], rows: &[String]) -> DataError {
    let known: HashSet<&str> = rows.iter().map(String::as_str).collect();
    let lone = columns.iter().find(|id| !known.contains(id.as_str()));
    let error = DataError::new(match lone {
        Some(id) => format!("the column '{}' has no row", shorten(id)),
        None => format!(
            "{} for {}",
            counted(rows.len(), "row"),
            counted(columns.len(), "column")
        ),
    });
    let (columns, rows) = (columns.iter(), rows.iter());
    let guess = mismatch::guess(columns.map(String::as_str), rows.map(String::as_str));
    match guess.filter(|_| lone.is_some()) {
        Some(guess) => error.help(guess.to_string()),
        None => error.help("a matrix has a row and a column for each sample"),
    }
}

#[derive(Default)]
struct Lines {
    separator: Separator,
    /// Whether the header lacks a cell above the row ids, as written by R.
    shifted: bool,
    columns: Option<Vec<String>>,
    rows: Vec<String>,
    values: Vec<f64>,
}

impl Lines {
    /// Infers the layout of the cells from the first lines.
    fn of(lines: &[&str]) -> Self {
        let lines: Vec<&str> = lines
            .iter()
            .copied()
            .filter(|l| !l.starts_with('#'))
            .collect();
        let separator = Separator::of(&lines);
        let width = |line: Option<&&str>| line.map_or(0, |line| separator.cells(line).len());
        Self {
            separator,
            shifted: width(lines.get(1)) == width(lines.first()) + 1,
            ..Self::default()
        }
    }

    fn line(&mut self, line: &str) -> Result<(), DataError> {
        if line.trim().is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let cells = self.separator.cells(line);
        let Some(columns) = &self.columns else {
            let names = cells.into_iter().skip(usize::from(!self.shifted));
            let names: Vec<String> = names.map(|cell| cell.into_owned()).collect();
            if names.is_empty() {
                return Err(DataError::new("expected a header that names the samples").help(
                    "the header begins with an empty cell, then ids separated by tabs, commas or \
                     semicolons",
                ));
            }
            self.columns = Some(names);
            return Ok(());
        };
        let mut cells = cells.into_iter();
        let id = cells.next().unwrap_or_default().into_owned();
        let cells: Vec<_> = cells.collect();
        if let [other, last] = &cells[..]
            && self.rows.is_empty()
            && columns.len() == 2
            && other.parse::<f64>().is_err()
            && last.parse::<f64>().is_ok()
        {
            return Err(DataError::new(
                "expected a square matrix of distances, found a list of pairs",
            )
            .help("convert it to a matrix with a row and a column for each sample"));
        }
        if cells.len() != columns.len() {
            return Err(DataError::new(format!(
                "the row of '{}' has {} for {}",
                shorten(&id),
                counted(cells.len(), "value"),
                counted(columns.len(), "column")
            ))
            .help("each row begins with the sample's id and has a distance for each column"));
        }
        if self.rows.len() == columns.len() {
            return Err(DataError::new(format!(
                "more rows than the {}",
                counted(columns.len(), "column")
            )));
        }
        for (cell, column) in cells.iter().zip(columns) {
            let commas = self.separator == Separator::Semicolon;
            let value = cell.parse::<f64>().ok().or_else(|| {
                let swapped = commas.then(|| cell.replacen(',', ".", 1))?;
                swapped.parse().ok()
            });
            self.values.push(value.ok_or_else(|| {
                DataError::new(format!(
                    "expected the distance of '{}' and '{}', found '{}'",
                    shorten(&id),
                    shorten(column),
                    shorten(cell)
                ))
                .help(number_words::written(cell).map_or(
                    "each cell must be a number, and 0 on the diagonal",
                    number_words::Written::help,
                ))
            })?);
        }
        self.rows.push(id);
        Ok(())
    }
}
