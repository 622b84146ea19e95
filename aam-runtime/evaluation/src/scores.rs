//! Metrics of a whole set of predictions and actual values.

use aam_api::PluginError;
use aam_api::metric::{Confusion, MetricContext, Sample, Scores};

use crate::metrics::Metric;
use crate::results::{HeldOut, RawColumn, TargetPrediction};

/// The metrics of every target, ready to be computed for any set of samples.
#[derive(Clone, Debug)]
pub struct Scorer<'a> {
    targets: &'a [RawColumn],
    /// Initial states without samples, one per target.
    begun: Vec<Scores>,
}

impl<'a> Scorer<'a> {
    /// The linked metrics that apply to `targets`.
    ///
    /// # Errors
    /// Two metrics have the same name, or one cannot be built.
    pub fn new(targets: &'a [RawColumn]) -> Result<Self, PluginError> {
        let begin = |column: &RawColumn| {
            let classes = column.classes.as_ref().map_or(0, Vec::len);
            Scores::of(&MetricContext::new(classes))
        };
        Ok(Self {
            targets,
            begun: targets.iter().map(begin).collect::<Result<_, _>>()?,
        })
    }

    /// The metrics of every target, in the order of their descriptors. With several targets, names
    /// begin with the target's name and a colon.
    pub fn scores<'s>(&self, samples: impl IntoIterator<Item = &'s HeldOut>) -> Vec<Metric> {
        let mut scores = self.begun.clone();
        for sample in samples {
            let columns = self.targets.iter().zip(&sample.predictions);
            for (scores, (column, prediction)) in scores.iter_mut().zip(columns) {
                scores.add(&judged(prediction, column.values[sample.row]));
            }
        }
        let named = scores
            .iter()
            .zip(self.targets)
            .flat_map(|(scores, column)| {
                let prefix = match self.targets.len() {
                    1 => String::new(),
                    _ => format!("{}:", column.name),
                };
                scores.values().map(move |(name, value)| Metric {
                    name: format!("{prefix}{name}"),
                    value,
                })
            });
        named.collect()
    }
}

/// A prediction and its actual value.
fn judged(prediction: &TargetPrediction, actual: f64) -> Sample<'_> {
    match prediction {
        TargetPrediction::Number { value, interval } => Sample::number(*value, *interval, actual),
        TargetPrediction::Classes { probabilities, set } => {
            let sample = Sample::class(probabilities, actual as usize);
            match set {
                Some(set) => sample.with_set(set),
                None => sample,
            }
        }
    }
}

/// The confusion matrix of one target: how often the class of each row is predicted as that of each
/// column.
pub fn confusion(column: &RawColumn, target: usize, samples: &[HeldOut]) -> Option<Vec<Vec<u64>>> {
    let mut confusion = Confusion::new(column.classes.as_ref()?.len());
    for sample in samples {
        if let TargetPrediction::Classes { probabilities, .. } = &sample.predictions[target] {
            confusion.add(probabilities, column.values[sample.row] as usize);
        }
    }
    Some(confusion.counts())
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
        let targets = [column];
        let metrics = Scorer::new(&targets).unwrap().scores(&samples);
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
            predictions: vec![TargetPrediction::classes(p.to_vec())],
        };
        let samples = [
            sample(0, [0.7, 0.2, 0.1]),
            sample(1, [0.5, 0.4, 0.1]),
            sample(2, [0.1, 0.8, 0.1]),
            sample(3, [0.3, 0.5, 0.2]),
        ];
        let scorer = Scorer::new(std::slice::from_ref(&column)).unwrap();
        let metrics = scorer.scores(&samples);
        // Both classes that occur have 3 of 4 pairs in order; c does not occur.
        assert!((value(&metrics, "auc") - 0.75).abs() < 1e-12);
        let matrix = confusion(&column, 0, &samples).unwrap();
        assert_eq!(matrix, [[1, 1, 0], [1, 1, 0], [0, 0, 0]]);
    }
}
