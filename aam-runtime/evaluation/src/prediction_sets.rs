//! Sets of classes that contain the true class with a given probability.
//!
//! Split-conformal prediction with least ambiguous sets (Sadinle, Lei & Wasserman 2019): a class is
//! in the set of a sample if 1 minus its probability does not exceed a threshold, which is the
//! appropriate quantile of 1 minus the probabilities of the true classes of held-out samples. If a
//! new sample is exchangeable with these, its set contains its class with at least the requested
//! probability.

use aam_api::metric::argmax;
use serde::{Deserialize, Serialize};

use crate::conformal::rank;
use crate::results::{HeldOut, RawColumn, TargetPrediction};

/// Nonconformity scores of held-out samples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Doubts {
    /// 1 minus the probability of the true class, in ascending order.
    sizes: Vec<f64>,
}

impl Doubts {
    /// The scores of the predictions of `target` for `samples`, whose probabilities are first changed
    /// by `calibrate`; none for numbers.
    pub fn of<'a>(
        column: &RawColumn,
        target: usize,
        samples: impl IntoIterator<Item = &'a HeldOut>,
        calibrate: impl Fn(&[f64]) -> Vec<f64>,
    ) -> Self {
        let sizes = samples
            .into_iter()
            .filter_map(|sample| match sample.predictions.get(target) {
                Some(TargetPrediction::Classes { probabilities, .. }) => {
                    let actual = column.values[sample.row] as usize;
                    Some(1.0 - calibrate(probabilities)[actual])
                }
                _ => None,
            });
        let mut sizes: Vec<f64> = sizes.filter(|size| size.is_finite()).collect();
        sizes.sort_unstable_by(f64::total_cmp);
        Self { sizes }
    }

    /// The classes that contain the true one with probability `level`, the most probable first. The
    /// most probable class is always included, and all classes are if there are too few samples to
    /// exclude one.
    fn set(&self, probabilities: &[f64], level: f64) -> Vec<usize> {
        let place = rank(self.sizes.len(), level).saturating_sub(1);
        let most = self.sizes.get(place).copied().unwrap_or(f64::INFINITY);
        let likeliest = argmax(probabilities);
        let mut set: Vec<usize> = (0..probabilities.len())
            .filter(|&class| class == likeliest || 1.0 - probabilities[class] <= most)
            .collect();
        set.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        set
    }

    /// Gives class probabilities their set at `level`, unless there are no held-out samples.
    pub fn add_set(&self, prediction: &mut TargetPrediction, level: f64) {
        if let TargetPrediction::Classes { probabilities, set } = prediction
            && !self.sizes.is_empty()
        {
            *set = Some(self.set(probabilities, level));
        }
    }

    /// Whether a checkpoint may contain it: sorted probabilities.
    pub fn is_sound(&self) -> bool {
        let mut sizes = self.sizes.iter();
        sizes.all(|size| (-1e-6..=1.0 + 1e-6).contains(size)) && self.sizes.is_sorted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The scores of samples of class 0 with these probabilities of it.
    fn doubts(of_true_class: &[f64]) -> Doubts {
        let column = RawColumn {
            name: "site".to_owned(),
            classes: Some(["a", "b"].map(str::to_owned).to_vec()),
            values: vec![0.0; of_true_class.len()],
        };
        let samples = of_true_class.iter().enumerate();
        let samples: Vec<HeldOut> = samples
            .map(|(row, p)| HeldOut {
                row,
                predictions: vec![TargetPrediction::classes(vec![*p, 1.0 - p])],
            })
            .collect();
        Doubts::of(&column, 0, &samples, <[f64]>::to_vec)
    }

    #[test]
    fn the_threshold_matches_theory() {
        // With 9 samples, the ⌈10 · 0.8⌉ = 8th largest probability of the true class, 0.2, gives a
        // set that contains the class of a tenth sample with 80 % probability.
        let doubts = doubts(&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);
        assert_eq!(doubts.set(&[0.15, 0.25, 0.6], 0.8), [2, 1]);
        assert_eq!(doubts.set(&[0.15, 0.25, 0.6], 0.5), [2]);
        // Nine samples cannot guarantee 95 %.
        assert_eq!(doubts.set(&[0.15, 0.25, 0.6], 0.95), [2, 1, 0]);
    }

    #[test]
    fn the_most_probable_class_is_always_included() {
        let doubts = doubts(&[0.99; 20]);
        assert_eq!(doubts.set(&[0.4, 0.35, 0.25], 0.8), [0]);
        let mut number = TargetPrediction::Number {
            value: 1.0,
            interval: None,
        };
        let before = number.clone();
        doubts.add_set(&mut number, 0.8);
        assert_eq!(number, before);
        let mut classes = TargetPrediction::classes(vec![0.4, 0.6]);
        Doubts::default().add_set(&mut classes, 0.8);
        assert_eq!(classes, TargetPrediction::classes(vec![0.4, 0.6]));
    }
}
