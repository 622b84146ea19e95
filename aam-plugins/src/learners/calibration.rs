//! Converts the output of least squares to calibrated predictions, based on held-out samples of the fit.

use aam_api::export::{Graph, Value};
use aam_regression::least_squares::confirmed;
use aam_regression::{log_loss, softmax};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// How outputs of least squares are calibrated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Calibration {
    /// For numbers: shrinks their difference from the mean.
    Shrinks {
        /// The mean of the training samples.
        mean: f64,
        /// The factor, from 0 to 1.
        part: f64,
    },
    /// For classes, whose outputs are near 1 for the class and near 0 for others: the probability is
    /// proportional to `share · exp(slope (output − share))` (after Platt, *Probabilistic outputs for
    /// support vector machines*, 1999).
    Sharpens {
        /// The frequency of each class, above 0.
        shares: Vec<f64>,
        /// At least 0.
        slope: f64,
    },
}

impl Calibration {
    /// For numbers: the factor with the smallest squared error.
    pub(super) fn of_numbers(held_out: &Array2<f64>, truth: &Array2<f64>) -> Self {
        Self::Shrinks {
            mean: truth.sum() / truth.len().max(1) as f64,
            part: confirmed(held_out.column(0), truth.column(0)),
        }
    }

    /// For classes: the slope with the smallest log loss, among 0 and powers of √2.
    pub(super) fn of_classes(
        held_out: &Array2<f64>,
        truth: &Array2<f64>,
        shares: Vec<f64>,
    ) -> Self {
        let powers = (-4..12).map(|power| 2f64.powf(f64::from(power) / 2.0));
        let slopes = std::iter::once(0.0).chain(powers);
        let tried = slopes.map(|slope| Self::Sharpens {
            shares: shares.clone(),
            slope,
        });
        let loss = |tried: &Self| log_loss(&tried.apply(held_out.clone()), truth.view());
        let best = tried.min_by(|a, b| loss(a).total_cmp(&loss(b)));
        best.unwrap_or(Self::Sharpens { shares, slope: 0.0 })
    }

    /// Converts `outputs`, `[samples, outputs]`, to predictions.
    pub(super) fn apply(&self, mut outputs: Array2<f64>) -> Array2<f64> {
        match self {
            Self::Shrinks { mean, part } => {
                outputs.mapv_inplace(|output| mean + part * (output - mean));
            }
            Self::Sharpens { shares, slope } => {
                for mut row in outputs.rows_mut() {
                    for (output, share) in row.iter_mut().zip(shares) {
                        *output = share.ln() + slope * (*output - share);
                    }
                }
                softmax(&mut outputs);
            }
        }
        outputs
    }

    /// The same in `graph`, for 64-bit numbers.
    pub(super) fn export(&self, graph: &mut Graph, outputs: &Value) -> Value {
        let (center, factor, start) = match self {
            Self::Shrinks { mean, part } => (vec![*mean], *part, vec![*mean]),
            Self::Sharpens { shares, slope } => {
                let logarithms = shares.iter().map(|share| share.ln());
                (shares.clone(), *slope, logarithms.collect())
            }
        };
        let center = graph.constant(&[center.len()], &center);
        let start = graph.constant(&[start.len()], &start);
        let factor = graph.scalar(factor);
        let apart = graph.sub(outputs, &center);
        let scaled = graph.mul(&apart, &factor);
        let calibrated = graph.add(&start, &scaled);
        match self {
            Self::Shrinks { .. } => calibrated,
            Self::Sharpens { .. } => graph.softmax(&calibrated),
        }
    }

    /// Rejects another number of outputs and numbers that are not finite.
    pub(super) fn check(&self, outputs: usize) -> Result<(), String> {
        let (own, fits) = match self {
            Self::Shrinks { mean, part } => (1, mean.is_finite() && part.is_finite()),
            Self::Sharpens { shares, slope } => {
                let positive = shares.iter().all(|share| *share > 0.0 && share.is_finite());
                (shares.len(), positive && slope.is_finite())
            }
        };
        match own == outputs {
            true if fits => Ok(()),
            true => Err("its calibration is not finite".to_owned()),
            false => Err(format!("it has {own} outputs, but {outputs} are needed")),
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn uninformative_outputs_become_the_mean() {
        let truth = array![[1.0], [3.0], [1.0], [3.0]];
        let wrong = array![[3.0], [1.0], [2.0], [2.0]];
        let calibration = Calibration::of_numbers(&wrong, &truth);
        assert_eq!(calibration.apply(array![[9.0]]), array![[2.0]]);
        let twice = array![[0.0], [4.0], [0.0], [4.0]];
        let calibration = Calibration::of_numbers(&twice, &truth);
        assert_eq!(calibration.apply(array![[6.0]]), array![[4.0]]);
        assert!(calibration.check(1).is_ok() && calibration.check(2).is_err());
    }

    #[test]
    fn outputs_are_shrunk_by_their_accuracy() {
        let truth = array![[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]];
        let right = array![[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.4, 0.6]];
        let sure = Calibration::of_classes(&right, &truth, vec![0.5; 2]);
        assert!(sure.apply(right)[[0, 0]] > 0.99);
        let wrong = array![[0.1, 0.9], [0.9, 0.1], [0.9, 0.1], [0.1, 0.9]];
        let unsure = Calibration::of_classes(&wrong, &truth, vec![0.5; 2]);
        let probabilities = unsure.apply(wrong);
        assert!((probabilities[[0, 0]] - 0.5).abs() < 1e-12);
        assert!(unsure.check(2).is_ok() && unsure.check(3).is_err());
    }
}
