//! Calibration of class probabilities.
//!
//! Two parameters are fitted to out-of-fold predictions: a temperature (Guo et al. 2017), which
//! makes a method more or less confident, and the weight of the class frequencies that are mixed in,
//! for a method with little information. Neither changes which of two samples is more likely to be
//! of a class.

use aam_api::export::{Graph, Value};
use serde::{Deserialize, Serialize};

use crate::results::{HeldOut, RawColumn, TargetPrediction};

/// Candidate temperatures.
const TEMPERATURES: [f64; 13] = [
    0.25, 0.35, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0,
];
/// Candidate weights of the class frequencies.
const PARTS: [f64; 11] = [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
/// Lower bound of probabilities before the logarithm.
const LEAST: f64 = 1e-6;

/// Calibrates the probabilities of a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    temperature: f64,
    part: f64,
    shares: Vec<f64>,
}

impl Calibration {
    /// The calibration with the smallest log loss of the predictions of `target`; among equal ones,
    /// the one that changes them least. `None` for numbers, and without samples.
    pub fn fit<'a>(
        column: &RawColumn,
        target: usize,
        samples: impl IntoIterator<Item = &'a HeldOut>,
    ) -> Option<Self> {
        let classes = column.classes.as_ref()?.len();
        let samples = samples.into_iter();
        let known: Vec<(usize, &[f64])> = samples
            .filter_map(|sample| match sample.predictions.get(target) {
                Some(TargetPrediction::Classes { probabilities, .. }) => {
                    Some((column.values[sample.row] as usize, probabilities.as_slice()))
                }
                _ => None,
            })
            .collect();
        if known.is_empty() {
            return None;
        }
        // One more sample of each class, so that no frequency is 0.
        let mut shares = vec![1.0; classes];
        for (class, _) in &known {
            shares[*class] += 1.0;
        }
        let all: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= all);
        let of = |temperature: f64, part: f64| Self {
            temperature,
            part,
            shares: shares.clone(),
        };
        let mut best = (f64::INFINITY, of(1.0, PARTS[0]));
        for temperature in TEMPERATURES {
            for part in PARTS {
                let tried = of(temperature, part);
                let loss: f64 = known
                    .iter()
                    .map(|(class, p)| -tried.applied(p)[*class].max(LEAST).ln())
                    .sum();
                if loss < best.0 - 1e-9 {
                    best = (loss, tried);
                }
            }
        }
        Some(best.1)
    }

    /// The calibrated `probabilities`, `[classes]`.
    pub fn applied(&self, probabilities: &[f64]) -> Vec<f64> {
        let powers = probabilities
            .iter()
            .map(|p| p.max(LEAST).powf(1.0 / self.temperature));
        let powers: Vec<f64> = powers.collect();
        let sum: f64 = powers.iter().sum();
        let mixed = powers.iter().zip(&self.shares);
        mixed
            .map(|(power, share)| (1.0 - self.part) * power / sum + self.part * share)
            .collect()
    }

    /// Adds [`applied`](Self::applied) to `graph`, for `[samples, classes]`.
    pub(crate) fn export(&self, graph: &mut Graph, probabilities: &Value) -> Value {
        let least = graph.scalar(LEAST);
        let exponent = graph.scalar(1.0 / self.temperature);
        let at_least = graph.apply("Max", &[probabilities, &least], vec![]);
        let powers = graph.apply("Pow", &[&at_least, &exponent], vec![]);
        let sum = graph.sum_of_rows(&powers);
        let own = graph.div(&powers, &sum);
        let part = graph.scalar(1.0 - self.part);
        let own = graph.mul(&own, &part);
        let shares: Vec<f64> = self.shares.iter().map(|share| self.part * share).collect();
        let shares = graph.constant(&[shares.len()], &shares);
        graph.add(&own, &shares)
    }

    /// Whether a checkpoint may contain it, for a target with this number of `classes`.
    pub fn is_sound(&self, classes: usize) -> bool {
        let sum: f64 = self.shares.iter().sum();
        self.shares.len() == classes
            && self.shares.iter().all(|share| (0.0..=1.0).contains(share))
            && (sum - 1.0).abs() < 1e-6
            && (0.0..=1.0).contains(&self.part)
            && self.temperature.is_finite()
            && self.temperature > 0.0
    }
}

/// Calibrates the probabilities of a prediction.
pub fn apply(calibration: &Calibration, prediction: &mut TargetPrediction) {
    if let TargetPrediction::Classes { probabilities, .. } = prediction {
        *probabilities = calibration.applied(probabilities);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 300 samples, two thirds of which are of the class with predicted probability `said`.
    fn study(said: f64) -> (RawColumn, Vec<HeldOut>) {
        let column = RawColumn {
            name: "ibd".to_owned(),
            classes: Some(["no", "yes"].map(str::to_owned).to_vec()),
            values: (0..300)
                .map(|row| f64::from(u8::from((row / 2) % 3 != 0)))
                .collect(),
        };
        let samples = (0..300).map(|row| {
            let leans = (row / 2) % 3 != 0;
            let right = (row % 3) != 0;
            let p = if leans == right { said } else { 1.0 - said };
            HeldOut {
                row,
                predictions: vec![TargetPrediction::classes(vec![1.0 - p, p])],
            }
        });
        (column, samples.collect())
    }

    fn log_loss(column: &RawColumn, samples: &[HeldOut]) -> f64 {
        let loss = samples.iter().map(|sample| match &sample.predictions[0] {
            TargetPrediction::Classes { probabilities, .. } => {
                -probabilities[column.values[sample.row] as usize].ln()
            }
            other => panic!("{other:?}"),
        });
        loss.sum::<f64>() / samples.len() as f64
    }

    #[test]
    fn overconfidence_is_no_worse_than_class_frequencies() {
        let (column, samples) = study(0.999);
        let calibration = Calibration::fit(&column, 0, &samples).unwrap();
        let mut judged = samples.clone();
        for sample in &mut judged {
            apply(&calibration, &mut sample.predictions[0]);
        }
        let entropy = -(2.0_f64 / 3.0) * (2.0_f64 / 3.0).ln() - (1.0 / 3.0) * (1.0_f64 / 3.0).ln();
        let (before, after) = (log_loss(&column, &samples), log_loss(&column, &judged));
        assert!(before > 2.0 && after < entropy + 0.02, "{before} {after}");
    }

    #[test]
    fn probabilities_add_up_and_keep_their_order() {
        let (column, samples) = study(0.9);
        let calibration = Calibration::fit(&column, 0, &samples).unwrap();
        assert!(calibration.is_sound(2));
        let low = calibration.applied(&[0.8, 0.2]);
        let high = calibration.applied(&[0.3, 0.7]);
        assert!((low.iter().sum::<f64>() - 1.0).abs() < 1e-12 && low[1] < high[1]);
    }
}
