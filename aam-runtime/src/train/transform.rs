//! Target transforms: the scale on which a numeric target is learnt, and the way back.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::DataError;

/// How a numeric target is scaled before training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TargetTransform {
    /// As it is.
    None,
    /// `(y − min) / (max − min)`.
    Minmax,
    /// `(y − mean) / standard deviation`.
    #[default]
    Zscore,
    /// `ln(y + 1)`, then `minmax`.
    LogMinmax,
    /// `ln(y + 1)`, then `zscore`.
    LogZscore,
}

impl TargetTransform {
    fn is_log(self) -> bool {
        matches!(self, Self::LogMinmax | Self::LogZscore)
    }
}

impl fmt::Display for TargetTransform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Minmax => "minmax",
            Self::Zscore => "zscore",
            Self::LogMinmax => "log-minmax",
            Self::LogZscore => "log-zscore",
        })
    }
}

/// A transform with the statistics of the training targets, `(f(y) − shift) / scale`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedTransform {
    transform: TargetTransform,
    shift: f64,
    scale: f64,
}

/// Beyond this, `exp` would leave the range of `f32`.
const LARGEST_LOG: f64 = 88.0;

impl FittedTransform {
    /// Takes minimum, maximum, mean and population standard deviation from the training targets.
    ///
    /// # Errors
    /// A target at or below −1 under a logarithm; `name` is the column to blame.
    pub fn fit(transform: TargetTransform, name: &str, targets: &[f64]) -> Result<Self, DataError> {
        if transform.is_log()
            && let Some(low) = targets.iter().find(|&&y| y <= -1.0)
        {
            return Err(DataError::new(format!(
                "column '{name}': the transform {transform} takes ln(y + 1), and a value is {low}"
            ))
            .help("choose --target-transform zscore"));
        }
        let values: Vec<f64> = match transform.is_log() {
            true => targets.iter().map(|y| y.ln_1p()).collect(),
            false => targets.to_vec(),
        };
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let count = values.len().max(1) as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
        let (shift, scale) = match transform {
            TargetTransform::None => (0.0, 1.0),
            TargetTransform::Minmax | TargetTransform::LogMinmax => (low, high - low),
            TargetTransform::Zscore | TargetTransform::LogZscore => (mean, variance.sqrt()),
        };
        // A constant target has no scale; the difference to it is then kept as it is.
        let scale = if scale > 1e-8 * shift.abs().max(1.0) {
            scale
        } else {
            1.0
        };
        Ok(Self {
            transform,
            shift,
            scale,
        })
    }

    /// From the target's unit to the scale of training.
    pub fn forward(&self, y: f64) -> f64 {
        let y = if self.transform.is_log() {
            y.ln_1p()
        } else {
            y
        };
        (y - self.shift) / self.scale
    }

    /// From the scale of training to the target's unit.
    pub fn inverse(&self, z: f64) -> f64 {
        let y = z * self.scale + self.shift;
        match self.transform.is_log() {
            true => y.min(LARGEST_LOG).exp_m1(),
            false => y,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transform_is_undone_by_its_inverse() {
        let targets = [0.0, 3.5, 12.0, 700.0];
        for transform in [
            TargetTransform::None,
            TargetTransform::Minmax,
            TargetTransform::Zscore,
            TargetTransform::LogMinmax,
            TargetTransform::LogZscore,
        ] {
            let fitted = FittedTransform::fit(transform, "y", &targets).unwrap();
            for y in [0.0, 1.0, 55.5, 900.0] {
                let back = fitted.inverse(fitted.forward(y));
                assert!(
                    (back - y).abs() < 1e-9,
                    "{transform}: {y} came back as {back}"
                );
            }
        }
    }

    #[test]
    fn statistics_are_those_of_the_training_targets() {
        let fitted = FittedTransform::fit(TargetTransform::Zscore, "y", &[1.0, 3.0]).unwrap();
        assert_eq!((fitted.shift, fitted.scale), (2.0, 1.0));
        let fitted = FittedTransform::fit(TargetTransform::Minmax, "y", &[2.0, 6.0]).unwrap();
        assert_eq!(fitted.forward(4.0), 0.5);
    }

    #[test]
    fn a_logarithm_of_nothing_is_refused() {
        let error = FittedTransform::fit(TargetTransform::LogZscore, "pH", &[1.0, -2.0]);
        assert!(error.unwrap_err().to_string().contains("column 'pH'"));
    }
}
