//! Columns in the form in which trees are grown on them: column by column, and binned.

use aam_api::SampleFeatures;
use aam_api::export::{ExportedFeatures, Graph, Value};
use ndarray::{Array2, ArrayView1};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::beside;
/// How abundances become the columns of trees: logarithms, on which a random threshold between two
/// values is as likely among small abundances as among large ones. Unlike log-ratios they do not reveal
/// the number of reads of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct LogShares {
    /// The pseudo-count added to a relative abundance: half a read in the median training sample.
    floor: f32,
}

impl LogShares {
    /// Fits to training samples; the smallest abundance of each is taken to be one read.
    pub(super) fn fit(features: &SampleFeatures) -> Self {
        let rows = features.shares.rows().into_iter();
        let present = |share: &&f32| **share > 0.0;
        let smallest = rows.filter_map(|row| row.iter().filter(present).copied().reduce(f32::min));
        let mut smallest: Vec<f32> = smallest.collect();
        smallest.sort_unstable_by(f32::total_cmp);
        let read = smallest.get(smallest.len() / 2).copied().unwrap_or(1.0);
        Self {
            floor: (read / 2.0).max(f32::MIN_POSITIVE),
        }
    }

    /// Returns logarithms of abundances, and categories, `[samples, columns]`.
    pub(super) fn of(&self, features: &SampleFeatures) -> Array2<f32> {
        let logarithms = features
            .shares
            .mapv(|share| (share.max(0.0) + self.floor).ln());
        beside(&logarithms, &features.categories)
    }

    /// The same in `graph`.
    pub(super) fn export(&self, graph: &mut Graph, features: &ExportedFeatures) -> Value {
        let floor = graph.scalar(self.floor);
        let shares = graph.add(&features.shares, &floor);
        let logarithms = graph.map("Log", &shares);
        features.with_categories(graph, logarithms)
    }

    /// Rejects a pseudo-count that is not positive and finite.
    pub(super) fn check(&self) -> Result<(), String> {
        match self.floor > 0.0 && self.floor.is_finite() {
            true => Ok(()),
            false => Err(format!("it adds {} to relative abundances", self.floor)),
        }
    }
}

/// A column of training samples.
pub(super) struct Column {
    /// Its values.
    pub(super) values: Vec<f32>,
    /// The bin of each value.
    pub(super) bins: Vec<u8>,
    /// The smallest and the largest value of each bin.
    pub(super) bounds: Vec<(f32, f32)>,
}

/// The columns of `values` in at most `most` bins each (256 at most); a bin holds about the same number of
/// samples as the others, or a single value.
pub(super) fn columns(values: &Array2<f32>, most: usize) -> Vec<Column> {
    let columns: Vec<_> = values.columns().into_iter().collect();
    columns
        .into_par_iter()
        .map(|column| Column::of(column, most))
        .collect()
}

impl Column {
    fn of(column: ArrayView1<'_, f32>, most: usize) -> Self {
        let values = column.to_vec();
        let mut sorted = values.clone();
        sorted.sort_unstable_by(f32::total_cmp);
        let different = sorted.chunk_by(|a, b| a == b).count();
        let size = match different <= most {
            true => 1,
            false => sorted.len().div_ceil(most),
        };
        let mut bounds: Vec<(f32, f32)> = Vec::new();
        let mut room = 0;
        for equal in sorted.chunk_by(|a, b| a == b) {
            match bounds.last_mut() {
                Some(bin) if room >= equal.len() => bin.1 = equal[0],
                _ => {
                    bounds.push((equal[0], equal[0]));
                    room = size;
                }
            }
            room = room.saturating_sub(equal.len());
        }
        bounds.truncate(most);
        if let (Some(bin), Some(largest)) = (bounds.last_mut(), sorted.last()) {
            bin.1 = *largest;
        }
        let bin = |value: &f32| bounds.partition_point(|bin| bin.1 < *value) as u8;
        Self {
            bins: values.iter().map(bin).collect(),
            values,
            bounds,
        }
    }

    /// A threshold between two bins.
    pub(super) fn between(&self, low: u8, high: u8) -> f32 {
        let (low, high) = (self.bounds[low as usize].1, self.bounds[high as usize].0);
        let middle = low + (high - low) / 2.0;
        match middle < high {
            true => middle,
            false => low,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_get_a_bin_each_and_many_share_bins() {
        let values = Array2::from_shape_fn((1000, 3), |(i, j)| match j {
            0 => (i % 3) as f32,
            1 => i as f32,
            _ => (i.saturating_sub(900)) as f32,
        });
        let columns = columns(&values, 50);
        assert_eq!(columns[0].bounds, [(0.0, 0.0), (1.0, 1.0), (2.0, 2.0)]);
        assert_eq!(columns[0].between(0, 2), 1.0);
        assert_eq!(columns[1].bounds.len(), 50);
        assert_eq!(columns[1].bounds[1], (20.0, 39.0));
        assert_eq!(columns[2].bounds[0], (0.0, 0.0));
        for column in &columns {
            for (value, bin) in column.values.iter().zip(&column.bins) {
                let (low, high) = column.bounds[*bin as usize];
                assert!(low <= *value && *value <= high);
            }
        }
    }

    #[test]
    fn absent_asvs_count_as_half_a_read() {
        let shares = ndarray::array![[0.0f32, 0.2, 0.8], [0.04, 0.96, 0.0], [0.1, 0.4, 0.5]];
        let features = SampleFeatures::new(shares.clone(), shares, 3);
        let scale = LogShares::fit(&features);
        let columns = scale.of(&features);
        assert!((columns[[0, 0]] - 0.05f32.ln()).abs() < 1e-6);
        assert!((columns[[0, 2]] - 0.85f32.ln()).abs() < 1e-6);
        assert!(scale.check().is_ok() && LogShares { floor: 0.0 }.check().is_err());
        let nothing = SampleFeatures::new(Array2::zeros((2, 1)), Array2::zeros((2, 1)), 1);
        assert!(
            LogShares::fit(&nothing)
                .of(&nothing)
                .iter()
                .all(|value| value.is_finite())
        );
    }

    #[test]
    fn adjacent_numbers_are_separated() {
        let next = f32::from_bits(1f32.to_bits() + 1);
        let column = Column::of(ndarray::aview1(&[1.0, next]), 255);
        assert_eq!(column.between(0, 1), 1.0);
    }
}
