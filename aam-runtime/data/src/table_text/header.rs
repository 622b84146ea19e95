//! Detection of a text table's header and the names of its columns.

use std::borrow::Cow;

use crate::DataError;
use crate::column_names::{is_feature_header, is_note, key};
use crate::metadata::is_id_header;
use crate::separator::Separator;

/// How the lines of a table are divided into cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) separator: Separator,
    /// Names of all columns.
    pub(super) names: Vec<String>,
    /// Index of the column with the feature ids.
    pub(super) ids: usize,
    /// Notes about the file.
    pub(super) notes: Vec<String>,
}

/// Finds the header among the comments at the beginning of a table and the lines after them.
///
/// # Errors
/// The header names no samples.
pub(super) fn find(comments: &[String], lines: &[String]) -> Result<(Layout, bool), DataError> {
    let known = comments.iter().rev().find(|line| begins_header(line));
    let texts: Vec<&str> = known.into_iter().chain(lines).map(String::as_str).collect();
    let separator = Separator::of(&texts);
    let cells = |line: &str| names(separator, line);
    let first = lines.first().map(|line| separator.cells(line));
    let width = first.as_ref().map_or(0, Vec::len);
    let numbers = |line: &String| {
        let cells = separator.cells(line);
        cells.iter().skip(1).any(|cell| cell.parse::<f64>().is_ok())
    };
    let counts = lines.first().is_some_and(numbers);
    // A comment with as many names as there are cells is a header if counts follow it.
    let named = known.or_else(|| {
        let fits = |line: &&String| {
            let names = cells(line);
            names.len() > 1 && (names.len() == width || counts && line.contains('\t'))
        };
        let below = lines.get(1).is_none_or(numbers);
        comments
            .iter()
            .rev()
            .find(fits)
            .filter(|_| counts || !below)
    });
    let (header, is_comment) = match (named, lines.first()) {
        (Some(comment), _) => (comment, true),
        (None, Some(line)) => (line, false),
        (None, None) => return Ok((Layout::default(), true)),
    };
    let rows = &lines[usize::from(!is_comment).min(lines.len())..];
    let rows: Vec<_> = rows.iter().map(|row| separator.cells(row)).collect();
    let mut layout = Layout {
        separator,
        names: cells(header),
        ..Layout::default()
    };
    layout.shift(&rows, is_comment);
    layout.ids = layout.id_column(&rows);
    if layout.names.len() < 2 {
        return Err(DataError::new("the header names no samples").help(
            "a text table begins with a line '#OTU ID' and the sample ids, separated by tabs, \
             commas, semicolons or blanks as in all other lines",
        ));
    }
    if separator != Separator::Tab {
        let note = format!("its cells are separated by {}", separator.name());
        layout.notes.push(note);
    }
    Ok((layout, is_comment))
}

/// The names in a header, without trailing empty ones.
fn names(separator: Separator, line: &str) -> Vec<String> {
    let cells = separator.cells(line);
    let mut names: Vec<String> = cells.into_iter().map(|cell| cell.into_owned()).collect();
    while names.len() > 1 && names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    names
}

impl Layout {
    /// Adds the name that R omits above the row names.
    fn shift(&mut self, rows: &[Vec<Cow<'_, str>>], is_comment: bool) {
        let [first, ..] = rows else { return };
        let one_more = rows.iter().all(|row| row.len() == self.names.len() + 1);
        if is_comment || !one_more || first.last().is_some_and(|cell| cell.is_empty()) {
            return;
        }
        let numbered = (1..)
            .zip(rows)
            .all(|(number, row)| row[0].parse() == Ok::<usize, _>(number));
        let name = self.names[0].clone();
        if is_feature_header(&name) && !numbered {
            return;
        }
        self.notes.push(match numbered && is_feature_header(&name) {
            true => format!(
                "the header has one cell fewer than the rows, as R writes tables: the numbers of \
                 the rows have no name, and '{name}' holds the ids"
            ),
            false => format!(
                "the header has one cell fewer than the rows, as R writes tables: its first cell, \
                 '{name}', is treated as a sample, not as the name of the id column"
            ),
        });
        self.names.insert(0, String::new());
    }

    /// The id column: the first, unless it contains numbers or lineages and another has the name of
    /// an id column.
    fn id_column(&self, rows: &[Vec<Cow<'_, str>>]) -> usize {
        let first = key(&self.names[0]);
        let lineage = is_note(&self.names[0]) && !is_feature_header(&self.names[0]);
        let unnamed = first.is_empty() || first == "rownames" || first == "index";
        if !(lineage || unnamed || first == "comment") {
            return 0;
        }
        let text = |&column: &usize| {
            let number = |row: &Vec<Cow<'_, str>>| {
                row.get(column)
                    .is_none_or(|cell| cell.parse::<f64>().is_ok())
            };
            !rows.iter().any(number)
        };
        let named = |column: &usize| is_feature_header(&self.names[*column]);
        let mut columns = (1..self.names.len()).filter(named).filter(text);
        columns.next().unwrap_or(0)
    }
}

/// Whether a comment is the header written by QIIME and others.
fn begins_header(line: &str) -> bool {
    let first = line.split(['\t', ',', ';']).next().unwrap_or_default();
    let named = is_feature_header(first) || is_id_header(first);
    named && first.len() < line.trim_end().len()
}
