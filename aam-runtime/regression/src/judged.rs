//! The samples used to choose a penalty.

use ndarray::{Array2, Axis};
use rand::Rng;
use rand::seq::index::sample;

/// Maximum number of samples used to choose settings, which requires many fits.
const MOST_JUDGED: usize = 1000;

/// Samples whose held-out predictions are compared with the true values.
pub struct Judged {
    /// Their indices among the training samples, ascending.
    pub rows: Vec<usize>,
    /// The fold of each sample.
    pub folds: Vec<usize>,
    /// The true values, `[samples, outputs]`.
    pub truth: Array2<f64>,
}

impl Judged {
    /// All samples with these `folds` and this `truth`, `[samples, outputs]`; a random subset of
    /// 1000 if there are more.
    pub fn of(folds: &[usize], truth: &Array2<f64>, random: &mut impl Rng) -> Self {
        let rows = drawn(folds.len(), MOST_JUDGED, random);
        Self {
            folds: rows.iter().map(|row| folds[*row]).collect(),
            truth: truth.select(Axis(0), &rows),
            rows,
        }
    }

    /// For each fold, the indices of its training samples and of its held-out samples; neither is
    /// empty.
    pub fn splits(&self) -> Vec<(Vec<usize>, Vec<usize>)> {
        let last = self.folds.iter().max().map_or(0, |fold| fold + 1);
        let split = |fold| (0..self.folds.len()).partition(|place| self.folds[*place] != fold);
        let splits = (0..last).map(split);
        splits
            .filter(|(learned, others): &(Vec<usize>, Vec<usize>)| {
                !learned.is_empty() && !others.is_empty()
            })
            .collect()
    }
}

/// The ascending indices of a random subset of `most` of `all` samples; all of them if there are no
/// more.
pub fn drawn(all: usize, most: usize, random: &mut impl Rng) -> Vec<usize> {
    if all <= most {
        return (0..all).collect();
    }
    let mut rows = sample(random, all, most).into_vec();
    rows.sort_unstable();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

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
