//! What the reads of held-out samples say about how hard they are to predict.

use aam_data::{Split, Table};

/// The reads of a sample.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SampleReads {
    /// Their number, as the model sees the table.
    pub depth: u64,
    /// The share of them in ASVs that no training sample of its fold has. `None` for a sample that was
    /// not held out.
    pub unseen: Option<f64>,
}

/// The reads of every sample of `table`, held out as in `splits`.
pub fn sample_reads(table: &Table, splits: &[Split]) -> Vec<SampleReads> {
    let rows = 0..table.num_samples();
    let mut all: Vec<SampleReads> = rows
        .map(|row| SampleReads {
            depth: table.depth(row),
            unseen: None,
        })
        .collect();
    for split in splits {
        let mut seen = vec![false; table.num_features()];
        for &row in &split.train {
            for &asv in table.row(row).0 {
                seen[asv as usize] = true;
            }
        }
        for &row in &split.validation {
            let (asvs, counts) = table.row(row);
            let unseen = asvs.iter().zip(counts);
            let unseen = unseen.filter(|(asv, _)| !seen[**asv as usize]);
            let unseen: u64 = unseen.map(|(_, &count)| u64::from(count)).sum();
            all[row].unseen = Some(unseen as f64 / table.depth(row).max(1) as f64);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_unseen_if_no_training_sample_of_the_fold_has_their_asv() {
        let ids = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let cells = [(0, 0, 5), (1, 0, 3), (1, 1, 1), (2, 2, 8)];
        let table = Table::from_triplets(ids(&["a", "b", "c"]), ids(&["x", "y", "z"]), &cells);
        let splits = [
            Split {
                train: vec![0],
                validation: vec![1],
            },
            Split {
                train: vec![0, 1],
                validation: vec![2],
            },
        ];
        let found = sample_reads(&table.unwrap(), &splits);
        let depths: Vec<u64> = found.iter().map(|reads| reads.depth).collect();
        assert_eq!(depths, [5, 4, 8]);
        let unseen: Vec<Option<f64>> = found.iter().map(|reads| reads.unseen).collect();
        assert_eq!(unseen, [None, Some(0.25), Some(1.0)]);
    }
}
