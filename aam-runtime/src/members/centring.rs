//! Features of the learners without what the samples of a batch have in common.

use aam_api::SampleFeatures;
use aam_data::Table;
use aam_features::FeatureSpace;
use aam_study::batches::{self, Batches, Offsets};
use ndarray::Array2;

/// Number of samples whose features are in memory at a time.
const TOGETHER: usize = 256;

/// The mean of the log-ratios of training samples.
pub(super) fn usual(features: &SampleFeatures) -> Vec<f32> {
    let log_ratios = features.log_ratios.as_standard_layout();
    let rows = log_ratios.rows().into_iter().collect::<Vec<_>>();
    let rows = rows.iter().filter_map(|row| row.as_slice());
    batches::usual(rows, features.log_ratios.ncols())
}

/// How the log-ratios of the batches, of the samples at `rows` of `table`, differ from the `usual` ones.
pub(super) fn offsets(
    space: &FeatureSpace,
    table: &Table,
    rows: &[usize],
    batches: &Batches,
    usual: &[f32],
) -> Offsets {
    // The sum over all samples is in table order, whatever the number of threads.
    let mut all: Vec<(usize, Vec<f32>)> = Vec::with_capacity(rows.len());
    for rows in rows.chunks(TOGETHER) {
        let log_ratios: Array2<f32> = space.of(table, rows).log_ratios;
        let found = rows.iter().zip(log_ratios.rows());
        all.extend(found.map(|(&row, values)| (row, values.to_vec())));
    }
    let values = all.iter().map(|(row, values)| (*row, values.as_slice()));
    batches.offsets(values, usual)
}

/// The `features` of the samples at `rows` without the differences of their batches. Shares are multiplied by
/// what is subtracted from their logarithms.
pub(super) fn without(
    mut features: SampleFeatures,
    rows: &[usize],
    offsets: &Offsets,
) -> SampleFeatures {
    for (place, &row) in rows.iter().enumerate() {
        for (column, difference) in offsets.at(row).iter().enumerate() {
            features.log_ratios[[place, column]] -= difference;
            features.shares[[place, column]] *= (-difference).exp();
        }
    }
    features
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_that_differ_by_a_factor_become_alike() {
        let samples: Vec<String> = (0..80).map(|sample| format!("s{sample}")).collect();
        // The second batch has four times as many reads of the first feature.
        let reads = |sample: u32| {
            let factor = if sample < 40 { 1 } else { 4 };
            [factor * (100 + sample % 40), 300, 200 + 3 * (sample % 40)]
        };
        let cells: Vec<(u32, u32, u32)> = (0..80)
            .flat_map(|sample| (0..3).map(move |asv| (sample, asv, reads(sample)[asv as usize])))
            .collect();
        let ids = ["a", "b", "c"].map(str::to_owned).to_vec();
        let table = Table::from_triplets(samples.clone(), ids, &cells).expect("a table");
        let text: String = samples
            .iter()
            .enumerate()
            .map(|(place, id)| format!("{id}\t{}\n", if place < 40 { "x" } else { "y" }))
            .collect();
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("metadata.tsv");
        std::fs::write(&path, format!("sample-id\trun\n{text}")).expect("a file");
        let metadata = aam_data::read_metadata(&path).expect("metadata");
        let batches = Batches::read(&metadata, "run", &samples).expect("batches");
        let rows: Vec<usize> = (0..80).collect();
        let space = FeatureSpace::fit(&table, &rows, None);
        let features = space.of(&table, &rows);
        let usual = usual(&features);
        let rows: Vec<usize> = (0..table.num_samples()).collect();
        let offsets = offsets(&space, &table, &rows, &batches, &usual);
        let apart = |features: &SampleFeatures| {
            let between = |sample: usize| {
                features.log_ratios[[sample + 40, 0]] - features.log_ratios[[sample, 0]]
            };
            (0..40).map(between).sum::<f32>() / 40.0
        };
        let before = apart(&features);
        let after = without(features, &rows, &offsets);
        // 40 samples are shrunk by 40/45.
        assert!(before > 0.8 && (apart(&after) - before / 9.0).abs() < 1e-4);
        assert!(
            after
                .shares
                .iter()
                .all(|share| share.is_finite() && *share > 0.0)
        );
    }
}
