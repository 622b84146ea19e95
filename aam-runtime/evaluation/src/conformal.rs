//! Prediction intervals of numbers from out-of-fold errors.
//!
//! Split-conformal prediction (Vovk, Gammerman & Shafer 2005): if a new sample is exchangeable with
//! those whose errors are known, an interval as wide as the appropriate quantile of these errors
//! contains its value with at least the requested probability. If a loss provides its own intervals,
//! they are widened or narrowed in the same way (Romano, Patterson & Candès 2019).

use aam_api::export::{Graph, Value};
use serde::{Deserialize, Serialize};

use crate::results::{HeldOut, RawColumn, TargetPrediction};

/// Distances of the values of a target from their out-of-fold predictions, or from the interval of
/// a loss; negative inside the interval.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Residuals {
    /// In ascending order, in the target's unit.
    sizes: Vec<f64>,
}

impl Residuals {
    /// The residuals of the predictions of `target` for `samples`.
    pub fn of<'a>(
        column: &RawColumn,
        target: usize,
        samples: impl IntoIterator<Item = &'a HeldOut>,
    ) -> Self {
        let sizes = samples
            .into_iter()
            .filter_map(|sample| match sample.predictions.get(target) {
                Some(TargetPrediction::Number { value, interval }) => {
                    let (low, high) = interval.unwrap_or((*value, *value));
                    let actual = column.values[sample.row];
                    Some((low - actual).max(actual - high))
                }
                _ => None,
            });
        let mut sizes: Vec<f64> = sizes.filter(|size| size.is_finite()).collect();
        sizes.sort_unstable_by(f64::total_cmp);
        Self { sizes }
    }

    /// The margin to add on either side of a prediction so that it contains a value with probability
    /// `level`. The largest error if there are too few, and `None` if there are none.
    pub fn margin(&self, level: f64) -> Option<f64> {
        let place = rank(self.sizes.len(), level).clamp(1, self.sizes.len().max(1)) - 1;
        self.sizes.get(place).copied()
    }

    /// Whether a checkpoint may contain it: finite and sorted.
    pub fn is_sound(&self) -> bool {
        self.sizes.iter().all(|size| size.is_finite()) && self.sizes.is_sorted()
    }
}

/// Which of this many sorted errors, counted from 1, a further error does not exceed with probability
/// `level`; greater than `errors` if there are too few.
pub(crate) fn rank(errors: usize, level: f64) -> usize {
    ((errors + 1) as f64 * level).ceil() as usize
}

/// Adds `margin` on either side of a number or of its interval.
pub fn widen(prediction: &mut TargetPrediction, margin: f64) {
    if let TargetPrediction::Number { value, interval } = prediction {
        let (low, high) = interval.unwrap_or((*value, *value));
        let middle = f64::midpoint(low, high);
        *interval = Some(((low - margin).min(middle), (high + margin).max(middle)));
    }
}

/// Adds [`widen`] to `graph`: the new ends of an interval.
pub(crate) fn export_widened(
    graph: &mut Graph,
    (low, high): &(Value, Value),
    margin: f64,
) -> (Value, Value) {
    let (margin, two) = (graph.scalar(margin), graph.scalar(2f64));
    let sum = graph.add(low, high);
    let middle = graph.div(&sum, &two);
    let lower = graph.sub(low, &margin);
    let upper = graph.add(high, &margin);
    (
        graph.apply("Min", &[&lower, &middle], vec![]),
        graph.apply("Max", &[&upper, &middle], vec![]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(errors: &[f64]) -> (RawColumn, Vec<HeldOut>) {
        let column = RawColumn {
            name: "age".to_owned(),
            classes: None,
            values: vec![10.0; errors.len()],
        };
        let samples = errors.iter().enumerate().map(|(row, error)| HeldOut {
            row,
            predictions: vec![TargetPrediction::Number {
                value: 10.0 + error,
                interval: None,
            }],
        });
        (column, samples.collect())
    }

    #[test]
    fn the_rank_of_the_error_matches_theory() {
        // With 9 errors, the ⌈10 · 0.8⌉ = 8th bounds that of a tenth sample with 80 % probability.
        let errors = [1.0, -2.0, 3.0, -4.0, 5.0, -6.0, 7.0, -8.0, 9.0];
        let (column, samples) = samples(&errors);
        let residuals = Residuals::of(&column, 0, &samples);
        assert_eq!(residuals.margin(0.8), Some(8.0));
        assert_eq!(residuals.margin(0.95), Some(9.0));
        assert_eq!(Residuals::default().margin(0.8), None);
    }
}
