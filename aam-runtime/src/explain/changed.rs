//! Samples of a table with modified reads, to be predicted in batches.

use aam_data::{DataError, Table};

/// Samples of a table with modified reads.
#[derive(Clone, Debug, Default)]
pub struct ChangedSamples {
    /// The table row of the sample from which each was derived.
    origins: Vec<usize>,
    /// The end of each sample's reads in the two vectors below.
    ends: Vec<usize>,
    columns: Vec<u32>,
    counts: Vec<u32>,
}

impl ChangedSamples {
    /// The number of samples.
    pub fn len(&self) -> usize {
        self.origins.len()
    }

    /// The table row of the sample from which each was derived.
    pub fn origins(&self) -> &[usize] {
        &self.origins
    }

    /// Adds the sample at row `origin` with these reads instead of its own: columns of the table in
    /// ascending order, with their counts. Zero counts are omitted.
    pub fn push(&mut self, origin: usize, reads: impl IntoIterator<Item = (u32, u32)>) {
        for (column, count) in reads.into_iter().filter(|(_, count)| *count > 0) {
            self.columns.push(column);
            self.counts.push(count);
        }
        self.origins.push(origin);
        self.ends.push(self.columns.len());
    }

    /// Splits the samples into parts of at most `most`, in order.
    pub fn parts(&self, most: usize) -> impl Iterator<Item = Self> + '_ {
        let firsts = (0..self.len()).step_by(most.max(1));
        firsts.map(move |first| {
            let end = (first + most.max(1)).min(self.len());
            let start = first.checked_sub(1).map_or(0, |before| self.ends[before]);
            let cells = start..self.ends[end - 1];
            Self {
                origins: self.origins[first..end].to_vec(),
                ends: self.ends[first..end]
                    .iter()
                    .map(|end| end - start)
                    .collect(),
                columns: self.columns[cells.clone()].to_vec(),
                counts: self.counts[cells].to_vec(),
            }
        })
    }

    /// A table of these samples, with the ASVs of `table`.
    ///
    /// # Errors
    /// Columns that are not ascending, or that are not in the table.
    pub fn table(&self, table: &Table) -> Result<Table, DataError> {
        let ids = (1..=self.len()).map(|number| number.to_string());
        let mut changed = table.beside(ids.collect(), table.feature_ids().clone())?;
        let mut start = 0;
        for &end in &self.ends {
            changed.push(&self.columns[start..end], &self.counts[start..end])?;
            start = end;
        }
        changed.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_of_zero_are_left_out_and_a_sample_may_have_none() {
        let ids = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let table = Table::from_triplets(ids(&["a"]), ids(&["x", "y"]), &[(0, 1, 5)]).unwrap();
        let mut changed = ChangedSamples::default();
        changed.push(0, [(0, 3), (1, 0)]);
        changed.push(0, [(1, 0)]);
        let made = changed.table(&table).unwrap();
        assert_eq!(changed.origins(), [0, 0]);
        assert_eq!(made.row(0), (&[0][..], &[3][..]));
        assert_eq!(made.depth(1), 0);
        changed.push(0, [(0, 2), (1, 7)]);
        let parts: Vec<ChangedSamples> = changed.parts(2).collect();
        assert_eq!([parts[0].len(), parts[1].len()], [2, 1]);
        assert_eq!(parts[0].table(&table).unwrap(), made);
        let last = parts[1].table(&table).unwrap();
        assert_eq!(last.row(0), (&[0, 1][..], &[2, 7][..]));
    }
}
