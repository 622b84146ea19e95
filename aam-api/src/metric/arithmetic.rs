//! Arithmetic shared by several metrics.

use std::collections::BTreeMap;

/// Moments of predicted and actual numbers.
///
/// They are updated as in Welford (1962) and Chan et al. (1983), so that no precision is lost when
/// values are large compared with their spread.
#[derive(Clone, Debug, Default)]
pub struct Moments {
    count: f64,
    mean_predicted: f64,
    mean_actual: f64,
    predicted_squares: f64,
    actual_squares: f64,
    products: f64,
}

impl Moments {
    /// Adds a pair.
    pub fn add(&mut self, predicted: f64, actual: f64) {
        self.count += 1.0;
        let from_predicted = predicted - self.mean_predicted;
        let from_actual = actual - self.mean_actual;
        self.mean_predicted += from_predicted / self.count;
        self.mean_actual += from_actual / self.count;
        self.predicted_squares += from_predicted * (predicted - self.mean_predicted);
        self.actual_squares += from_actual * (actual - self.mean_actual);
        self.products += from_predicted * (actual - self.mean_actual);
    }

    /// Adds the pairs of `other`.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0.0 {
            return;
        }
        let count = self.count + other.count;
        let from_predicted = other.mean_predicted - self.mean_predicted;
        let from_actual = other.mean_actual - self.mean_actual;
        let share = other.count / count;
        let between = self.count * share;
        self.mean_predicted += from_predicted * share;
        self.mean_actual += from_actual * share;
        self.predicted_squares += other.predicted_squares + from_predicted.powi(2) * between;
        self.actual_squares += other.actual_squares + from_actual.powi(2) * between;
        self.products += other.products + from_predicted * from_actual * between;
        self.count = count;
    }

    /// Sum of the squared deviations of the actual numbers from their mean.
    pub fn actual_squares(&self) -> f64 {
        self.actual_squares
    }

    /// Pearson's correlation; NaN if either side is constant.
    pub fn correlation(&self) -> f64 {
        let squares = (self.predicted_squares, self.actual_squares);
        // Rounding may push it slightly beyond ±1.
        (self.products / geometric_mean(squares)).clamp(-1.0, 1.0)
    }

    /// Standard deviation of the predicted numbers over that of the actual ones.
    pub fn spread(&self) -> f64 {
        (self.predicted_squares / self.actual_squares).sqrt()
    }
}

/// `√(a b)`, also if the product overflows or underflows.
fn geometric_mean((a, b): (f64, f64)) -> f64 {
    match (a * b).sqrt() {
        mean if mean.is_normal() => mean,
        _ => a.sqrt() * b.sqrt(),
    }
}

/// A confusion matrix: how often samples of each class are predicted as each class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    /// Per class: samples of the class that are predicted as it, samples of the class, and samples
    /// predicted as it.
    of: Vec<[u64; 3]>,
    /// How often one class is predicted as another, where that happens: for a thousand classes, a table
    /// of all pairs would have a million entries.
    mistakes: BTreeMap<(usize, usize), u64>,
}

impl Confusion {
    /// An empty matrix of `classes` classes.
    pub fn new(classes: usize) -> Self {
        Self {
            of: vec![[0; 3]; classes],
            mistakes: BTreeMap::new(),
        }
    }

    /// Adds a sample with the predicted probabilities of its classes.
    pub fn add(&mut self, probabilities: &[f64], actual: usize) {
        let predicted = argmax(probabilities);
        self.of[actual][1] += 1;
        self.of[predicted][2] += 1;
        match actual == predicted {
            true => self.of[actual][0] += 1,
            false => *self.mistakes.entry((actual, predicted)).or_default() += 1,
        }
    }

    /// Adds the samples of `other`, which has the same classes.
    pub fn merge(&mut self, other: &Self) {
        for (own, other) in self.of.iter_mut().zip(&other.of) {
            own.iter_mut()
                .zip(other)
                .for_each(|(own, other)| *own += other);
        }
        for (pair, count) in &other.mistakes {
            *self.mistakes.entry(*pair).or_default() += count;
        }
    }

    /// How often each class (row) was predicted as each class (column).
    pub fn counts(&self) -> Vec<Vec<u64>> {
        let classes = self.of.len();
        let mut counts = vec![vec![0; classes]; classes];
        for (class, [hits, ..]) in self.of.iter().enumerate() {
            counts[class][class] = *hits;
        }
        for (&(actual, predicted), &count) in &self.mistakes {
            counts[actual][predicted] = count;
        }
        counts
    }

    /// Number of samples.
    pub fn total(&self) -> f64 {
        self.of.iter().map(|[_, actual, _]| actual).sum::<u64>() as f64
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.of.len()
    }

    /// Samples of `class` that are predicted as it.
    pub fn hits(&self, class: usize) -> f64 {
        self.of[class][0] as f64
    }

    /// Samples of `class`.
    pub fn actual(&self, class: usize) -> f64 {
        self.of[class][1] as f64
    }

    /// Samples predicted as `class`.
    pub fn predicted(&self, class: usize) -> f64 {
        self.of[class][2] as f64
    }
}

/// Index of the largest value; the first one of ties.
pub fn argmax(values: &[f64]) -> usize {
    let mut best = 0;
    for (position, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = position;
        }
    }
    best
}

/// Ranks from 1; ties share the mean of their ranks.
pub fn ranks(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let values: Vec<f64> = values.collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = before as f64 + (tied.len() as f64 + 1.0) / 2.0;
        for &place in tied {
            ranks[place] = rank;
        }
        before += tied.len();
    }
    ranks
}

/// Area under the ROC curve of `scores`, each paired with whether its sample is in the class: the
/// probability that a sample of the class scores higher than one outside it, with ties counting half
/// (Mann and Whitney 1947). `None` if all or none are in the class.
pub fn area_under_curve(scores: &[(f64, bool)]) -> Option<f64> {
    let positive = scores.iter().filter(|(_, of_class)| *of_class).count() as f64;
    let negative = scores.len() as f64 - positive;
    if positive == 0.0 || negative == 0.0 {
        return None;
    }
    let ranks = ranks(scores.iter().map(|(score, _)| *score));
    let of_class = ranks.iter().zip(scores).filter(|(_, (_, of))| *of);
    let sum: f64 = of_class.map(|(rank, _)| rank).sum();
    Some((sum - positive * (positive + 1.0) / 2.0) / (positive * negative))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_far_from_zero_loses_no_digits() {
        let mut moments = Moments::default();
        let mut shifted = Moments::default();
        for i in 0..10 {
            let y = f64::from(i);
            moments.add(1e9 + y, 1e9 + y);
            shifted.add(y, y);
        }
        assert!((moments.correlation() - 1.0).abs() < 1e-9);
        assert!((moments.actual_squares() - shifted.actual_squares()).abs() < 1e-6);
    }

    #[test]
    fn a_correlation_never_exceeds_1_and_handles_large_numbers() {
        for scale in [1.0, 1e-150, 1e120, 1.0 / 3.0] {
            for count in 2..200 {
                let mut moments = Moments::default();
                for i in 0..count {
                    let value = f64::from(i).sqrt() * scale;
                    moments.add(value, value * 0.1);
                }
                let found = moments.correlation();
                assert!((0.999..=1.0).contains(&found), "{count} {scale}: {found}");
            }
        }
    }

    #[test]
    fn confusions_between_classes_are_counted() {
        let of = |samples: &[([f64; 3], usize)]| {
            let mut confusion = Confusion::new(3);
            let samples = samples.iter();
            samples.for_each(|(probabilities, actual)| confusion.add(probabilities, *actual));
            confusion
        };
        let samples = [
            ([0.8, 0.1, 0.1], 0),
            ([0.1, 0.7, 0.2], 0),
            ([0.1, 0.7, 0.2], 1),
            ([0.1, 0.7, 0.2], 0),
        ];
        let mut confusion = of(&samples[..2]);
        confusion.merge(&of(&samples[2..]));
        assert_eq!(confusion, of(&samples));
        assert_eq!(confusion.counts(), [[1, 2, 0], [0, 1, 0], [0, 0, 0]]);
        let of_first = (
            confusion.hits(0),
            confusion.actual(0),
            confusion.predicted(0),
        );
        assert_eq!(of_first, (1.0, 3.0, 1.0));
        assert_eq!((confusion.predicted(1), confusion.total()), (3.0, 4.0));
    }

    #[test]
    fn merging_is_adding() {
        let pairs = |i: u32| (f64::from(i * i % 7), f64::from(i));
        let of = |range: std::ops::Range<u32>| {
            let mut moments = Moments::default();
            range.map(pairs).for_each(|(p, a)| moments.add(p, a));
            moments
        };
        let mut merged = Moments::default();
        merged.merge(&of(0..4));
        merged.merge(&of(4..4));
        merged.merge(&of(4..20));
        let whole = of(0..20);
        assert!((merged.correlation() - whole.correlation()).abs() < 1e-12);
        assert!((merged.spread() - whole.spread()).abs() < 1e-12);
        assert!((merged.actual_squares() - whole.actual_squares()).abs() < 1e-9);
    }

    #[test]
    fn auc_counts_pairs_in_order() {
        let scores = [
            (0.9, true),
            (0.4, true),
            (0.5, false),
            (0.4, false),
            (0.1, false),
        ];
        // Of 6 pairs, the first positive wins 3; the second wins one, ties one and loses one.
        assert_eq!(area_under_curve(&scores), Some(4.5 / 6.0));
        assert_eq!(area_under_curve(&scores[..2]), None);
        assert_eq!(area_under_curve(&[(0.5, true), (0.5, false)]), Some(0.5));
    }
}
