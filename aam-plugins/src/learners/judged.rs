//! The samples by which a learner chooses its settings, and those it learns from.

use aam_api::{LearnerTarget, SampleFeatures, TrainingSamples};
use ndarray::{Array2, Axis};
use rand::seq::index::sample;

use super::draws::stream;

/// Most samples by which settings are chosen, which takes many fits.
const MOST_JUDGED: usize = 1000;
/// Most samples that are learnt from in terms of all pairs of them.
const MOST_LEARNT: usize = 5000;

/// Samples whose held-out predictions are compared with the truth.
pub(super) struct Judged {
    /// Their places among the training samples, ascending.
    pub(super) rows: Vec<usize>,
    /// The fold of each.
    pub(super) folds: Vec<usize>,
    /// What is true of them, `[samples, outputs]`.
    pub(super) truth: Array2<f64>,
}

impl Judged {
    /// All samples, or 1000 of more, drawn.
    pub(super) fn of(samples: &TrainingSamples<'_>, truth: &Array2<f64>) -> Self {
        let rows = drawn(samples, MOST_JUDGED, "judged");
        Self {
            folds: rows.iter().map(|row| samples.folds[*row]).collect(),
            truth: truth.select(Axis(0), &rows),
            rows,
        }
    }

    /// For each fold, places of samples to learn from and of others to judge; none is empty.
    pub(super) fn splits(&self) -> Vec<(Vec<usize>, Vec<usize>)> {
        let last = self.folds.iter().max().map_or(0, |fold| fold + 1);
        let split = |fold| (0..self.folds.len()).partition(|place| self.folds[*place] != fold);
        let splits = (0..last).map(split);
        splits
            .filter(|(learnt, others): &(Vec<usize>, Vec<usize>)| {
                !learnt.is_empty() && !others.is_empty()
            })
            .collect()
    }
}

/// Calls `fit` with the samples, or with 5000 of more, drawn: there are products of all pairs.
pub(super) fn with_products<T>(
    samples: &TrainingSamples<'_>,
    fit: impl FnOnce(&TrainingSamples<'_>) -> T,
) -> T {
    if samples.folds.len() <= MOST_LEARNT {
        return fit(samples);
    }
    let rows = drawn(samples, MOST_LEARNT, "learnt");
    let features: SampleFeatures = samples.features.select(&rows);
    let folds: Vec<usize> = rows.iter().map(|row| samples.folds[*row]).collect();
    let few = |target| {
        fit(&TrainingSamples::new(
            &features,
            target,
            &folds,
            samples.seed,
        ))
    };
    match samples.target {
        LearnerTarget::Numbers(values) => {
            let values: Vec<f64> = rows.iter().map(|row| values[*row]).collect();
            few(LearnerTarget::Numbers(&values))
        }
        LearnerTarget::Classes { of, number } => {
            let of: Vec<usize> = rows.iter().map(|row| of[*row]).collect();
            few(LearnerTarget::Classes { of: &of, number })
        }
    }
}

fn drawn(samples: &TrainingSamples<'_>, most: usize, name: &str) -> Vec<usize> {
    let all = samples.folds.len();
    if all <= most {
        return (0..all).collect();
    }
    let mut rows = sample(&mut stream(samples.seed, name, 0), all, most).into_vec();
    rows.sort_unstable();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_samples_some_are_drawn() {
        let number = MOST_LEARNT + 10;
        let column = Array2::from_shape_fn((number, 1), |(row, _)| row as f32);
        let features = SampleFeatures::new(column.clone(), column, 1);
        let values: Vec<f64> = (0..number).map(|row| row as f64).collect();
        let folds: Vec<usize> = (0..number).map(|row| row % 3).collect();
        let target = LearnerTarget::Numbers(&values);
        let samples = TrainingSamples::new(&features, target, &folds, 1);
        with_products(&samples, |few| {
            assert_eq!(few.folds.len(), MOST_LEARNT);
            let LearnerTarget::Numbers(values) = few.target else {
                panic!("numbers");
            };
            let seen = few.features.shares.column(0);
            assert!(values.iter().zip(seen).all(|(a, b)| *a == f64::from(*b)));
        });
        let truth = Array2::zeros((number, 1));
        let judged = Judged::of(&samples, &truth);
        assert_eq!((judged.rows.len(), judged.splits().len()), (MOST_JUDGED, 3));
    }

    #[test]
    fn a_fold_that_is_all_or_nothing_is_left_out() {
        let of = |folds: &[usize]| Judged {
            rows: Vec::new(),
            folds: folds.to_vec(),
            truth: Array2::zeros((folds.len(), 1)),
        };
        assert!(of(&[]).splits().is_empty() && of(&[0, 0]).splits().is_empty());
        assert_eq!(
            of(&[2, 0, 2]).splits(),
            [(vec![0, 2], vec![1]), (vec![1], vec![0, 2])]
        );
    }
}
