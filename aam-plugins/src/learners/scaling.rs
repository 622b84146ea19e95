//! Columns on a common scale, so that products of samples measure their similarity.

use std::ops::Range;

use aam_api::SampleFeatures;
use aam_api::export::{Element, ExportedFeatures, Graph, Value};
use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};

use super::beside;
/// How much of a column's spread is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Spread {
    /// None: every column has a standard deviation of 1.
    None,
    /// Its square root, as in Pareto scaling (van den Berg et al., BMC Genomics 2006).
    Root,
}

/// Turns log-ratios and categories into the columns of a linear learner: each is centred and multiplied
/// by a factor, such that ASVs, clades and categories have equal weight and the mean squared norm of
/// samples is 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Scaling {
    means: Vec<f32>,
    factors: Vec<f32>,
}

/// Columns with a smaller standard deviation than this count as constant.
const LEAST_SPREAD: f64 = 1e-6;

impl Scaling {
    /// Fits the scale to training samples; returns it with their scaled columns.
    pub(super) fn fit(features: &SampleFeatures, spread: Spread) -> (Self, Array2<f64>) {
        let columns = columns(features);
        let rows = columns.nrows().max(1) as f64;
        let moments: Vec<(f64, f64)> = columns
            .axis_iter(Axis(1))
            .map(|column| {
                let mean = column.sum() / rows;
                let squares: f64 = column.iter().map(|value| (value - mean).powi(2)).sum();
                (mean, (squares / rows).sqrt())
            })
            .collect();
        let factor = |&(_, deviation): &(f64, f64)| match (deviation > LEAST_SPREAD, spread) {
            (false, _) => 0.0,
            (true, Spread::None) => 1.0 / deviation,
            (true, Spread::Root) => 1.0 / deviation.sqrt(),
        };
        let mut factors: Vec<f64> = moments.iter().map(factor).collect();
        let weight = |block: &Range<usize>| -> f64 {
            let columns = block.clone();
            columns
                .map(|column| (factors[column] * moments[column].1).powi(2))
                .sum()
        };
        let blocks: Vec<(Range<usize>, f64)> = blocks(features)
            .map(|block| (block.clone(), weight(&block)))
            .into_iter()
            .filter(|(_, weight)| *weight > 0.0)
            .collect();
        for (block, weight) in &blocks {
            let factor = 1.0 / (weight * blocks.len() as f64).sqrt();
            factors[block.clone()]
                .iter_mut()
                .for_each(|own| *own *= factor);
        }
        let scaling = Self {
            means: moments.iter().map(|(mean, _)| *mean as f32).collect(),
            factors: factors.iter().map(|factor| *factor as f32).collect(),
        };
        let scaled = scaling.scaled(columns);
        (scaling, scaled)
    }

    /// The scaled columns of samples.
    pub(super) fn of(&self, features: &SampleFeatures) -> Array2<f64> {
        self.scaled(columns(features))
    }

    /// The same in `graph`, 64-bit numbers.
    pub(super) fn export(&self, graph: &mut Graph, features: &ExportedFeatures) -> Value {
        let columns = features.with_categories(graph, features.log_ratios.clone());
        let columns = graph.cast(&columns, Element::Double);
        let constant = |graph: &mut Graph, values: &[f32]| {
            let values: Vec<f64> = values.iter().copied().map(f64::from).collect();
            graph.constant(&[values.len()], &values)
        };
        let means = constant(graph, &self.means);
        let factors = constant(graph, &self.factors);
        let centred = graph.sub(&columns, &means);
        graph.mul(&centred, &factors)
    }

    fn scaled(&self, mut columns: Array2<f64>) -> Array2<f64> {
        for mut row in columns.rows_mut() {
            for ((value, mean), factor) in row.iter_mut().zip(&self.means).zip(&self.factors) {
                *value = (*value - f64::from(*mean)) * f64::from(*factor);
            }
        }
        columns
    }

    /// Number of columns.
    pub(super) fn width(&self) -> usize {
        self.means.len()
    }

    /// Rejects a number of columns other than `width`, and numbers that are not finite.
    pub(super) fn check(&self, width: usize) -> Result<(), String> {
        if self.means.len() != width || self.factors.len() != width {
            return Err(format!(
                "it scales {} columns, but samples have {width}",
                self.means.len()
            ));
        }
        finite(self.means.iter().chain(&self.factors), "a scale")
    }
}

/// Rejects numbers that are not finite.
pub(super) fn finite<'a>(
    mut values: impl Iterator<Item = &'a f32>,
    what: &str,
) -> Result<(), String> {
    match values.all(|value| value.is_finite()) {
        true => Ok(()),
        false => Err(format!("{what} is not finite")),
    }
}

/// Log-ratios and categories, `[samples, columns]`.
fn columns(features: &SampleFeatures) -> Array2<f64> {
    // Row-major, as when a state is read: the order determines how sums are rounded.
    beside(&features.log_ratios, &features.categories).mapv(f64::from)
}

/// The columns of ASVs, of clades and of categories.
fn blocks(features: &SampleFeatures) -> [Range<usize>; 3] {
    let (abundances, categories) = features.widths();
    let asvs = features.asvs.min(abundances);
    [
        0..asvs,
        asvs..abundances,
        abundances..abundances + categories,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_equal_weight_and_constant_columns_none() {
        let log_ratios = ndarray::array![
            [1f32, 5.0, 3.0, 8.0],
            [2.0, 1.0, 3.0, 0.0],
            [6.0, 0.0, 3.0, 1.0]
        ];
        let features = SampleFeatures::new(log_ratios.clone(), log_ratios, 2)
            .with_categories(ndarray::array![[1f32], [1.0], [1.0]]);
        for spread in [Spread::None, Spread::Root] {
            let (scaling, columns) = Scaling::fit(&features, spread);
            assert_eq!(columns, scaling.of(&features));
            let squares = |part: Range<usize>| -> f64 {
                let part = columns.slice(ndarray::s![.., part]);
                part.iter().map(|value| value * value).sum::<f64>() / 3.0
            };
            assert!((squares(0..2) - 0.5).abs() < 1e-5);
            assert!((squares(2..4) - 0.5).abs() < 1e-5);
            assert_eq!((squares(2..3), squares(4..5)), (0.0, 0.0));
            assert!(scaling.check(5).is_ok() && scaling.check(4).is_err());
        }
    }
}
