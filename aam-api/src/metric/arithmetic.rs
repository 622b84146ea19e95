//! What several metrics are computed from.

/// Moments of predicted and actual numbers.
///
/// They are updated as by Welford (1962) and Chan et al. (1983), so that nothing is lost when
/// values are large against their spread.
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

    /// Sum of the squared differences of the actual numbers from their mean.
    pub fn actual_squares(&self) -> f64 {
        self.actual_squares
    }

    /// Pearson's correlation; not a number where either side is constant.
    pub fn correlation(&self) -> f64 {
        self.products / (self.predicted_squares * self.actual_squares).sqrt()
    }

    /// Standard deviation of the predicted numbers over that of the actual ones.
    pub fn spread(&self) -> f64 {
        (self.predicted_squares / self.actual_squares).sqrt()
    }
}

/// How often each class is predicted as each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    /// `counts[actual][predicted]`.
    counts: Vec<Vec<u64>>,
}

impl Confusion {
    /// Of `classes` classes.
    pub fn new(classes: usize) -> Self {
        Self {
            counts: vec![vec![0; classes]; classes],
        }
    }

    /// Adds a sample by the probabilities of its classes.
    pub fn add(&mut self, probabilities: &[f64], actual: usize) {
        self.counts[actual][argmax(probabilities)] += 1;
    }

    /// Adds the samples of `other`, of the same classes.
    pub fn merge(&mut self, other: &Self) {
        let rows = self.counts.iter_mut().zip(&other.counts);
        let cells = rows.flat_map(|(own, other)| own.iter_mut().zip(other));
        cells.for_each(|(own, other)| *own += other);
    }

    /// How often each class (a row) was predicted as each class.
    pub fn counts(&self) -> &[Vec<u64>] {
        &self.counts
    }

    /// Number of samples.
    pub fn total(&self) -> f64 {
        self.counts.iter().flatten().sum::<u64>() as f64
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.counts.len()
    }

    /// Samples of `class` that are predicted as it.
    pub fn hits(&self, class: usize) -> f64 {
        self.counts[class][class] as f64
    }

    /// Samples of `class`.
    pub fn actual(&self, class: usize) -> f64 {
        self.counts[class].iter().sum::<u64>() as f64
    }

    /// Samples that are predicted as `class`.
    pub fn predicted(&self, class: usize) -> f64 {
        self.counts.iter().map(|row| row[class]).sum::<u64>() as f64
    }
}

/// Position of the largest value; the first of equals.
pub fn argmax(values: &[f64]) -> usize {
    let mut best = 0;
    for (position, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = position;
        }
    }
    best
}

/// Ranks from 1, ties with the mean of theirs.
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

/// Area under the ROC curve of `scores`, each with whether its sample is of the class: the
/// probability that one of the class scores higher than one that is not, ties counting half
/// (Mann and Whitney 1947). `None` where all or none are of the class.
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
        // Of 6 pairs: 3 for the first; for the second one above, one tie, one below.
        assert_eq!(area_under_curve(&scores), Some(4.5 / 6.0));
        assert_eq!(area_under_curve(&scores[..2]), None);
        assert_eq!(area_under_curve(&[(0.5, true), (0.5, false)]), Some(0.5));
    }
}
