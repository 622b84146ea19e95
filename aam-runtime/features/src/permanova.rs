//! How much of the differences between samples is explained by what is known about them.

use std::collections::BTreeMap;

use crate::vectors::{Vectors, dot};

/// Squared distances, as a share of squared lengths, that are 0 except for rounding.
const NOTHING: f64 = 1e-12;

/// What is known about each sample; `None` where it is not.
#[derive(Clone, Copy, Debug)]
pub enum Known<'a> {
    /// Its group.
    Groups(&'a [Option<usize>]),
    /// A number.
    Numbers(&'a [Option<f64>]),
}

/// The share of the sum of squared distances between samples that lies between groups, or that a
/// number explains linearly: the R² of a permutational analysis of variance (Anderson, *A new
/// method for non-parametric multivariate analysis of variance*, Austral Ecology 2001; McArdle and
/// Anderson, Ecology 2001), adjusted like that of a regression, `1 − (1 − R²) (n − 1) / (n − k)`
/// for `k` groups or the two coefficients of a line, so that its mean is 0 by chance. `None` if it
/// is undefined. Samples of which nothing is known are ignored.
pub fn permanova(vectors: &(impl Vectors + ?Sized), known: Known<'_>) -> Option<f64> {
    let samples = samples(known);
    let n = samples.len() as f64;
    let center = vectors.combined(samples.iter().map(|&sample| (sample, 1.0 / n)));
    let of_center = n * dot(&center, &center);
    let squares: f64 = samples.iter().map(|&sample| vectors.square(sample)).sum();
    let (between, coefficients) = match known {
        Known::Groups(groups) => {
            let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
            for &sample in &samples {
                members.entry(groups[sample]?).or_default().push(sample);
            }
            let of_groups = members.values().map(|members| {
                let sum = vectors.combined(members.iter().map(|&sample| (sample, 1.0)));
                dot(&sum, &sum) / members.len() as f64
            });
            (of_groups.sum::<f64>() - of_center, members.len())
        }
        Known::Numbers(numbers) => {
            let known = || {
                samples
                    .iter()
                    .filter_map(|&sample| Some((sample, numbers[sample]?)))
            };
            let mean = known().map(|(_, number)| number).sum::<f64>() / n;
            let deviations = || known().map(|(sample, number)| (sample, number - mean));
            let spread: f64 = deviations()
                .map(|(_, deviation)| deviation * deviation)
                .sum();
            let sum = vectors.combined(deviations());
            (dot(&sum, &sum) / spread, 2)
        }
    };
    let k = coefficients as f64;
    let total = squares - of_center;
    if total <= NOTHING * squares {
        return None;
    }
    let share = between / total;
    let adjusted = 1.0 - (1.0 - share) * (n - 1.0) / (n - k);
    (k > 1.0 && n > k && adjusted.is_finite()).then_some(adjusted.min(1.0))
}

/// The samples of which something is known.
fn samples(known: Known<'_>) -> Vec<usize> {
    let is_known: Vec<bool> = match known {
        Known::Groups(groups) => groups.iter().map(Option::is_some).collect(),
        Known::Numbers(numbers) => numbers.iter().map(Option::is_some).collect(),
    };
    (0..is_known.len())
        .filter(|&sample| is_known[sample])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_partition_the_squared_distances() {
        let samples = [
            [0.0, 1.0],
            [2.0, 1.0],
            [10.0, 5.0],
            [12.0, 5.0],
            [99.0, -7.0],
        ];
        let groups = [Some(3), Some(3), Some(8), Some(8), None];
        // Of the squared distances of all pairs, 480 / 4 in all and 4 / 2 within each group.
        let share = 116.0 / 120.0;
        let expected = 1.0 - (1.0 - share) * 3.0 / 2.0;
        let found = permanova(samples.as_slice(), Known::Groups(&groups)).unwrap();
        assert!((found - expected).abs() < 1e-12);
    }

    #[test]
    fn numbers_along_an_axis_explain_it_and_nothing_else() {
        let samples = [[0.0, 1.0], [1.0, -1.0], [2.0, -1.0], [3.0, 1.0]];
        let numbers = [5.0, 7.0, 9.0, 11.0].map(Some);
        let found = permanova(samples.as_slice(), Known::Numbers(&numbers)).unwrap();
        let expected = 1.0 - (1.0 - 5.0 / 9.0) * 3.0 / 2.0;
        assert!((found - expected).abs() < 1e-12);
    }

    #[test]
    fn constant_and_unique_values_explain_nothing() {
        let samples = [[0.0], [1.0], [5.0]];
        for known in [
            Known::Groups(&[Some(0), Some(0), Some(0)]),
            Known::Groups(&[Some(0), Some(1), Some(2)]),
            Known::Groups(&[None, None, None]),
            Known::Numbers(&[Some(2.0), Some(2.0), Some(2.0)]),
        ] {
            assert_eq!(permanova(samples.as_slice(), known), None, "{known:?}");
        }
        let alike = [[1.0]; 4];
        let groups = [0, 0, 1, 1].map(Some);
        assert_eq!(permanova(alike.as_slice(), Known::Groups(&groups)), None);
    }
}
