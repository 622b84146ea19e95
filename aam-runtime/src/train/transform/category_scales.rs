//! Mean and standard deviation of a target within categories of samples, shrunk towards those of
//! all samples.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::train::sample_categories::{SampleCategories, label};

/// Samples of the whole that each category is taken to have beside its own.
pub const PSEUDO_SAMPLES: f64 = 5.0;

/// Statistics of categories.
///
/// A category of `n` training samples with mean `m` and variance `v` is taken together with
/// `k` = [`PSEUDO_SAMPLES`] further samples that are distributed as all training samples, with
/// mean `μ` and standard deviation `σ`:
///
/// ```text
/// mean     = (n m + k μ) / (n + k)
/// variance = (n v + k σ²) / (n + k) + n k (m − μ)² / (n + k)²
/// ```
///
/// A large category keeps its own statistics, a small one comes close to the whole, and the
/// deviation is never 0: no training sample lies further than √(n + k) deviations from the mean of
/// its category.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CategoryScales {
    /// Metadata columns whose values together are a category.
    pub columns: Vec<String>,
    /// The categories, in lexical order of their values.
    pub categories: Vec<CategoryScale>,
}

/// Statistics of a category.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CategoryScale {
    /// A value per column.
    pub levels: Vec<String>,
    /// Number of training samples.
    pub samples: usize,
    /// Mean, shrunk.
    pub mean: f64,
    /// Standard deviation, shrunk.
    pub deviation: f64,
}

impl CategoryScales {
    /// The statistics of `values`, those of the samples at `rows`; all of them have the given
    /// `mean` and `deviation` (not 0).
    pub fn fit(
        categories: &SampleCategories,
        rows: &[usize],
        values: &[f64],
        mean: f64,
        deviation: f64,
    ) -> Self {
        let mut groups: BTreeMap<&[String], Vec<f64>> = BTreeMap::new();
        for (&row, &value) in rows.iter().zip(values) {
            if let Some(levels) = categories.of(row) {
                groups.entry(levels).or_default().push(value);
            }
        }
        let groups = groups.into_iter();
        Self {
            columns: categories.columns().to_vec(),
            categories: groups
                .map(|(levels, values)| CategoryScale::fit(levels, &values, mean, deviation))
                .collect(),
        }
    }

    /// The place of the category with these `levels`, if training samples had them.
    pub fn position(&self, levels: &[String]) -> Option<usize> {
        self.categories
            .binary_search_by(|category| category.levels.as_slice().cmp(levels))
            .ok()
    }

    /// The category with the fewest training samples, as people write it, and their number.
    pub fn smallest(&self) -> Option<(String, usize)> {
        let smallest = self.categories.iter().min_by_key(|c| c.samples)?;
        Some((label(&self.columns, &smallest.levels), smallest.samples))
    }
}

impl CategoryScale {
    fn fit(levels: &[String], values: &[f64], all: f64, deviation: f64) -> Self {
        let n = values.len() as f64;
        let k = PSEUDO_SAMPLES;
        let own = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - own).powi(2)).sum();
        let between = n * k * (own - all).powi(2) / (n + k).powi(2);
        let variance = (squares + k * deviation.powi(2)) / (n + k) + between;
        Self {
            levels: levels.to_vec(),
            samples: values.len(),
            mean: (n * own + k * all) / (n + k),
            deviation: variance.sqrt(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn category(values: &[f64]) -> CategoryScale {
        CategoryScale::fit(&["a".to_owned()], values, 10.0, 2.0)
    }

    #[test]
    fn statistics_are_those_of_the_category_with_five_samples_of_the_whole() {
        // Five values of mean 10 and variance 4, beside 4 and 6.
        let root = 10f64.sqrt();
        let whole = [10.0, 10.0, 10.0, 10.0 - root, 10.0 + root];
        let all = [&[4.0, 6.0], &whole[..]].concat();
        let mean = all.iter().sum::<f64>() / 7.0;
        let variance = all.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 7.0;
        let shrunk = category(&[4.0, 6.0]);
        assert!((shrunk.mean - mean).abs() < 1e-12);
        assert!((shrunk.deviation - variance.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_single_or_constant_sample_has_a_scale_that_can_be_divided_by() {
        let single = category(&[40.0]);
        assert!((single.mean - 15.0).abs() < 1e-12);
        // √(5 · 4 / 6 + 5 · 30² / 6²)
        assert!((single.deviation - (20.0f64 / 6.0 + 125.0).sqrt()).abs() < 1e-12);
        let constant = category(&[10.0; 100]);
        assert!((constant.deviation - 2.0 * (5.0f64 / 105.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn many_samples_speak_for_themselves() {
        let values: Vec<f64> = (0..10_000).map(|i| f64::from(i % 2)).collect();
        let scale = category(&values);
        assert!((scale.mean - 0.5).abs() < 0.01, "{}", scale.mean);
        assert!((scale.deviation - 0.5).abs() < 0.06, "{}", scale.deviation);
    }

    #[test]
    fn no_training_sample_is_further_away_than_its_category_is_large() {
        for values in [vec![1e6], vec![1e6, -1e6], vec![1e6, 0.0, 0.0, 0.0]] {
            let scale = category(&values);
            let limit = (values.len() as f64 + PSEUDO_SAMPLES).sqrt();
            for value in &values {
                let z = (value - scale.mean) / scale.deviation;
                assert!(z.abs() <= limit, "{value} of {values:?} became {z}");
            }
        }
    }
}
