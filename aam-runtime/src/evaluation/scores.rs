//! Whole-set figures of predictions beside actual values.

use super::ranks::{auc, spearman};
use crate::train::inference::TargetPrediction;
use crate::train::metrics::{Classification, Metric, Regression};
use crate::train::targets::RawColumn;

/// A sample that was held out, and what is predicted of it.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldOut {
    /// Row of the table.
    pub row: usize,
    /// One prediction per target.
    pub predictions: Vec<TargetPrediction>,
}

/// Figures of every target: of numbers `r2`, `mae`, `rmse`, `pearson` and `spearman`; of classes
/// `accuracy`, `balanced_accuracy`, `f1`, `log_loss` and `auc` (the mean over the classes of the
/// area under the ROC curve of one against all others); of intervals `interval_coverage` and
/// `interval_width` (the mean). Of several targets each begins with the target's name and a colon.
pub fn scores(targets: &[RawColumn], samples: &[&HeldOut]) -> Vec<Metric> {
    let mut metrics = Vec::new();
    for (t, column) in targets.iter().enumerate() {
        let prefix = match targets.len() {
            1 => String::new(),
            _ => format!("{}:", column.name),
        };
        let named = |name: &str, value: f64| Metric {
            name: format!("{prefix}{name}"),
            value,
        };
        match &column.classes {
            Some(classes) => {
                let (all, auc) = of_classes(column, classes.len(), t, samples);
                metrics.extend(all.metrics(&prefix));
                metrics.push(named("auc", auc));
            }
            None => {
                let mut regression = Regression::default();
                let mut pairs = Vec::with_capacity(samples.len());
                let mut intervals = Intervals::default();
                for sample in samples {
                    let actual = column.values[sample.row];
                    if let TargetPrediction::Number { value, interval } = &sample.predictions[t] {
                        regression.add(*value, actual);
                        pairs.push((*value, actual));
                        intervals.add(*interval, actual);
                    }
                }
                metrics.extend(regression.metrics(&prefix));
                metrics.push(named("spearman", spearman(&pairs)));
                if intervals.number > 0.0 {
                    let share = intervals.inside / intervals.number;
                    metrics.push(named("interval_coverage", share));
                    metrics.push(named("interval_width", intervals.width / intervals.number));
                }
            }
        }
    }
    metrics
}

#[derive(Default)]
struct Intervals {
    number: f64,
    inside: f64,
    width: f64,
}

impl Intervals {
    fn add(&mut self, interval: Option<(f64, f64)>, actual: f64) {
        if let Some((low, high)) = interval {
            self.number += 1.0;
            self.inside += f64::from(low <= actual && actual <= high);
            self.width += high - low;
        }
    }
}

/// Figures by the predicted class, and the mean over classes of the area under the curve.
fn of_classes(
    column: &RawColumn,
    classes: usize,
    target: usize,
    samples: &[&HeldOut],
) -> (Classification, f64) {
    let mut all = Classification::new(classes);
    let mut of_class: Vec<Vec<(f64, bool)>> = vec![Vec::with_capacity(samples.len()); classes];
    for sample in samples {
        let actual = column.values[sample.row] as usize;
        if let TargetPrediction::Classes(probabilities) = &sample.predictions[target] {
            all.add(probabilities, actual);
            for (class, p) in probabilities.iter().enumerate() {
                of_class[class].push((*p, class == actual));
            }
        }
    }
    let areas: Vec<f64> = of_class.iter().filter_map(|scores| auc(scores)).collect();
    (all, areas.iter().sum::<f64>() / areas.len() as f64)
}

/// How often the class of each row is predicted as that of each column, of one target.
pub fn confusion(column: &RawColumn, target: usize, samples: &[HeldOut]) -> Option<Vec<Vec<u64>>> {
    let classes = column.classes.as_ref()?.len();
    let samples: Vec<&HeldOut> = samples.iter().collect();
    let (all, _) = of_classes(column, classes, target, &samples);
    Some(all.confusion().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(metrics: &[Metric], name: &str) -> f64 {
        metrics.iter().find(|m| m.name == name).unwrap().value
    }

    #[test]
    fn intervals_are_counted_and_measured() {
        let column = RawColumn {
            name: "age".to_owned(),
            classes: None,
            values: vec![1.0, 2.0, 3.0, 4.0],
        };
        let sample = |row: usize, value: f64, low: f64, high: f64| HeldOut {
            row,
            predictions: vec![TargetPrediction::Number {
                value,
                interval: Some((low, high)),
            }],
        };
        let samples = [
            sample(0, 1.5, 1.0, 2.0),
            sample(1, 2.0, 1.0, 4.0),
            sample(3, 3.0, 2.5, 3.5),
        ];
        let samples: Vec<&HeldOut> = samples.iter().collect();
        let metrics = scores(&[column], &samples);
        assert!((value(&metrics, "interval_coverage") - 2.0 / 3.0).abs() < 1e-12);
        assert!((value(&metrics, "interval_width") - 5.0 / 3.0).abs() < 1e-12);
        assert!((value(&metrics, "spearman") - 1.0).abs() < 1e-12);
        assert!((value(&metrics, "mae") - 0.5).abs() < 1e-12);
    }

    #[test]
    fn classes_have_areas_and_a_confusion_matrix() {
        let column = RawColumn {
            name: "site".to_owned(),
            classes: Some(["a", "b", "c"].map(str::to_owned).to_vec()),
            values: vec![0.0, 1.0, 1.0, 0.0],
        };
        let sample = |row: usize, p: [f64; 3]| HeldOut {
            row,
            predictions: vec![TargetPrediction::Classes(p.to_vec())],
        };
        let samples = [
            sample(0, [0.7, 0.2, 0.1]),
            sample(1, [0.5, 0.4, 0.1]),
            sample(2, [0.1, 0.8, 0.1]),
            sample(3, [0.3, 0.5, 0.2]),
        ];
        let references: Vec<&HeldOut> = samples.iter().collect();
        let metrics = scores(std::slice::from_ref(&column), &references);
        // Both classes that occur: 3 of 4 pairs in order for each; c occurs nowhere.
        assert!((value(&metrics, "auc") - 0.75).abs() < 1e-12);
        let matrix = confusion(&column, 0, &samples).unwrap();
        assert_eq!(matrix, [[1, 1, 0], [1, 1, 0], [0, 0, 0]]);
    }
}
