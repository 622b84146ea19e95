//! Row-by-row construction of tables.

use std::ops::Range;
use std::sync::Arc;

use super::{Table, check_ids, sample_place};
use crate::cells::{CellsWriter, Storage};
use crate::ids::Ids;
use aam_core::DataError;
use aam_core::text::counted;

/// Builds a table row by row.
pub struct TableBuilder {
    sample_ids: Vec<String>,
    feature_ids: Ids,
    rows: Vec<Range<usize>>,
    cells: CellsWriter,
}

impl TableBuilder {
    /// Creates a builder for these samples and ASVs, with room for `expected` counts, in `storage`.
    ///
    /// # Errors
    /// Ids are empty or repeated, or no file can be created in the directory.
    pub fn new(
        sample_ids: Vec<String>,
        feature_ids: Ids,
        expected: usize,
        storage: &Storage,
    ) -> Result<Self, DataError> {
        check_ids(&sample_ids, "sample")?;
        feature_ids.check("feature")?;
        Self::of_checked(sample_ids, feature_ids, expected, storage)
    }

    pub(super) fn of_checked(
        sample_ids: Vec<String>,
        feature_ids: Ids,
        expected: usize,
        storage: &Storage,
    ) -> Result<Self, DataError> {
        Ok(Self {
            rows: Vec::with_capacity(sample_ids.len()),
            cells: CellsWriter::new(storage, expected)?,
            sample_ids,
            feature_ids,
        })
    }

    /// Appends the next sample: its columns, in ascending order, and their counts.
    ///
    /// # Errors
    /// The invariants of a [`Table`] do not hold, or the disk is full.
    pub fn push(&mut self, columns: &[u32], counts: &[u32]) -> Result<(), DataError> {
        let Some(sample) = self.sample_ids.get(self.rows.len()) else {
            return Err(DataError::new(format!(
                "more rows than {}",
                counted(self.sample_ids.len(), "sample")
            )));
        };
        check_row(columns, counts, &self.feature_ids).map_err(|e| e.at(sample_place(sample)))?;
        let start = self.cells.len();
        self.cells.extend(columns, counts)?;
        self.rows.push(start..self.cells.len());
        Ok(())
    }

    /// Ids of the samples.
    pub fn sample_ids(&self) -> &[String] {
        &self.sample_ids
    }

    /// Ids of the ASVs.
    pub fn feature_ids(&self) -> &Ids {
        &self.feature_ids
    }

    /// Completes the table.
    ///
    /// # Errors
    /// Samples are missing, or the disk is full.
    pub fn finish(self) -> Result<Table, DataError> {
        if self.rows.len() != self.sample_ids.len() {
            return Err(DataError::new(format!(
                "{} for {}",
                counted(self.rows.len(), "row"),
                counted(self.sample_ids.len(), "sample")
            )));
        }
        Ok(Table {
            sample_ids: self.sample_ids,
            feature_ids: self.feature_ids,
            rows: self.rows,
            cells: Arc::new(self.cells.finish()?),
        })
    }
}

/// Rejects a row that breaks the invariants of a table.
pub(super) fn check_row(
    columns: &[u32],
    counts: &[u32],
    feature_ids: &Ids,
) -> Result<(), DataError> {
    if columns.len() != counts.len() {
        return Err(DataError::new(format!(
            "{} column indices but {} counts",
            columns.len(),
            counts.len()
        )));
    }
    if let Some(&f) = columns.iter().find(|&&f| f as usize >= feature_ids.len()) {
        return Err(DataError::new(format!(
            "column index {f} in a table of {} features",
            feature_ids.len()
        )));
    }
    if let Some(pair) = columns.windows(2).find(|pair| pair[0] >= pair[1]) {
        return Err(DataError::new(if pair[0] == pair[1] {
            format!(
                "the feature '{}' has two counts",
                &feature_ids[pair[0] as usize]
            )
        } else {
            "the column indices are not ascending".to_owned()
        }));
    }
    if counts.contains(&0) {
        return Err(DataError::new("a stored count is zero"));
    }
    Ok(())
}
