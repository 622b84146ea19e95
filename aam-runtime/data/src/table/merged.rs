//! Merging of ASVs that turn out to be identical.

use std::collections::HashMap;

use super::{Table, TableBuilder};
use crate::ids::Ids;
use aam_core::DataError;

impl Table {
    /// The same counts with other ASV ids, one per column, where columns with the same id are
    /// summed; also returns by how much the number of columns decreases.
    ///
    /// # Errors
    /// An id is empty, a sum exceeds the range of counts, or the disk is full.
    pub fn merged_by(self, feature_ids: Ids) -> Result<(Self, usize), DataError> {
        let mut places: HashMap<&str, u32> = HashMap::new();
        let mut kept: Vec<&str> = Vec::with_capacity(feature_ids.len());
        let column_of: Vec<u32> = feature_ids
            .iter()
            .map(|id| {
                *places.entry(id).or_insert_with(|| {
                    kept.push(id);
                    kept.len() as u32 - 1
                })
            })
            .collect();
        let merged = feature_ids.len() - kept.len();
        if merged == 0 {
            return Ok((self.with_feature_ids(feature_ids)?, 0));
        }
        let ids: Ids = kept.iter().copied().collect();
        ids.check("feature")?;
        let mut table = TableBuilder::of_checked(
            self.sample_ids.clone(),
            ids,
            self.num_nonzero(),
            &self.cells.storage,
        )?;
        for row in 0..self.num_samples() {
            let (columns, counts) = self.row(row);
            let (columns, counts) = added_up(columns, counts, &column_of)?;
            table.push(&columns, &counts)?;
        }
        Ok((table.finish()?, merged))
    }
}

/// Maps `columns` through `column_of`; returns them in ascending order with the summed `counts`.
fn added_up(
    columns: &[u32],
    counts: &[u32],
    column_of: &[u32],
) -> Result<(Vec<u32>, Vec<u32>), DataError> {
    let renamed = columns.iter().map(|&column| column_of[column as usize]);
    let mut cells: Vec<(u32, u32)> = renamed.zip(counts.iter().copied()).collect();
    cells.sort_unstable();
    let mut sums: Vec<(u32, u32)> = Vec::with_capacity(cells.len());
    for (column, count) in cells {
        match sums.last_mut() {
            Some((last, sum)) if *last == column => {
                *sum = sum.checked_add(count).ok_or_else(|| {
                    DataError::new("the reads of one sequence exceed the range of counts")
                })?;
            }
            _ => sums.push((column, count)),
        }
    }
    Ok(sums.into_iter().unzip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_of_one_sequence_are_added_up() {
        let ids = ["otu1", "otu2", "otu3", "otu4"].map(str::to_owned).to_vec();
        let cells = [(0, 0, 1), (0, 2, 4), (0, 3, 2), (1, 1, 7), (1, 2, 1)];
        let samples = vec!["a".to_owned(), "b".to_owned()];
        let table = Table::from_triplets(samples, ids, &cells).unwrap();
        let sequences: Ids = ["ACGT", "GG", "ACGT", "TT"].into_iter().collect();
        let (merged, fewer) = table.clone().merged_by(sequences).unwrap();
        assert_eq!(fewer, 1);
        let ids: Vec<&str> = merged.feature_ids().iter().collect();
        assert_eq!(ids, ["ACGT", "GG", "TT"]);
        assert_eq!(merged.row(0), (&[0, 2][..], &[5, 2][..]));
        assert_eq!(merged.row(1), (&[0, 1][..], &[1, 7][..]));
        let distinct: Ids = ["A", "C", "G", "T"].into_iter().collect();
        assert_eq!(table.merged_by(distinct).unwrap().1, 0);
    }
}
