//! Predicted and actual values of the validation samples, for plots.

use aam_api::metric::Confusion;

use super::results::{HeldOut, RawColumn, TargetPrediction};

/// Maximum number of points; of more, every n-th is kept.
const MOST_POINTS: usize = 1000;

/// Predicted and actual values of one quantity.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// Whether it is a target, or the distances between samples.
    pub of: Of,
    /// Name of the target's column or of the pre-training quantity.
    pub name: String,
    /// The predictions.
    pub values: Values,
    every: usize,
    seen: usize,
}

/// The kind of quantity predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// A target of fine-tuning.
    Target,
    /// Distances between samples, or the diversity of each.
    Base,
}

/// Predicted and actual values.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Actual and predicted numbers, at most a thousand pairs.
    Numbers(Vec<(f64, f64)>),
    /// Class names, and how often each class (row) is predicted as each (column).
    Classes(Vec<String>, Vec<Vec<u64>>),
}

impl Compared {
    /// For `expected` distances between samples.
    pub fn distances(name: &str, expected: usize) -> Self {
        Self::new(Of::Base, name, expected)
    }

    /// For one number for each of `expected` samples.
    pub fn numbers(name: &str, expected: usize) -> Self {
        Self::new(Of::Base, name, expected)
    }

    fn new(of: Of, name: &str, expected: usize) -> Self {
        Self {
            of,
            name: name.to_owned(),
            values: Values::Numbers(Vec::with_capacity(expected.min(MOST_POINTS))),
            every: expected.div_ceil(MOST_POINTS).max(1),
            seen: 0,
        }
    }

    /// Adds a pair of numbers, unless there are already enough.
    pub fn add(&mut self, actual: f64, predicted: f64) {
        if let Values::Numbers(pairs) = &mut self.values
            && self.seen.is_multiple_of(self.every)
        {
            pairs.push((actual, predicted));
        }
        self.seen += 1;
    }
}

/// Predictions of `targets` for `samples`.
pub fn of_targets(targets: &[RawColumn], samples: &[HeldOut]) -> Vec<Compared> {
    let compared = targets.iter().enumerate().map(|(target, column)| {
        let mut compared = Compared::new(Of::Target, &column.name, samples.len());
        let mut all = column
            .classes
            .as_ref()
            .map(|classes| Confusion::new(classes.len()));
        for sample in samples {
            let actual = column.values[sample.row];
            match (&sample.predictions[target], &mut all) {
                (TargetPrediction::Number { value, .. }, _) => compared.add(actual, *value),
                (TargetPrediction::Classes { probabilities, .. }, Some(all)) => {
                    all.add(probabilities, actual as usize);
                }
                (TargetPrediction::Classes { .. }, None) => {}
            }
        }
        if let (Some(classes), Some(all)) = (&column.classes, all) {
            compared.values = Values::Classes(classes.clone(), all.counts());
        }
        compared
    });
    compared.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_pairs_every_nth_is_kept() {
        let mut compared = Compared::distances("UniFrac", 2500);
        for i in 0..2500 {
            compared.add(f64::from(i), 0.0);
        }
        let Values::Numbers(pairs) = compared.values else {
            panic!("no numbers");
        };
        assert_eq!(pairs.len(), 834);
        assert_eq!(pairs[1].0, 3.0);
    }
}
