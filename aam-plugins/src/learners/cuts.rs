//! Where a node is split: at the threshold of the column that explains most.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::columns::Column;

/// The rules by which trees are grown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Maximum number of leaves; if there is a limit, the best split is made first.
    pub(super) leaves: usize,
    /// Maximum depth of a leaf.
    pub(super) depth: usize,
    /// Minimum number of samples in a leaf.
    pub(super) least: usize,
    /// Number of columns tried at each split, not counting those that are constant there.
    pub(super) tried: usize,
    /// Whether a column is split at one random threshold instead of the best (Geurts, Ernst & Wehenkel,
    /// *Extremely randomized trees*, Machine Learning 2006).
    pub(super) random: bool,
    /// Added to the weight of a leaf.
    pub(super) penalty: f64,
}

/// The contributions of samples to a leaf: its value is the sum of their pulls over that of their weights.
#[derive(Clone, Copy)]
pub(super) struct Pulls<'a> {
    /// Pulls, `[samples, outputs]`.
    pub(super) sums: &'a [f64],
    /// Weights, `[samples]`.
    pub(super) weights: &'a [f64],
    /// Number of outputs.
    pub(super) outputs: usize,
}

/// Summed pulls and weight of some samples, `[outputs + 1]`, and the number of samples.
#[derive(Clone)]
pub(super) struct Total {
    pub(super) sums: Vec<f64>,
    samples: usize,
}

impl Total {
    pub(super) fn none(outputs: usize) -> Self {
        Self {
            sums: vec![0.0; outputs + 1],
            samples: 0,
        }
    }

    pub(super) fn add(&mut self, pulls: &Pulls<'_>, sample: usize) {
        let start = sample * pulls.outputs;
        let own = pulls.sums[start..start + pulls.outputs].iter();
        for (sum, pull) in self
            .sums
            .iter_mut()
            .zip(own.chain([&pulls.weights[sample]]))
        {
            *sum += pull;
        }
        self.samples += 1;
    }

    fn add_all(&mut self, sums: &[f64], samples: usize) {
        self.sums.iter_mut().zip(sums).for_each(|(a, b)| *a += b);
        self.samples += samples;
    }

    /// How much a leaf of these samples explains: `|Σ pulls|² / (Σ weights + penalty)`.
    pub(super) fn explains(&self, penalty: f64) -> f64 {
        let (weight, pulls) = self.sums.split_last().unwrap_or((&0.0, &[]));
        pulls.iter().map(|pull| pull * pull).sum::<f64>() / (weight + penalty).max(1e-12)
    }

    /// How much a leaf of the other samples in `all` explains.
    fn rest_explains(&self, all: &Self, penalty: f64) -> f64 {
        let outputs = self.sums.len() - 1;
        let pulls = self.sums[..outputs].iter().zip(&all.sums);
        let squares: f64 = pulls.map(|(own, all)| (all - own).powi(2)).sum();
        squares / (all.sums[outputs] - self.sums[outputs] + penalty).max(1e-12)
    }
}

/// A split of a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) gain: f64,
    pub(super) column: u32,
    pub(super) threshold: f32,
}

/// The data for searching splits.
#[derive(Clone, Copy)]
pub(super) struct Search<'a> {
    pub(super) columns: &'a [Column],
    pub(super) pulls: Pulls<'a>,
    pub(super) rules: Rules,
}

/// The result of searching a column.
pub(super) enum Found {
    /// All samples have the same value.
    Constant,
    /// The best split, if one gives leaves of sufficient size.
    Cut(Option<Cut>),
}

/// The split with the larger gain; the first of ties.
pub(super) fn better(best: Option<Cut>, cut: Option<Cut>) -> Option<Cut> {
    match (best, cut) {
        (Some(best), Some(cut)) if cut.gain > best.gain => Some(cut),
        (Some(best), _) => Some(best),
        (None, cut) => cut,
    }
}

/// Summed pulls and weights of the samples in each bin; a buffer that is reused.
#[derive(Default)]
pub(super) struct Bins {
    sums: Vec<f64>,
    samples: Vec<usize>,
    /// Samples sorted by bin, for nodes with few samples.
    few: Vec<(u8, u32)>,
}

impl Search<'_> {
    /// The gain of splitting the samples of `first` from the others of `total`, if both are enough for
    /// a leaf.
    fn gain(&self, first: &Total, total: &Total) -> Option<f64> {
        let (least, penalty) = (self.rules.least.max(1), self.rules.penalty);
        let enough = first.samples >= least && total.samples - first.samples >= least;
        enough.then(|| {
            first.explains(penalty) + first.rest_explains(total, penalty) - total.explains(penalty)
        })
    }

    /// The best split of a column.
    pub(super) fn best_cut(
        &self,
        samples: &[u32],
        total: &Total,
        column: u32,
        bins: &mut Bins,
    ) -> Found {
        let own = &self.columns[column as usize];
        match samples.len() * 4 < own.bounds.len() {
            true => self.cut_of_few(samples, total, column, bins),
            false => self.cut_of_many(samples, total, column, bins),
        }
    }

    /// Finds the split by sorting the samples by bin.
    fn cut_of_few(&self, samples: &[u32], total: &Total, column: u32, bins: &mut Bins) -> Found {
        let own = &self.columns[column as usize];
        bins.few.clear();
        let pairs = samples
            .iter()
            .map(|&sample| (own.bins[sample as usize], sample));
        bins.few.extend(pairs);
        bins.few.sort_unstable();
        let mut scan = Scan::new(self, total, column);
        for alike in bins.few.chunk_by(|a, b| a.0 == b.0) {
            scan.reach(alike[0].0);
            for &(_, sample) in alike {
                scan.first.add(&self.pulls, sample as usize);
            }
        }
        scan.found()
    }

    /// Finds the split by summing the samples of each bin.
    fn cut_of_many(&self, samples: &[u32], total: &Total, column: u32, bins: &mut Bins) -> Found {
        let own = &self.columns[column as usize];
        let outputs = self.pulls.outputs;
        let width = outputs + 1;
        bins.sums.clear();
        bins.sums.resize(own.bounds.len() * width, 0.0);
        bins.samples.clear();
        bins.samples.resize(own.bounds.len(), 0);
        for &sample in samples {
            let sample = sample as usize;
            let bin = own.bins[sample] as usize;
            let sums = &mut bins.sums[bin * width..(bin + 1) * width];
            let pulls = &self.pulls.sums[sample * outputs..(sample + 1) * outputs];
            sums.iter_mut()
                .zip(pulls)
                .for_each(|(sum, pull)| *sum += pull);
            sums[outputs] += self.pulls.weights[sample];
            bins.samples[bin] += 1;
        }
        let mut scan = Scan::new(self, total, column);
        let all = bins
            .samples
            .iter()
            .zip(bins.sums.chunks(width))
            .zip(0u8..=255);
        for ((&samples, sums), bin) in all {
            if samples > 0 {
                scan.reach(bin);
                scan.first.add_all(sums, samples);
            }
        }
        scan.found()
    }

    /// A random threshold between the smallest and the largest value.
    pub(super) fn random_cut(
        &self,
        samples: &[u32],
        total: &Total,
        column: u32,
        rng: &mut ChaCha8Rng,
    ) -> Found {
        let values = &self.columns[column as usize].values;
        let own = samples.iter().map(|&sample| values[sample as usize]);
        let (low, high) = own.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        if low >= high {
            return Found::Constant;
        }
        let drawn = low + rng.random::<f32>() * (high - low);
        let threshold = if drawn < high { drawn } else { low };
        let mut first = Total::none(self.pulls.outputs);
        for &sample in samples {
            if values[sample as usize] <= threshold {
                first.add(&self.pulls, sample as usize);
            }
        }
        Found::Cut(self.gain(&first, total).map(|gain| Cut {
            gain,
            column,
            threshold,
        }))
    }
}

/// Scans a column bin by bin.
struct Scan<'a> {
    search: &'a Search<'a>,
    total: &'a Total,
    column: u32,
    /// Sums over the bins so far.
    first: Total,
    bin: Option<u8>,
    best: Option<(f64, u8, u8)>,
    constant: bool,
}

impl<'a> Scan<'a> {
    fn new(search: &'a Search<'a>, total: &'a Total, column: u32) -> Self {
        Self {
            search,
            total,
            column,
            first: Total::none(search.pulls.outputs),
            bin: None,
            best: None,
            constant: true,
        }
    }

    /// Moves on to the next bin with samples.
    fn reach(&mut self, bin: u8) {
        if let Some(before) = self.bin.replace(bin) {
            self.constant = false;
            if let Some(gain) = self.search.gain(&self.first, self.total)
                && self.best.is_none_or(|best| gain > best.0)
            {
                self.best = Some((gain, before, bin));
            }
        }
    }

    fn found(self) -> Found {
        match self.constant {
            true => Found::Constant,
            false => Found::Cut(self.best.map(|(gain, low, high)| Cut {
                gain,
                column: self.column,
                threshold: self.search.columns[self.column as usize].between(low, high),
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::learners::columns::columns;
    use crate::learners::known::{RULES, value};

    #[test]
    fn few_and_many_samples_are_split_alike() {
        let values = Array2::from_shape_fn((60, 1), |(i, _)| value(i * 3));
        let columns = columns(&values, 255);
        let truth: Vec<f64> = (0..60).map(|i| f64::from(value(i * 7))).collect();
        let pulls = Pulls {
            sums: &truth,
            weights: &[1.0; 60],
            outputs: 1,
        };
        let search = Search {
            columns: &columns,
            pulls,
            rules: RULES,
        };
        let samples: Vec<u32> = (0..60).collect();
        let mut total = Total::none(1);
        samples
            .iter()
            .for_each(|&sample| total.add(&pulls, sample as usize));
        let mut bins = Bins::default();
        let few = search.cut_of_few(&samples, &total, 0, &mut bins);
        let many = search.cut_of_many(&samples, &total, 0, &mut bins);
        match (few, many) {
            (Found::Cut(Some(few)), Found::Cut(Some(many))) => {
                assert_eq!(few.threshold, many.threshold);
                assert!((few.gain - many.gain).abs() < 1e-6);
            }
            _ => panic!("two cuts"),
        }
    }
}
