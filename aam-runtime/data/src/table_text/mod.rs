//! Tables as text: a header that names the samples, then one line per feature with its count in
//! every sample.
//!
//! Cells are separated by tabs, commas, semicolons or blanks and may be in double quotes. Lines
//! before the header that begin with `#` are comments; the last of them may be the header. R omits
//! the name of the first column. Columns that contain text, or whose names show that they describe
//! the features (`taxonomy`, `length`), are left out and reported.

mod columns;
mod header;
#[cfg(test)]
mod tests;

use super::DataError;
use super::recognise::{refuse_mix_up, wrong_file};
use super::role::Role;
use super::shorten;
use super::source::Source;
use super::table::{Table, check_ids};
use aam_core::text::counted;
use columns::{Column, Outcome};
use header::Layout;

/// Number of counts that any file may contain.
const MOST_COUNTS: u64 = 1 << 22;
/// Number of further counts that a file may contain per byte of its size, compressed or not. This
/// is more than gzip achieves for real counts, and bounds the memory that a hostile file can use.
const MOST_COUNTS_PER_BYTE: u64 = 16;
/// Number of lines after the comments that are examined to find the header.
const LINES_LOOKED_AT: usize = 6;
/// Maximum number of comments before the header.
const MOST_COMMENTS: usize = 1000;

/// Reads a table as text, and returns notes about it. A `transposed` table, with samples as rows,
/// is read even if it begins like metadata.
pub fn read(source: &Source, transposed: bool) -> Result<(Table, Vec<String>), DataError> {
    if !transposed {
        refuse_mix_up(source, Role::Table)?;
    }
    let mut rows = Rows {
        most_counts: MOST_COUNTS + MOST_COUNTS_PER_BYTE * source.size(),
        ..Rows::default()
    };
    source.lines(|number, line| rows.line(number, line))?;
    rows.begin().map_err(|e| source.in_file(e))?;
    if rows.features.is_empty() {
        return Err(match rows.comments.iter().any(|line| line.contains('\t')) {
            true => source.error("has a header but no features"),
            false => wrong_file(source, Role::Table),
        });
    }
    rows.table().map_err(|e| source.in_file(e))
}

#[derive(Default)]
struct Rows {
    comments: Vec<String>,
    /// The lines after the comments, until the header is found.
    first: Vec<(usize, String)>,
    layout: Option<Layout>,
    columns: Vec<Column>,
    features: Vec<String>,
    /// Column, row and count.
    counts: Vec<(u32, u32, u32)>,
    most_counts: u64,
}

impl Rows {
    fn line(&mut self, number: usize, line: &str) -> Result<(), DataError> {
        if line.trim().is_empty() {
            return Ok(());
        }
        if self.layout.is_some() {
            return self.row(number, line);
        }
        if self.first.is_empty() && line.starts_with('#') && self.comments.len() < MOST_COMMENTS {
            self.comments.push(line.to_owned());
            return Ok(());
        }
        self.first.push((number, line.to_owned()));
        match self.first.len() < LINES_LOOKED_AT {
            true => Ok(()),
            false => self.begin(),
        }
    }

    /// Determines the columns from the first lines, and reads these.
    fn begin(&mut self) -> Result<(), DataError> {
        if self.layout.is_some() || self.first.is_empty() {
            return Ok(());
        }
        let first = std::mem::take(&mut self.first);
        let texts: Vec<String> = first.iter().map(|(_, line)| line.clone()).collect();
        if first.len() + self.comments.len() < 2 {
            return Ok(());
        }
        let at = |error: DataError| match error.place {
            Some(_) => error,
            None => error.at(format!("line {}", first[0].0)),
        };
        let (layout, is_comment) = header::find(&self.comments, &texts).map_err(at)?;
        self.columns = layout.names.iter().map(|name| Column::new(name)).collect();
        self.layout = Some(layout);
        for (number, line) in &first[usize::from(!is_comment)..] {
            self.row(*number, line).map_err(|error| match error.place {
                Some(_) => error,
                None => error.at(format!("line {number}")),
            })?;
        }
        Ok(())
    }

    fn row(&mut self, number: usize, line: &str) -> Result<(), DataError> {
        let Some(layout) = &self.layout else {
            return Ok(());
        };
        let cells = layout.separator.cells(line);
        if cells.iter().all(|cell| cell.is_empty()) {
            return Ok(());
        }
        let ids = layout.ids;
        let feature = cells.get(ids).map(|cell| &**cell).unwrap_or_default();
        let row = u32::try_from(self.features.len())
            .map_err(|_| DataError::new("the table has too many features"))?;
        let surplus = cells.iter().skip(self.columns.len());
        let surplus = surplus.filter(|cell| !cell.is_empty()).count();
        let needed = self.columns.iter().enumerate();
        let needed = needed.filter(|(i, column)| *i != ids && !column.may_be_short());
        let short = needed.clone().filter(|(i, _)| *i >= cells.len()).count();
        if surplus + short > 0 {
            let samples = needed.count();
            return Err(DataError::new(format!(
                "the feature '{}' has {}, expected one for each of {}",
                shorten(feature),
                counted(samples + surplus - short, "count"),
                counted(samples, "sample")
            ))
            .help(
                "every line needs as many cells as the header; if R wrote the file, give \
                 `write.table` the argument `col.names = NA`",
            ));
        }
        for (i, (column, cell)) in std::iter::zip(&mut self.columns, &cells).enumerate() {
            if i == ids {
                continue;
            }
            if let Some(reads) = column.take(number, feature, cell) {
                self.counts.push((i as u32, row, reads));
            }
        }
        if self.counts.len() as u64 > self.most_counts {
            return Err(
                DataError::new("the file holds more counts than its size can account for")
                    .help("if the file is valid, unpack it first"),
            );
        }
        self.features.push(feature.to_owned());
        // Checked early, so that a file that repeats one line cannot fill the memory.
        if self.features.len().is_power_of_two() {
            check_ids(&self.features, "feature")?;
        }
        Ok(())
    }

    /// The table of the columns that are samples.
    fn table(mut self) -> Result<(Table, Vec<String>), DataError> {
        let layout = self.layout.take().unwrap_or_default();
        let mut notes = layout.notes;
        let fractions = self.leave_out_fractions(&mut notes);
        let mut place = vec![None; self.columns.len()];
        let (mut samples, mut left_out, mut fault) = (Vec::new(), Vec::new(), None);
        for (i, column) in self.columns.iter_mut().enumerate() {
            // Row numbers may precede a separate id column.
            let numbers = i == 0 && layout.ids > 0 && column.name.is_empty();
            if i == layout.ids || numbers || fractions.contains(&i) {
                continue;
            }
            match column.outcome() {
                Ok(Outcome::Sample) => {
                    place[i] = Some(samples.len() as u32);
                    samples.push(column.name.clone());
                }
                Ok(Outcome::Note) if column.name.is_empty() && !column.may_be_short() => {}
                Ok(Outcome::Note) => left_out.push(format!("'{}'", shorten(&column.name))),
                Err((line, _)) if fault.as_ref().is_some_and(|(first, _)| *first <= line) => {}
                Err(error) => fault = Some(error),
            }
        }
        if let Some((_, error)) = fault {
            return Err(error);
        }
        if samples.is_empty() {
            let problem = format!("expected counts, found only {}", listed(&left_out));
            return Err(DataError::new(problem).help(
                "columns of text and those that describe ASVs, such as taxonomy, are not \
                 samples",
            ));
        }
        if !left_out.is_empty() {
            notes.push(format!(
                "left out, as these columns describe ASVs and are not samples: {}",
                listed(&left_out)
            ));
        }
        if !fractions.is_empty() {
            samples
                .iter_mut()
                .for_each(|name| name.truncate(name.len() - "_num".len()));
        }
        let counts = self.counts.iter();
        let triplets: Vec<(u32, u32, u32)> = counts
            .filter_map(|&(column, row, reads)| Some((place[column as usize]?, row, reads)))
            .collect();
        Ok((
            Table::from_triplets(samples, self.features, &triplets)?,
            notes,
        ))
    }

    /// Leaves out the columns `NAME_frac` of Bracken tables, which accompany the counts `NAME_num`.
    fn leave_out_fractions(&self, notes: &mut Vec<String>) -> Vec<usize> {
        let named = |suffix: &str| -> Vec<(usize, &str)> {
            let columns = self.columns.iter().enumerate();
            columns
                .filter_map(|(i, column)| Some((i, column.name.strip_suffix(suffix)?)))
                .collect()
        };
        let (counts, fractions) = (named("_num"), named("_frac"));
        let pairs = std::iter::zip(&counts, &fractions).all(|(a, b)| a.1 == b.1);
        let samples = self.columns.iter().skip(1);
        let samples = samples.filter(|column| !column.may_be_short()).count();
        if !pairs || counts.len() != fractions.len() || samples != 2 * counts.len() {
            return Vec::new();
        }
        if !counts.is_empty() {
            notes.push(
                "the Bracken counts '…_num' are used, and the fractions '…_frac' are left out"
                    .to_owned(),
            );
        }
        fractions.into_iter().map(|(i, _)| i).collect()
    }
}

/// The first of `names`, and how many more there are.
fn listed(names: &[String]) -> String {
    match names.len() {
        0..=8 => names.join(", "),
        more => format!("{} and {} more", names[..6].join(", "), more - 6),
    }
}
