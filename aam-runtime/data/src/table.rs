//! The feature table: the number of reads of each ASV in each sample.

mod builder;
mod merged;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::DataError;
use super::cells::{Cells, Storage};
use super::ids::{Ids, check_each};
use aam_core::text::counted;
pub use builder::TableBuilder;
use builder::check_row;

/// A samples × ASVs matrix of counts in compressed sparse row format (a row is a sample).
///
/// Invariants (checked by `Table::new`): ids are unique and not empty, columns are in range and
/// strictly increasing within a row, and every stored count is positive.
///
/// Clones and selections of samples share the counts and the ASVs' ids.
#[derive(Clone)]
pub struct Table {
    sample_ids: Vec<String>,
    feature_ids: Ids,
    /// Range of each row in `cells`.
    rows: Vec<Range<usize>>,
    cells: Arc<Cells>,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            sample_ids: Vec::new(),
            feature_ids: Ids::default(),
            rows: Vec::new(),
            cells: Arc::new(Cells::in_memory(Vec::new(), Vec::new())),
        }
    }
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.sample_ids == other.sample_ids
            && self.feature_ids == other.feature_ids
            && (0..self.num_samples()).all(|row| self.row(row) == other.row(row))
    }
}

impl Eq for Table {}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("samples", &self.num_samples())
            .field("features", &self.num_features())
            .field("nonzero", &self.num_nonzero())
            .finish()
    }
}

/// Rejects empty and repeated ids; `what` is "sample" or "feature".
pub fn check_ids(ids: &[String], what: &str) -> Result<(), DataError> {
    check_each(ids.iter().map(String::as_str), what)
}

/// Converts a `value` from a file to a number of reads.
///
/// # Errors
/// The value is not finite, negative, not an integer, or above `u32::MAX`.
pub fn reads_of(value: f64) -> Result<u32, DataError> {
    let problem = if !value.is_finite() {
        "is not a finite number"
    } else if value < 0.0 {
        "is negative"
    } else if value.fract() != 0.0 {
        "is not a whole number"
    } else if value > f64::from(u32::MAX) {
        "is larger than any count of reads"
    } else {
        return Ok(value as u32);
    };
    Err(DataError::new(format!("the count {value} {problem}"))
        .help("give the table of read counts, not of relative or transformed abundances"))
}

impl Table {
    /// Creates a table from its parts.
    ///
    /// `offsets` has `samples + 1` entries; `features[offsets[i]..offsets[i + 1]]` are the columns
    /// of sample `i`, in ascending order, and `counts` their reads.
    ///
    /// # Errors
    /// An invariant does not hold; the error names the sample or id.
    pub fn new(
        sample_ids: Vec<String>,
        feature_ids: impl Into<Ids>,
        offsets: Vec<usize>,
        features: Vec<u32>,
        counts: Vec<u32>,
    ) -> Result<Self, DataError> {
        let feature_ids = feature_ids.into();
        check_ids(&sample_ids, "sample")?;
        feature_ids.check("feature")?;
        if offsets.len() != sample_ids.len() + 1 {
            return Err(DataError::new(format!(
                "{} samples need {} row offsets, found {}",
                sample_ids.len(),
                sample_ids.len() + 1,
                offsets.len()
            )));
        }
        if features.len() != counts.len() {
            return Err(DataError::new(format!(
                "{} column indices but {} counts",
                features.len(),
                counts.len()
            )));
        }
        if offsets.first() != Some(&0) || offsets.last() != Some(&features.len()) {
            return Err(DataError::new(format!(
                "the row offsets must run from 0 to the number of counts, {}",
                features.len()
            )));
        }
        if let Some(i) = offsets.windows(2).position(|pair| pair[0] > pair[1]) {
            return Err(DataError::new("the row offsets decrease").at(sample_place(&sample_ids[i])));
        }
        let rows: Vec<Range<usize>> = offsets.windows(2).map(|pair| pair[0]..pair[1]).collect();
        for (row, id) in rows.iter().zip(&sample_ids) {
            check_row(&features[row.clone()], &counts[row.clone()], &feature_ids)
                .map_err(|e| e.at(sample_place(id)))?;
        }
        Ok(Self {
            sample_ids,
            feature_ids,
            rows,
            cells: Arc::new(Cells::in_memory(features, counts)),
        })
    }

    /// Moves the table to `storage`.
    ///
    /// # Errors
    /// The disk is full.
    pub fn kept_in(self, storage: &Storage) -> Result<Self, DataError> {
        if self.cells.storage == *storage {
            return Ok(self);
        }
        let mut table = TableBuilder::of_checked(
            self.sample_ids.clone(),
            self.feature_ids.clone(),
            self.num_nonzero(),
            storage,
        )?;
        for row in 0..self.num_samples() {
            let (columns, counts) = self.row(row);
            table.push(columns, counts)?;
        }
        table.finish()
    }

    /// Creates a table of other rows in the storage of this one.
    ///
    /// # Errors
    /// Ids are empty or repeated, or no file can be created in the directory.
    pub fn beside(
        &self,
        sample_ids: Vec<String>,
        feature_ids: Ids,
    ) -> Result<TableBuilder, DataError> {
        TableBuilder::new(sample_ids, feature_ids, 0, &self.cells.storage)
    }

    /// Creates a table from `(sample, feature, count)` in any order; zero counts are left out.
    ///
    /// # Errors
    /// Ids are empty or repeated, an index is out of range, or a sample has two counts of a
    /// feature.
    pub fn from_triplets(
        sample_ids: Vec<String>,
        feature_ids: Vec<String>,
        triplets: &[(u32, u32, u32)],
    ) -> Result<Self, DataError> {
        let mut offsets = vec![0usize; sample_ids.len() + 1];
        for &(sample, _, count) in triplets {
            let Some(slot) = offsets.get_mut(sample as usize + 1) else {
                return Err(DataError::new(format!(
                    "sample index {sample} in a table of {}",
                    counted(sample_ids.len(), "sample")
                )));
            };
            *slot += usize::from(count > 0);
        }
        for i in 1..offsets.len() {
            offsets[i] += offsets[i - 1];
        }
        let mut cells = vec![(0u32, 0u32); offsets.last().copied().unwrap_or(0)];
        let mut next = offsets.clone();
        for &(sample, feature, count) in triplets.iter().filter(|t| t.2 > 0) {
            cells[next[sample as usize]] = (feature, count);
            next[sample as usize] += 1;
        }
        for row in offsets.windows(2) {
            cells[row[0]..row[1]].sort_unstable();
        }
        let (features, counts) = cells.into_iter().unzip();
        Self::new(sample_ids, feature_ids, offsets, features, counts)
    }

    /// Ids of the samples, in row order.
    pub fn sample_ids(&self) -> &[String] {
        &self.sample_ids
    }

    /// Ids of the ASVs, in column order.
    pub fn feature_ids(&self) -> &Ids {
        &self.feature_ids
    }

    /// Number of samples.
    pub fn num_samples(&self) -> usize {
        self.sample_ids.len()
    }

    /// Number of ASVs.
    pub fn num_features(&self) -> usize {
        self.feature_ids.len()
    }

    /// Number of stored counts, all of which are positive.
    pub fn num_nonzero(&self) -> usize {
        self.rows.iter().map(Range::len).sum()
    }

    /// ASVs (as columns in ascending order) and their counts in the sample at `row`.
    pub fn row(&self, row: usize) -> (&[u32], &[u32]) {
        let range = self.rows[row].clone();
        (
            &self.cells.columns[range.clone()],
            &self.cells.counts[range],
        )
    }

    /// Number of reads in the sample at `row`.
    pub fn depth(&self, row: usize) -> u64 {
        self.row(row).1.iter().map(|&c| u64::from(c)).sum()
    }

    /// The row of each sample id.
    pub fn sample_index(&self) -> HashMap<&str, usize> {
        index_of(self.sample_ids.iter().map(String::as_str))
    }

    /// The column of each ASV id.
    pub fn feature_index(&self) -> HashMap<&str, usize> {
        index_of(self.feature_ids.iter())
    }

    /// The table of the samples at `rows`, in that order, with all ASVs.
    ///
    /// `rows` must be distinct and in range.
    #[must_use]
    pub fn select_samples(&self, rows: &[usize]) -> Self {
        let ids = rows.iter().map(|&row| self.sample_ids[row].clone());
        Self {
            sample_ids: ids.collect(),
            feature_ids: self.feature_ids.clone(),
            rows: rows.iter().map(|&row| self.rows[row].clone()).collect(),
            cells: self.cells.clone(),
        }
    }

    /// The table without the ASVs that occur in no sample.
    ///
    /// # Errors
    /// The disk is full, if the table is on disk.
    pub fn drop_empty_features(self) -> Result<Self, DataError> {
        let mut used = vec![false; self.num_features()];
        for row in 0..self.num_samples() {
            for &column in self.row(row).0 {
                used[column as usize] = true;
            }
        }
        match used.iter().all(|used| *used) {
            true => Ok(self),
            false => self.of_features(&used),
        }
    }

    /// The table of the ASVs for which `kept` is `true`.
    ///
    /// # Errors
    /// The disk is full, if the table is on disk.
    pub fn of_features(&self, kept: &[bool]) -> Result<Self, DataError> {
        let mut renamed = vec![0u32; kept.len()];
        let columns = (0..kept.len()).filter(|&column| kept[column]);
        for (next, column) in (0..).zip(columns) {
            renamed[column] = next;
        }
        let ids = self.feature_ids.iter().zip(kept);
        let ids = ids.filter(|(_, kept)| **kept).map(|(id, _)| id).collect();
        let mut table = TableBuilder::of_checked(
            self.sample_ids.clone(),
            ids,
            self.num_nonzero(),
            &self.cells.storage,
        )?;
        let (mut columns, mut counts) = (Vec::new(), Vec::new());
        for row in 0..self.num_samples() {
            columns.clear();
            counts.clear();
            for (&column, &count) in std::iter::zip(self.row(row).0, self.row(row).1) {
                if kept[column as usize] {
                    columns.push(renamed[column as usize]);
                    counts.push(count);
                }
            }
            table.push(&columns, &counts)?;
        }
        table.finish()
    }

    /// The table with samples and ASVs exchanged.
    ///
    /// # Errors
    /// The ASV ids cannot be sample ids, or the disk is full.
    pub fn transposed(&self) -> Result<Self, DataError> {
        let mut triplets = Vec::with_capacity(self.num_nonzero());
        for row in 0..self.num_samples() {
            for (&column, &count) in std::iter::zip(self.row(row).0, self.row(row).1) {
                triplets.push((column, row as u32, count));
            }
        }
        let samples = self.feature_ids.iter().map(str::to_owned).collect();
        let turned = Self::from_triplets(samples, self.sample_ids.clone(), &triplets)?;
        turned.kept_in(&self.cells.storage)
    }

    /// The same counts with other ASV ids, in column order.
    ///
    /// # Errors
    /// The number of ids differs from the number of columns, or an id is empty or repeated.
    pub fn with_feature_ids(self, feature_ids: impl Into<Ids>) -> Result<Self, DataError> {
        let feature_ids = feature_ids.into();
        if feature_ids.len() != self.feature_ids.len() {
            return Err(DataError::new(format!(
                "{} for {}",
                counted(feature_ids.len(), "id"),
                counted(self.feature_ids.len(), "feature")
            )));
        }
        feature_ids.check("feature")?;
        Ok(Self {
            feature_ids,
            ..self
        })
    }
}

fn index_of<'a>(ids: impl Iterator<Item = &'a str>) -> HashMap<&'a str, usize> {
    ids.enumerate().map(|(i, id)| (id, i)).collect()
}

fn sample_place(id: &str) -> String {
    format!("sample '{id}'")
}
