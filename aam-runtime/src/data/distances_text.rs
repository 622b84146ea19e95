//! Distances as text: ids in the header and in the first column, in any two orders.

use std::collections::HashMap;

use super::role::{Role, refuse_mix_up, wrong_file};
use super::source::Source;
use super::table::check_ids;
use super::{DataError, DistanceFile};

/// Reads a matrix with tabs, commas or blanks between its cells.
pub(super) fn read_text(source: &Source) -> Result<DistanceFile, DataError> {
    refuse_mix_up(source, Role::Distances)?;
    let mut text = Lines::default();
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
        .ok_or_else(|| {
            let lone = columns.iter().find(|id| !row_of.contains_key(id.as_str()));
            source.error(match lone {
                Some(id) => format!("the column `{id}` has no row"),
                None => format!("{} rows for {size} columns", text.rows.len()),
            })
        })?;
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

#[derive(Default)]
struct Lines {
    separator: Option<char>,
    columns: Option<Vec<String>>,
    rows: Vec<String>,
    values: Vec<f64>,
}

impl Lines {
    fn line(&mut self, line: &str) -> Result<(), DataError> {
        if line.trim().is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let Some(columns) = &self.columns else {
            self.separator = ['\t', ','].into_iter().find(|&c| line.contains(c));
            let mut cells = split(line, self.separator);
            if self.separator.is_some() && !cells.is_empty() {
                cells.remove(0);
            }
            if cells.is_empty() || self.separator.is_none() && cells.len() < 2 {
                return Err(DataError::new("expected a header that names the samples")
                    .help("the header begins with an empty cell, then ids separated by tabs"));
            }
            self.columns = Some(cells);
            return Ok(());
        };
        let mut cells = split(line, self.separator).into_iter();
        let id = cells.next().unwrap_or_default();
        let cells: Vec<String> = cells.collect();
        if cells.len() != columns.len() {
            return Err(DataError::new(format!(
                "the row of `{id}` has {} values for {} columns",
                cells.len(),
                columns.len()
            )));
        }
        if self.rows.len() == columns.len() {
            return Err(DataError::new(format!(
                "more rows than the {} columns",
                columns.len()
            )));
        }
        for (cell, column) in cells.iter().zip(columns) {
            let value = cell.parse::<f64>().map_err(|_| {
                DataError::new(format!(
                    "expected the distance of `{id}` and `{column}`, found `{cell}`"
                ))
                .help("is this a distance matrix? sample metadata goes to --metadata")
            })?;
            self.values.push(value);
        }
        self.rows.push(id);
        Ok(())
    }
}

fn split(line: &str, separator: Option<char>) -> Vec<String> {
    let unquoted = |cell: &str| {
        let cell = cell.trim();
        let inner = cell.strip_prefix('"').and_then(|c| c.strip_suffix('"'));
        inner.unwrap_or(cell).to_owned()
    };
    match separator {
        Some(separator) => line.split(separator).map(unquoted).collect(),
        None => line.split_whitespace().map(unquoted).collect(),
    }
}
