//! What out-of-fold predictions imply for new samples: intervals of numbers, calibrated class
//! probabilities, and sets of classes.

use aam_api::export::{ExportedPrediction, Graph};
use serde::{Deserialize, Serialize};

use crate::calibration::{self, Calibration};
use crate::conformal::{Residuals, export_widened, widen};
use crate::cross_fitted::CrossFitted;
use crate::prediction_sets::Doubts;
use crate::results::{HeldOut, RawColumn, TargetPrediction};

/// Calibration of one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetOutOfFold {
    /// Errors of numbers.
    residuals: Residuals,
    /// Calibration of probabilities.
    calibration: Option<Calibration>,
    /// Doubts in the true classes after calibration.
    doubts: Doubts,
}

impl TargetOutOfFold {
    /// Fits to the predictions of `target` for `samples`.
    pub fn of<'a>(
        column: &RawColumn,
        target: usize,
        samples: impl IntoIterator<Item = &'a HeldOut> + Clone,
    ) -> Self {
        let calibration = Calibration::fit(column, target, samples.clone());
        let calibrate = |probabilities: &[f64]| match &calibration {
            Some(calibration) => calibration.applied(probabilities),
            None => probabilities.to_vec(),
        };
        let doubts = Doubts::of(column, target, samples.clone(), calibrate);
        Self {
            residuals: Residuals::of(column, target, samples),
            calibration,
            doubts,
        }
    }

    /// Gives a number its interval at `level`, or calibrates probabilities and gives them their
    /// set.
    pub fn apply(&self, prediction: &mut TargetPrediction, level: f64) {
        if let Some(margin) = self.residuals.margin(level) {
            widen(prediction, margin);
        }
        if let Some(calibration) = &self.calibration {
            calibration::apply(calibration, prediction);
        }
        self.doubts.add_set(prediction, level);
    }

    /// Adds what [`apply`](Self::apply) does to numbers and probabilities to `graph`, for 64-bit numbers.
    pub fn export(
        &self,
        graph: &mut Graph,
        prediction: &ExportedPrediction,
        level: f64,
    ) -> ExportedPrediction {
        match prediction {
            ExportedPrediction::Number { value, interval } => ExportedPrediction::Number {
                value: value.clone(),
                interval: match self.residuals.margin(level) {
                    Some(margin) => {
                        let ends = interval.clone();
                        let ends = ends.unwrap_or_else(|| (value.clone(), value.clone()));
                        Some(export_widened(graph, &ends, margin))
                    }
                    None => interval.clone(),
                },
            },
            ExportedPrediction::Classes(probabilities) => {
                ExportedPrediction::Classes(match &self.calibration {
                    Some(calibration) => calibration.export(graph, probabilities),
                    None => probabilities.clone(),
                })
            }
        }
    }

    /// Whether a checkpoint may contain it, for a target with this number of `classes`.
    pub fn is_sound(&self, classes: usize) -> bool {
        let calibration = self.calibration.as_ref();
        self.residuals.is_sound()
            && self.doubts.is_sound()
            && calibration.is_none_or(|found| found.is_sound(classes))
    }
}

/// Predictions with their intervals and sets at one level.
#[derive(Clone, Debug, PartialEq)]
pub struct AtLevel {
    /// Probability with which they contain the true value.
    pub level: f64,
    /// The predictions.
    pub samples: Vec<HeldOut>,
}

/// `samples` with intervals, calibrated probabilities and sets at each of `levels`. Those of a fold are
/// derived from the predictions in the other folds, so that each sample is independent of its own
/// interval. `folds` is the fold of each row of the table.
pub fn at_levels(
    targets: &[RawColumn],
    samples: &[HeldOut],
    folds: &[String],
    levels: &[f64],
) -> Vec<AtLevel> {
    let fits = CrossFitted::new(targets, samples, folds, |column, target, others| {
        TargetOutOfFold::of(column, target, others.iter().copied())
    });
    let levels = levels.iter();
    levels
        .map(|&level| AtLevel {
            level,
            samples: fits.applied(samples, |fit, prediction| fit.apply(prediction, level)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(classes: Option<usize>, values: Vec<f64>) -> RawColumn {
        RawColumn {
            name: "target".to_owned(),
            classes: classes.map(|number| (0..number).map(|class| class.to_string()).collect()),
            values,
        }
    }

    fn held_out(predictions: impl Iterator<Item = TargetPrediction>) -> Vec<HeldOut> {
        let samples = predictions.enumerate();
        samples
            .map(|(row, prediction)| HeldOut {
                row,
                predictions: vec![prediction],
            })
            .collect()
    }

    /// Pseudo-random numbers from 0 to 1.
    fn irregular(place: usize) -> f64 {
        (place as f64 * 0.618_034).fract()
    }

    fn five_folds(samples: usize) -> Vec<String> {
        (0..samples).map(|row| (row % 5).to_string()).collect()
    }

    #[test]
    fn intervals_of_a_fold_come_from_the_others() {
        let errors = [1.0, 1.0, 5.0, 5.0].into_iter();
        let samples = held_out(errors.map(|error| TargetPrediction::Number {
            value: 10.0 + error,
            interval: None,
        }));
        let folds = ["1", "1", "2", "2"].map(str::to_owned);
        let column = column(None, vec![10.0; 4]);
        let judged = at_levels(&[column], &samples, &folds, &[0.8]);
        let width = |row: usize| match &judged[0].samples[row].predictions[0] {
            TargetPrediction::Number {
                interval: Some((low, high)),
                ..
            } => high - low,
            other => panic!("{other:?}"),
        };
        assert_eq!([width(0), width(3)], [10.0, 2.0]);
    }

    #[test]
    fn exchangeable_numbers_are_covered_as_promised() {
        let samples = held_out((0..1000).map(|row| TargetPrediction::Number {
            value: 10.0 + irregular(row),
            interval: None,
        }));
        let column = column(None, vec![10.0; 1000]);
        for judged in at_levels(&[column], &samples, &five_folds(1000), &[0.8, 0.95]) {
            let held = judged.samples.iter().filter(|s| match &s.predictions[0] {
                TargetPrediction::Number {
                    interval: Some((low, high)),
                    ..
                } => (*low..=*high).contains(&10.0),
                _ => false,
            });
            let (share, level) = (held.count() as f64 / 1000.0, judged.level);
            assert!((share - level).abs() < 0.02, "{share} of {level}");
        }
    }

    #[test]
    fn exchangeable_classes_are_covered_as_promised() {
        // The true class has the largest of three probabilities in half of the samples.
        let (mut values, mut predictions) = (Vec::new(), Vec::new());
        for row in 0..1500 {
            let actual = row % 3;
            let first = match irregular(row * 7 + 1) {
                draw if draw < 0.5 => actual,
                draw if draw < 0.8 => (actual + 1) % 3,
                _ => (actual + 2) % 3,
            };
            let sure = 0.4 + 0.5 * irregular(row * 3 + 2);
            let mut probabilities = vec![(1.0 - sure) * 0.4; 3];
            probabilities[(first + 1) % 3] = (1.0 - sure) * 0.6;
            probabilities[first] = sure;
            values.push(actual as f64);
            predictions.push(TargetPrediction::classes(probabilities));
        }
        let samples = held_out(predictions.into_iter());
        let column = column(Some(3), values.clone());
        let mut sizes = Vec::new();
        for judged in at_levels(&[column], &samples, &five_folds(1500), &[0.7, 0.9]) {
            let (mut held, mut size) = (0.0, 0.0);
            for sample in &judged.samples {
                let TargetPrediction::Classes { set: Some(set), .. } = &sample.predictions[0]
                else {
                    panic!("no set: {sample:?}");
                };
                held += f64::from(set.contains(&(values[sample.row] as usize)));
                size += set.len() as f64;
            }
            let (share, level) = (held / 1500.0, judged.level);
            assert!((share - level).abs() < 0.03, "{share} of {level}");
            sizes.push(size);
        }
        assert!(sizes[0] < sizes[1], "{sizes:?}");
    }
}
