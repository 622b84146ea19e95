//! Centred log-ratios of samples, kept without the zeros that most tables are made of.

use aam_data::Table;
use rayon::prelude::*;

use crate::space::frequent;
use crate::vectors::Vectors;

/// Centred log-ratios of samples: `ln(reads + 1/2)` minus its mean over the ASVs. Distances between
/// them are those of Aitchison (*The statistical analysis of compositional data*, 1986).
///
/// As `ln(n + 1/2) = ln(1 + 2n) − ln 2`, the log-ratios of a sample are `ln(1 + 2n)`, which is 0 for
/// ASVs that it lacks, minus the mean of these.
pub struct LogRatios<'a> {
    table: &'a Table,
    rows: &'a [usize],
    /// The column of each ASV of the table, if it has one.
    columns: Vec<Option<u32>>,
    width: usize,
    /// The mean of `ln(1 + 2n)` of each sample.
    means: Vec<f64>,
}

impl<'a> LogRatios<'a> {
    /// Those of the samples at `rows`, of the ASVs that the learners see if trained on these samples:
    /// ASVs of at least 2 of the samples or, if there are more than 1500, of at least 3 and 1 % of
    /// them.
    pub fn of(table: &'a Table, rows: &'a [usize]) -> Self {
        let chosen = frequent(table, rows);
        let mut columns = vec![None; table.num_features()];
        for (column, &asv) in (0..).zip(&chosen) {
            columns[asv] = Some(column);
        }
        let mut ratios = Self {
            table,
            rows,
            columns,
            width: chosen.len(),
            means: Vec::new(),
        };
        let sums =
            (0..rows.len()).map(|sample| ratios.present(sample).map(|(_, l)| l).sum::<f64>());
        let width = ratios.width.max(1) as f64;
        ratios.means = sums.map(|sum| sum / width).collect();
        ratios
    }

    /// Number of ASVs.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The columns of the ASVs of a sample, each with `ln(1 + 2n)`.
    fn present(&self, sample: usize) -> impl Iterator<Item = (usize, f64)> {
        let (asvs, counts) = self.table.row(self.rows[sample]);
        let present = asvs.iter().zip(counts);
        present.filter_map(|(&asv, &count)| {
            let column = self.columns[asv as usize]? as usize;
            Some((column, (2.0 * f64::from(count)).ln_1p()))
        })
    }
}

impl Vectors for LogRatios<'_> {
    fn samples(&self) -> usize {
        self.rows.len()
    }

    fn combined(&self, weights: impl Iterator<Item = (usize, f64)>) -> Vec<f64> {
        let mut sum = vec![0.0; self.width];
        let mut mean = 0.0;
        for (sample, weight) in weights {
            for (column, logarithm) in self.present(sample) {
                sum[column] += weight * logarithm;
            }
            mean += weight * self.means[sample];
        }
        sum.iter_mut().for_each(|value| *value -= mean);
        sum
    }

    fn products(&self, other: &[f64]) -> Vec<f64> {
        let all: f64 = other.iter().sum();
        let product = |sample: usize| {
            let present = self.present(sample);
            let sum: f64 = present.map(|(column, l)| l * other[column]).sum();
            sum - self.means[sample] * all
        };
        (0..self.rows.len()).into_par_iter().map(product).collect()
    }

    fn square(&self, sample: usize) -> f64 {
        let squares: f64 = self.present(sample).map(|(_, l)| l * l).sum();
        squares - self.width as f64 * self.means[sample].powi(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FeatureSpace;
    use crate::vectors::dot;
    use aam_data::Kinship;

    #[test]
    fn they_match_the_features_of_the_learners() {
        let triplets = [
            (0, 0, 5),
            (0, 1, 1),
            (1, 1, 9),
            (1, 2, 4),
            (2, 0, 2),
            (2, 2, 30),
            (2, 3, 7),
        ];
        let names = |of: &str, number: usize| (0..number).map(|i| format!("{of}{i}")).collect();
        let table = Table::from_triplets(names("s", 3), names("otu", 4), &triplets).unwrap();
        let rows = [2, 0, 1];
        let ratios = LogRatios::of(&table, &rows);
        let space = FeatureSpace::fit(&table, &rows, Some(&Kinship::nothing()));
        let dense = space.of(&table, &rows).log_ratios.mapv(f64::from);
        assert_eq!(
            (ratios.width(), dense.dim()),
            (3, (3, 3)),
            "one ASV is in one sample"
        );
        let other = [0.5, -2.0, 3.0];
        for sample in 0..3 {
            let expected = dense.row(sample).to_vec();
            let own = ratios.combined([(sample, 1.0)].into_iter());
            for (own, expected) in own.iter().zip(&expected) {
                assert!((own - expected).abs() < 1e-5);
            }
            assert!((ratios.square(sample) - dot(&own, &own)).abs() < 1e-9);
            assert!((ratios.products(&other)[sample] - dot(&own, &other)).abs() < 1e-9);
        }
    }
}
