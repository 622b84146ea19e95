//! The batches and the progress of an epoch.

use std::ops::Range;

use aam_api::exact;
use serde::{Deserialize, Serialize};

use aam_evaluation::metrics::Metric;

/// The batch ranges of an epoch of `rows` rows, of which the first `done` are complete. A last
/// batch with a single sample is merged with the one before it, because it would have no pair to
/// compare.
///
/// The remaining batches are those of the uninterrupted epoch, unless `size` has changed.
pub(super) fn batch_bounds(rows: usize, done: usize, size: usize) -> Vec<Range<usize>> {
    let size = size.clamp(1, rows.max(1));
    let mut bounds: Vec<_> = (done..rows)
        .step_by(size)
        .map(|start| start..(start + size).min(rows))
        .collect();
    if let [.., before, last] = bounds.as_mut_slice()
        && last.len() == 1
        && size > 1
    {
        before.end = last.end;
        bounds.pop();
    }
    bounds
}

/// The number of batches and updates of epochs.
pub(super) struct EpochLengths {
    /// Rows per epoch.
    pub rows: usize,
    /// Rows per batch.
    pub batch_size: usize,
    /// Batches per update.
    pub accumulated: usize,
}

impl EpochLengths {
    /// Remaining batches of an epoch of which `done` rows are complete.
    pub fn batches_left(&self, done: usize) -> usize {
        batch_bounds(self.rows, done, self.batch_size).len()
    }

    /// Remaining updates of such an epoch.
    pub fn updates_left(&self, done: usize) -> usize {
        self.batches_left(done).div_ceil(self.accumulated)
    }
}

/// The progress of an epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochProgress {
    /// Completed rows of its order; 0 before the epoch.
    pub rows: usize,
    /// Their losses.
    pub losses: Means,
}

/// Means of the batch losses, weighted by the number of samples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Means {
    names: Vec<String>,
    #[serde(with = "exact::list")]
    sums: Vec<f64>,
    #[serde(with = "exact")]
    samples: f64,
}

impl Means {
    /// Adds the losses of a batch.
    pub(super) fn add(&mut self, losses: &[Metric], samples: usize) {
        if self.names.is_empty() {
            self.names = losses.iter().map(|loss| loss.name.clone()).collect();
            self.sums = vec![0.0; losses.len()];
        }
        for (sum, loss) in self.sums.iter_mut().zip(losses) {
            *sum += loss.value * samples as f64;
        }
        self.samples += samples as f64;
    }

    /// The means.
    pub(super) fn means(&self) -> impl Iterator<Item = Metric> {
        let pairs = self.names.iter().zip(&self.sums);
        pairs.map(|(name, sum)| Metric {
            name: name.clone(),
            value: sum / self.samples,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_cover_every_row_and_none_has_a_single_row() {
        assert_eq!(batch_bounds(10, 0, 4), [0..4, 4..8, 8..10]);
        assert_eq!(batch_bounds(9, 0, 4), [0..4, 4..9]);
        assert_eq!(batch_bounds(3, 0, 8).first(), Some(&(0..3)));
        assert_eq!(batch_bounds(3, 0, 1), [0..1, 1..2, 2..3]);
    }

    #[test]
    fn remaining_batches_are_those_of_the_uninterrupted_epoch() {
        for rows in 1..30 {
            for size in 1..8 {
                let all = batch_bounds(rows, 0, size);
                for (number, batch) in all.iter().enumerate() {
                    assert_eq!(batch_bounds(rows, batch.start, size), all[number..]);
                }
                assert!(batch_bounds(rows, rows, size).is_empty());
            }
        }
    }
}
