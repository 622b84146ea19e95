//! Predicted and actual values of the validation samples, for plots.

use aam_api::metric::Confusion;

use super::results::{HeldOut, RawColumn, TargetPrediction};

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
    /// Actual and predicted numbers, at most as many pairs as are kept for plots.
    Numbers(Vec<(f64, f64)>),
    /// Class names, and how often each class (row) is predicted as each (column).
    Classes(Vec<String>, Vec<Vec<u64>>),
}

impl Compared {
    /// For `expected` distances between samples or numbers of samples, of which at most `most` are
    /// kept: if there are more, every n-th.
    pub fn of_base(name: &str, expected: usize, most: usize) -> Self {
        Self::new(Of::Base, name, expected, most)
    }

    fn new(of: Of, name: &str, expected: usize, most: usize) -> Self {
        let most = most.max(1);
        Self {
            of,
            name: name.to_owned(),
            values: Values::Numbers(Vec::with_capacity(expected.min(most))),
            every: expected.div_ceil(most).max(1),
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

/// Predictions of `targets` for `samples`; of numbers, at most `most` are kept.
pub fn of_targets(targets: &[RawColumn], samples: &[HeldOut], most: usize) -> Vec<Compared> {
    let compared = targets.iter().enumerate().map(|(target, column)| {
        let mut compared = Compared::new(Of::Target, &column.name, samples.len(), most);
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
        for (most, kept, second) in [(1000, 834, 3.0), (2500, 2500, 1.0), (10, 10, 250.0)] {
            let mut compared = Compared::of_base("UniFrac", 2500, most);
            for i in 0..2500 {
                compared.add(f64::from(i), 0.0);
            }
            let Values::Numbers(pairs) = compared.values else {
                panic!("no numbers");
            };
            assert_eq!((pairs.len(), pairs[1].0), (kept, second));
        }
    }
}
