//! The header of metadata: its line, the separator of its cells, and the column with the ids.

use std::collections::HashSet;

use super::{Row, is_comment, is_directive, is_empty, next_row, strip};
use crate::DataError;
use crate::metadata::{is_id_header, is_reserved};
use crate::separator::Separator;
use crate::shorten;
use crate::tsv_rows::Rows;

/// Lines below the header that are examined to find the separator.
const LINES_LOOKED_AT: usize = 4;

/// The header and the rows below it, including directives and comments.
pub(super) struct Parts {
    pub(super) separator: Separator,
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Row>,
    /// Rows below the header that are comments by QIIME 2's rules.
    pub(super) comments: Vec<Row>,
    /// Notes about the file.
    pub(super) notes: Vec<String>,
}

/// The separator of the cells of `text`.
fn separator(text: &str) -> Separator {
    let comment = |line: &&str| {
        let first = line.split([',', ';', '\t']).next().unwrap_or_default();
        line.trim().is_empty() || line.starts_with('#') && !names_ids(strip(first))
    };
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !comment(line))
        .take(LINES_LOOKED_AT)
        .collect();
    match lines.first() {
        Some(header) if names_ids(strip(header)) => Separator::Tab,
        _ => Separator::of(&lines),
    }
}

/// Whether a column of this name contains the ids, by the rules of QIIME 2 or obviously.
fn names_ids(name: &str) -> bool {
    let kept = name.chars().filter(|c| c.is_alphanumeric());
    let key: String = kept.flat_map(char::to_lowercase).collect();
    is_id_header(name)
        || matches!(
            &*key,
            "id" | "ids"
                | "sample"
                | "samples"
                | "sampleid"
                | "sampleids"
                | "samplename"
                | "samplenames"
                | "otuid"
                | "featureid"
        )
}

/// Finds the header of `text` and the rows below it.
///
/// # Errors
/// There is no header, or it does not say which column contains the ids.
pub(super) fn parts(text: &str) -> Result<Parts, DataError> {
    let separator = separator(text);
    let mut rows = Rows::new(text, separator);
    let (line, header) = loop {
        let Some((line, cells)) = next_row(&mut rows)? else {
            return Err(DataError::new(
                "has no header: it is empty or holds only comments",
            ));
        };
        if names_ids(&cells[0]) {
            break (line, cells);
        }
        if is_comment(&cells) || is_empty(&cells) && cells.len() == 1 {
            continue;
        }
        if is_directive(&cells) {
            return Err(
                DataError::new(format!("'{}' comes before the header", cells[0]))
                    .at(format!("line {line}"))
                    .help("directives belong immediately below the header"),
            );
        }
        if !is_empty(&cells) {
            break (line, cells);
        }
    };
    let (mut below, mut comments) = (Vec::new(), Vec::new());
    while let Some(row) = next_row(&mut rows)? {
        // A quoted id is an id even if it begins with `#`.
        if is_comment(&row.1) && !rows.begins_quoted() {
            comments.push(row);
        } else if !is_empty(&row.1) {
            below.push(row);
        }
    }
    let mut parts = Parts {
        separator,
        header,
        rows: below,
        comments,
        notes: Vec::new(),
    };
    while parts.header.last().is_some_and(String::is_empty) {
        parts.header.pop();
    }
    parts.settle().map_err(|e| e.at(format!("line {line}")))?;
    check(&parts.header).map_err(|e| e.at(format!("line {line}")))?;
    if separator != Separator::Tab {
        let note = format!("its cells are separated by {}", separator.name());
        parts.notes.push(note);
    }
    Ok(parts)
}

impl Parts {
    /// Ensures that the first cell of the header is above the ids.
    fn settle(&mut self) -> Result<(), DataError> {
        let name = self.header.first().cloned().unwrap_or_default();
        let data = self.rows.iter().map(|(_, cells)| cells);
        let data: Vec<&Vec<String>> = data.filter(|cells| !is_directive(cells)).collect();
        let wider = !data.is_empty()
            && data.iter().all(|cells| {
                cells.len() == self.header.len() + 1 && cells.last().is_some_and(|c| !c.is_empty())
            });
        if names_ids(&name) {
            let numbered = (1..)
                .zip(&data)
                .all(|(number, cells)| cells[0].parse() == Ok::<usize, _>(number));
            let repeated = data.iter().all(|cells| cells.get(1) == Some(&cells[0]));
            if wider && (numbered || repeated) {
                self.notes.push(format!(
                    "the header has one cell fewer than the rows, as R writes tables: the names of \
                     the rows are left out, and '{name}' holds the ids"
                ));
                for (_, cells) in &mut self.rows {
                    cells.remove(0);
                }
            }
            return Ok(());
        }
        if wider {
            self.notes.push(format!(
                "the header has one cell fewer than the rows, as R writes tables: the names of the \
                 rows are the ids, and '{}' is the first column of values",
                shorten(&name)
            ));
            self.header.insert(0, "sample-id".to_owned());
            return Ok(());
        }
        let alike = data.iter().all(|cells| cells.len() <= self.header.len());
        if name.is_empty() && self.header.len() > 1 && alike {
            self.notes
                .push("the first column has no name: it is used as the ids".to_owned());
            self.header[0] = "sample-id".to_owned();
            return Ok(());
        }
        Err(self.unnamed(&name, &data))
    }

    /// The error for a header that does not begin with the name of the id column.
    fn unnamed(&self, name: &str, rows: &[&Vec<String>]) -> DataError {
        let error = DataError::new(format!(
            "expected a header whose first column is named 'sample-id' (or 'id', '#SampleID', \
             'sample_name', 'sample_id'), found '{}'",
            shorten(name)
        ));
        if let Some(other) = self.header.iter().find(|name| names_ids(name)) {
            return error.help(format!("put the column '{other}' first"));
        }
        let parted = [Separator::Comma, Separator::Semicolon, Separator::Blanks]
            .into_iter()
            .find(|other| {
                let cells = other.cells(name);
                cells.len() > 1 && names_ids(&cells[0]) && self.header.len() == 1
            });
        if let Some(other) = parted {
            let cells = other.cells(name).len();
            let odd = rows
                .iter()
                .position(|row| other.cells(&row.join("\t")).len() != cells);
            let row = odd.map_or_else(String::new, |at| {
                format!(
                    ", and row {} has a different number of cells from the header",
                    at + 1
                )
            });
            return error.help(format!(
                "its cells are separated by {}{row}: save it as tab-separated text",
                other.name()
            ));
        }
        error.help("rename the column that holds the sample ids, and put it first")
    }
}

/// Rejects names that are empty, repeated or those of another id column.
fn check(header: &[String]) -> Result<(), DataError> {
    let mut seen = HashSet::new();
    for (place, name) in header.iter().enumerate() {
        if name.is_empty() {
            return Err(DataError::new(format!("column {} has no name", place + 1))
                .help("name it, or remove it"));
        }
        if !seen.insert(name) {
            return Err(
                DataError::new(format!("the column '{name}' occurs more than once"))
                    .help("rename or remove one of them"),
            );
        }
    }
    if let Some(name) = header[1..].iter().find(|name| is_reserved(name)) {
        return Err(DataError::new(format!(
            "the column name '{name}' is reserved for the id column, which is '{}' here",
            header[0]
        ))
        .help("rename the column"));
    }
    Ok(())
}
