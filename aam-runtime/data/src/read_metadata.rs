//! Reading of metadata files by the rules of QIIME 2, which [`super::metadata`] describes.

mod directives;
mod header;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::Path;

use super::metadata::{Column, Metadata, is_id_header, is_reserved};
use super::number_words::{Written, is_spreadsheet_error, written};
use super::qza::Artifact;
use super::recognise::{recognise, wrong_file};
use super::role::Role;
use super::separator::Separator;
use super::source::{Kind, Source};
use super::tsv_rows::Rows;
use super::{DataError, container};
use aam_core::text::{agreeing, counted};
use directives::Directives;

/// Reads the metadata at `path`: text separated by tabs, commas, semicolons or blanks, gzipped or
/// not.
///
/// # Errors
/// The file is something else (the message says what it looks like) or breaks one of the rules; the
/// message names the line.
pub fn read_metadata(path: impl AsRef<Path>) -> Result<Metadata, DataError> {
    let (source, mut notes) = container::open(path.as_ref())?;
    let source = match source.kind() {
        Kind::Zip => alpha_diversity(&source)?,
        _ => source,
    };
    let metadata = read(&source)?;
    notes.extend_from_slice(metadata.notes());
    Ok(metadata.with_notes(notes))
}

/// The values of an artifact that QIIME 2 accepts as metadata: an alpha diversity.
fn alpha_diversity(source: &Source) -> Result<Source, DataError> {
    match Artifact::open(source)?.alpha_diversity()? {
        Some(values) => Ok(values),
        None => Err(wrong_file(source, Role::Metadata)),
    }
}

type Row = (usize, Vec<String>);

/// Reads the metadata in `source`.
pub fn read(source: &Source) -> Result<Metadata, DataError> {
    let from_biom = source.head().starts_with(b"# Constructed from biom");
    let mixed_up = match recognise(source).role {
        None | Some(Role::Metadata) => false,
        Some(Role::Table) => from_biom || source.kind() != Kind::Text,
        Some(_) => true,
    };
    if mixed_up || !matches!(source.kind(), Kind::Text | Kind::Utf16 | Kind::Json) {
        return Err(wrong_file(source, Role::Metadata));
    }
    let text = source.text()?;
    let parsed = parse(&text).map_err(|e| source.in_file(e))?;
    let path = source.path().to_owned();
    Ok(Metadata::new(path, parsed.ids, parsed.columns).with_notes(parsed.notes))
}

struct Parsed {
    ids: Vec<String>,
    columns: Vec<Column>,
    notes: Vec<String>,
}

fn parse(text: &str) -> Result<Parsed, DataError> {
    let parts = header::parts(text)?;
    let (header, mut notes) = (parts.header, parts.notes);
    let mut directives = Directives::default();
    let mut rows = parts.rows.into_iter().peekable();
    let first_comment = parts.comments.first().map_or(usize::MAX, |(line, _)| *line);
    let stands_below = |(line, cells): &Row| is_directive(cells) && *line < first_comment;
    while let Some(row) = rows.next_if(stands_below) {
        directives.add(row, &header)?;
    }
    let mut ids = Vec::new();
    let mut values = vec![Vec::new(); header.len() - 1];
    let mut lines = HashMap::new();
    for row in rows {
        let (line, cells) = &row;
        let (line, id) = (*line, id_of(*line, cells)?);
        let cells = fit(row, &header)?;
        let line = format!("line {line}");
        if let Some(first) = lines.insert(id.clone(), line.clone()) {
            return Err(
                DataError::new(format!("the id '{id}' already occurs in {first}"))
                    .at(line)
                    .help("keep one row for each sample"),
            );
        }
        ids.push(id);
        for (column, cell) in values.iter_mut().zip(cells.into_iter().skip(1)) {
            column.push((!cell.is_empty()).then_some(cell));
        }
    }
    if ids.is_empty() {
        return Err(DataError::new("has a header but no samples"));
    }
    let wide = |(_, cells): &&Row| cells.len() == header.len() && header.len() > 1;
    let comments: Vec<&Row> = parts.comments.iter().filter(wide).collect();
    if let Some((_, first)) = comments.first() {
        notes.push(format!(
            "{} that {} with '#' {} not read, such as '{}': if comments are samples, rename them",
            counted(comments.len(), "row"),
            agreeing(comments.len(), "begins", "begin"),
            agreeing(
                comments.len(),
                "is a comment and was",
                "are comments and were"
            ),
            super::shorten(&first[0])
        ));
    }
    for (name, values) in header[1..].iter().zip(&mut values) {
        without_errors(name, values, &mut notes);
        if parts.separator == Separator::Semicolon {
            with_points(name, values, &mut notes);
        }
    }
    let columns = header[1..]
        .iter()
        .zip(values)
        .map(|(name, values)| directives.column(name, values, &ids))
        .collect::<Result<_, _>>()?;
    Ok(Parsed {
        ids,
        columns,
        notes,
    })
}

/// The id of the row with these cells.
fn id_of(line: usize, cells: &[String]) -> Result<String, DataError> {
    let at = format!("line {line}");
    if is_directive(cells) {
        return Err(DataError::new(format!("'{}' is out of place", cells[0]))
            .at(at)
            .help("directives belong immediately below the header"));
    }
    if is_reserved(&cells[0]) {
        return Err(DataError::new(format!(
            "the id '{}' is a name reserved for the header of the id column",
            cells[0]
        ))
        .at(at)
        .help("does the file contain a second header?"));
    }
    match cells[0].is_empty() {
        true => Err(DataError::new("the row has no id").at(at)),
        false => Ok(cells[0].clone()),
    }
}

/// Replaces spreadsheet errors by missing values.
fn without_errors(name: &str, values: &mut [Option<String>], notes: &mut Vec<String>) {
    let mut found = Vec::new();
    for value in values {
        found.extend(value.take_if(|value| is_spreadsheet_error(value)));
    }
    if let Some(first) = found.first() {
        notes.push(format!(
            "column '{name}': {} with a spreadsheet error, such as '{first}', {} as missing",
            counted(found.len(), "cell"),
            agreeing(found.len(), "counts", "count")
        ));
    }
}

/// Replaces the decimal commas of a column by points, in a file that therefore separates cells by
/// semicolons.
fn with_points(name: &str, values: &mut [Option<String>], notes: &mut Vec<String>) {
    let number = |value: &String| super::metadata::number(value).is_some() && !value.contains('.');
    let comma = |value: &String| {
        let swapped = value.replacen(',', ".", 1);
        value.contains(',') && super::metadata::number(&swapped).is_some()
    };
    let plain = |value: &String| written(value) == Some(Written::DecimalComma);
    let mut filled = values.iter().flatten();
    let all = filled.clone().all(|value| number(value) || comma(value));
    if !all || !filled.any(plain) {
        return;
    }
    notes.push(format!(
        "column '{name}': decimal commas are read as points"
    ));
    for value in values.iter_mut().flatten() {
        *value = value.replacen(',', ".", 1);
    }
}

fn next_row(rows: &mut Rows) -> Result<Option<Row>, DataError> {
    let row = rows.next_row()?;
    Ok(row.map(|(line, cells)| {
        (
            line,
            cells.iter().map(|cell| strip(cell).to_owned()).collect(),
        )
    }))
}

/// The cells of `row`, padded to the length of the header.
fn fit((line, mut cells): Row, header: &[String]) -> Result<Vec<String>, DataError> {
    if cells.len() > header.len() && !is_empty(&cells[header.len()..]) {
        return Err(DataError::new(format!(
            "the row has {}, the header {}",
            counted(cells.len(), "cell"),
            header.len()
        ))
        .at(format!("line {line}"))
        .help(
            "put cells that contain the separator in double quotes; files written by R \
             need `write.table(…, row.names = FALSE)` or `col.names = NA`",
        ));
    }
    cells.resize(header.len(), String::new());
    Ok(cells)
}

fn is_empty(cells: &[String]) -> bool {
    cells.iter().all(String::is_empty)
}

fn is_directive(cells: &[String]) -> bool {
    cells[0].starts_with("#q2:")
}

fn is_comment(cells: &[String]) -> bool {
    cells[0].starts_with('#') && !is_directive(cells) && !is_id_header(&cells[0])
}

/// Strips whitespace, as Python defines it.
fn strip(cell: &str) -> &str {
    cell.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}
