//! The baseline that the prediction of a sample is compared with.

use aam_data::Table;

use crate::options::Baseline;

/// Reads of each ASV of `table` in the baseline sample.
///
/// The typical sample has exp(mean ln(1 + n)) − 1 reads of each ASV, rounded, where n are its reads
/// in each sample after scaling all samples to the median number of reads. It contains the ASVs
/// that occur in most samples. If there are none, it has one read of the ASV that comes closest.
pub fn reads(table: &Table, baseline: Baseline) -> Vec<u32> {
    let mut reads = vec![0; table.num_features()];
    if baseline == Baseline::Empty || table.num_samples() == 0 {
        return reads;
    }
    let rows = 0..table.num_samples();
    let mut depths: Vec<u64> = rows.clone().map(|row| table.depth(row)).collect();
    depths.sort_unstable();
    let median = depths[depths.len() / 2] as f64;
    let mut logarithms = vec![0f64; reads.len()];
    for row in rows {
        let scale = median / table.depth(row).max(1) as f64;
        let (columns, counts) = table.row(row);
        for (&column, &count) in columns.iter().zip(counts) {
            logarithms[column as usize] += (scale * f64::from(count)).ln_1p();
        }
    }
    let samples = table.num_samples() as f64;
    for (reads, sum) in reads.iter_mut().zip(&logarithms) {
        *reads = (sum / samples).exp_m1().round() as u32;
    }
    let largest = (0..reads.len()).max_by(|&a, &b| logarithms[a].total_cmp(&logarithms[b]));
    if let Some(column) = largest.filter(|_| reads.iter().all(|reads| *reads == 0)) {
        reads[column] = 1;
    }
    reads
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(cells: &[(u32, u32, u32)]) -> Table {
        let ids = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Table::from_triplets(ids(&["a", "b", "c"]), ids(&["x", "y", "z"]), cells).unwrap()
    }

    #[test]
    fn a_typical_sample_has_what_most_samples_have() {
        let alike = table(&[
            (0, 0, 80),
            (0, 1, 20),
            (1, 0, 8),
            (1, 1, 2),
            (2, 0, 8),
            (2, 2, 2),
        ]);
        // Of ten reads, all samples have eight of the first ASV, and two of three have two of the
        // second.
        assert_eq!(reads(&alike, Baseline::Typical), [8, 1, 0]);
        assert_eq!(reads(&alike, Baseline::Empty), [0, 0, 0]);
    }

    #[test]
    fn it_is_never_without_reads() {
        let apart = table(&[(0, 0, 1), (1, 1, 1), (2, 2, 1)]);
        assert_eq!(reads(&apart, Baseline::Typical).iter().sum::<u32>(), 1);
    }
}
