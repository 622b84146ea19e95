//! Batches of samples, such as sequencing runs or studies, and what the samples of each have in common.
//!
//! A vector of a sample is centred by its batch: from it is subtracted how the batch differs from usual, `m −
//! u`, where `m` is the mean over the samples of the batch and `u` that over the training samples. The mean
//! of a few samples says more about these samples than about their batch, so the difference is shrunk by `n
//! / (n + 5)` for `n` samples, as a mean is whose prior is as informative as five samples. No target is looked
//! at, so a batch of new samples is centred by these samples alone.

use std::collections::HashMap;

use aam_core::DataError;
use aam_core::text::counted;
use aam_data::Metadata;

/// Number of samples whose information the prior of a batch's difference has.
const PRIOR: f64 = 5.0;

/// The batch of each sample of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batches {
    /// The batch of each row.
    of: Vec<usize>,
    /// Number of samples of each batch.
    sizes: Vec<usize>,
    /// Number of samples without a value, which form one batch.
    missing: usize,
}

/// How the batch of each sample of a table differs from usual.
#[derive(Clone, Debug, PartialEq)]
pub struct Offsets {
    /// The batch of each row.
    of: Vec<usize>,
    /// The difference of each batch.
    differences: Vec<Vec<f32>>,
}

impl Batches {
    /// Reads the batches of the samples `ids` in the column `name`.
    ///
    /// # Errors
    /// There is no such column.
    pub fn read(metadata: &Metadata, name: &str, ids: &[String]) -> Result<Self, DataError> {
        Ok(Self::of_values(&metadata.texts(name, ids)?))
    }

    fn of_values(values: &[Option<&str>]) -> Self {
        let mut known: HashMap<Option<&str>, usize> = HashMap::new();
        let mut sizes = Vec::new();
        let of = values.iter().map(|value| {
            let next = sizes.len();
            let batch = *known.entry(*value).or_insert(next);
            if batch == next {
                sizes.push(0);
            }
            sizes[batch] += 1;
            batch
        });
        Self {
            of: of.collect(),
            missing: values.iter().filter(|value| value.is_none()).count(),
            sizes,
        }
    }

    /// The batch of each sample.
    pub fn of(&self) -> &[usize] {
        &self.of
    }

    /// The number of batches of a single sample, and of all.
    pub fn of_one_sample(&self) -> (usize, usize) {
        let single = self.sizes.iter().filter(|size| **size == 1).count();
        (single, self.sizes.len())
    }

    /// A line on the number of batches and their sizes: `3 batches in 'run', of 10 to 30 samples`.
    pub fn described(&self, name: &str) -> String {
        let number = counted(self.sizes.len(), "batch");
        let (least, most) = (self.sizes.iter().min(), self.sizes.iter().max());
        let sizes = match (least, most) {
            (Some(least), Some(most)) if least < most => format!(", of {least} to {most} samples"),
            (Some(each), _) => format!(", of {}", counted(*each, "sample")),
            _ => String::new(),
        };
        let missing = match self.missing {
            0 => String::new(),
            1 => "; 1 sample without a value forms one".to_owned(),
            missing => format!("; {missing} samples without a value form one"),
        };
        format!("{number} in '{}'{sizes}{missing}", name.trim())
    }

    /// How each batch differs from `usual`, `[width]`, given the `values` of samples, `[samples, width]`, and
    /// the row of each in the table. Batches without such samples do not differ.
    pub fn offsets<'a>(
        &self,
        values: impl Iterator<Item = (usize, &'a [f32])>,
        usual: &[f32],
    ) -> Offsets {
        let mut sums = vec![vec![0f64; usual.len()]; self.sizes.len()];
        let mut counts = vec![0usize; self.sizes.len()];
        for (row, values) in values {
            let batch = self.of[row];
            counts[batch] += 1;
            for (sum, value) in sums[batch].iter_mut().zip(values) {
                *sum += f64::from(*value);
            }
        }
        let differences = sums.into_iter().zip(counts).map(|(sums, count)| {
            let count = count as f64;
            let shrunk = count / (count + PRIOR);
            let sums = sums.into_iter().zip(usual);
            let differences = sums.map(|(sum, usual)| match count > 0.0 {
                true => (shrunk * (sum / count - f64::from(*usual))) as f32,
                false => 0.0,
            });
            differences.collect()
        });
        Offsets {
            of: self.of.clone(),
            differences: differences.collect(),
        }
    }
}

impl Offsets {
    /// The difference of the batch of the sample at `row`.
    pub fn at(&self, row: usize) -> &[f32] {
        &self.differences[self.of[row]]
    }

    /// The differences for the samples at `rows`, which may contain duplicates.
    #[must_use]
    pub fn of_rows(&self, rows: &[usize]) -> Self {
        Self {
            of: rows.iter().map(|&row| self.of[row]).collect(),
            differences: self.differences.clone(),
        }
    }
}

/// The mean of `values`, `[samples, width]`.
pub fn usual<'a>(values: impl Iterator<Item = &'a [f32]>, width: usize) -> Vec<f32> {
    let mut sums = vec![0f64; width];
    let mut samples = 0usize;
    for values in values {
        samples += 1;
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += f64::from(*value);
        }
    }
    let means = sums.into_iter().map(|sum| sum / samples.max(1) as f64);
    means.map(|mean| mean as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_of_batches_are_shrunk_by_their_sizes() {
        let batches = Batches::of_values(&[Some("a"), Some("b"), Some("a"), None, Some("b")]);
        assert_eq!(batches.of(), [0, 1, 0, 2, 1]);
        assert_eq!(
            batches.described("run"),
            "3 batches in 'run', of 1 to 2 samples; 1 sample without a value forms one"
        );
        let values = [[1.0f32, 0.0], [9.0, 0.0], [3.0, 7.0], [5.0, 5.0]];
        let rows = [0usize, 1, 2, 3];
        let all = || values.iter().map(<[f32; 2]>::as_slice);
        let usual = usual(all(), 2);
        assert_eq!(usual, [4.5, 3.0]);
        let offsets = batches.offsets(rows.into_iter().zip(all()), &usual);
        let expected = [
            // The mean of the batch `a` is (2, 3.5).
            [-2.5 * 2.0 / 7.0, 0.5 * 2.0 / 7.0],
            // Of the batch `b`, one sample has values.
            [4.5 / 6.0, -3.0 / 6.0],
        ];
        for (row, expected) in [(0, expected[0]), (2, expected[0]), (4, expected[1])] {
            let found = offsets.at(row).iter().zip(expected);
            for (found, expected) in found {
                assert!((found - expected).abs() < 1e-6, "{row}");
            }
        }
        assert_eq!(offsets.of_rows(&[4, 4, 0]).at(1), offsets.at(1));
        assert_eq!(offsets.of_rows(&[4, 4, 0]).at(2), offsets.at(0));
    }

    #[test]
    fn batches_without_values_do_not_differ() {
        let batches = Batches::of_values(&[Some("a"), Some("b")]);
        let offsets = batches.offsets([(0usize, &[2.0f32][..])].into_iter(), &[1.0]);
        assert_eq!(offsets.at(1), [0.0]);
        assert!(usual(std::iter::empty(), 0).is_empty());
    }
}
