//! Intervals of numbers from the errors of predictions that did not see their samples.
//!
//! Split-conformal prediction (Vovk, Gammerman & Shafer 2005): where a new sample is exchangeable with
//! those whose errors are known, an interval as wide as the right one of these errors holds its
//! value with at least the probability asked for. Where a loss gives intervals of its own, they are
//! made wider or narrower in the same way (Romano, Patterson & Candès 2019).

use serde::{Deserialize, Serialize};

use crate::results::{HeldOut, RawColumn, TargetPrediction};

/// How far the values of a target lie outside what was predicted out of fold; negative inside an
/// interval of a loss.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Residuals {
    /// In ascending order, in the target's unit.
    sizes: Vec<f64>,
}

impl Residuals {
    /// Those of what is predicted of `target` for `samples`.
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

    /// What is to be added at either side of a prediction so that it holds a value with the probability
    /// `level`; the largest error where there are too few of them, and `None` where there are none.
    pub fn margin(&self, level: f64) -> Option<f64> {
        let place = rank(self.sizes.len(), level).clamp(1, self.sizes.len().max(1)) - 1;
        self.sizes.get(place).copied()
    }

    /// Whether a checkpoint may hold it: finite and in order.
    pub fn is_sound(&self) -> bool {
        self.sizes.iter().all(|size| size.is_finite()) && self.sizes.is_sorted()
    }
}

/// Which of so many sorted errors, counted from 1, a further one does not exceed with the probability
/// `level`; more than there are where they are too few.
pub(crate) fn rank(errors: usize, level: f64) -> usize {
    ((errors + 1) as f64 * level).ceil() as usize
}

/// Adds `margin` at either side of a number or of the interval that it has.
pub fn widen(prediction: &mut TargetPrediction, margin: f64) {
    if let TargetPrediction::Number { value, interval } = prediction {
        let (low, high) = interval.unwrap_or((*value, *value));
        let middle = f64::midpoint(low, high);
        *interval = Some(((low - margin).min(middle), (high + margin).max(middle)));
    }
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
    fn the_rank_of_the_error_is_that_of_the_theory() {
        // 9 errors: the ⌈10 · 0.8⌉ = 8th holds a tenth sample with 80 %.
        let errors = [1.0, -2.0, 3.0, -4.0, 5.0, -6.0, 7.0, -8.0, 9.0];
        let (column, samples) = samples(&errors);
        let residuals = Residuals::of(&column, 0, &samples);
        assert_eq!(residuals.margin(0.8), Some(8.0));
        assert_eq!(residuals.margin(0.95), Some(9.0));
        assert_eq!(Residuals::default().margin(0.8), None);
    }
}
