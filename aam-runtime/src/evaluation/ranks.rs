//! Figures that depend on the order of values only.

/// Spearman's correlation: Pearson's of the ranks, ties with their mean rank; not a number where
/// either side is constant.
pub fn spearman(pairs: &[(f64, f64)]) -> f64 {
    let first = ranks(pairs.iter().map(|pair| pair.0));
    let second = ranks(pairs.iter().map(|pair| pair.1));
    let mean = (pairs.len() as f64 + 1.0) / 2.0;
    let sum = |a: &[f64], b: &[f64]| -> f64 {
        let products = a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean));
        products.sum()
    };
    sum(&first, &second) / (sum(&first, &first) * sum(&second, &second)).sqrt()
}

/// Area under the ROC curve of `scores`, each with whether its sample is of the class: the
/// probability that one of the class scores higher than one that is not, ties counting half
/// (Mann and Whitney 1947). `None` where all or none are of the class.
pub fn auc(scores: &[(f64, bool)]) -> Option<f64> {
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

/// Ranks from 1, ties with the mean of theirs.
fn ranks(values: impl Iterator<Item = f64>) -> Vec<f64> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spearman_is_the_correlation_of_ranks() {
        let rho = spearman(&[(1.0, 1.0), (2.0, 8.0), (3.0, 27.0)]);
        assert!((rho - 1.0).abs() < 1e-12);
        // Without ties: 1 - 6 sum(d^2) / (n (n^2 - 1)), here with squares 1, 1, 4, 1, 1.
        let rho = spearman(&[(1.0, 2.0), (2.0, 1.0), (3.0, 5.0), (4.0, 3.0), (5.0, 4.0)]);
        let expected = 1.0 - 6.0 * (1.0 + 1.0 + 4.0 + 1.0 + 1.0) / (5.0 * 24.0);
        assert!((rho - expected).abs() < 1e-12, "{rho}");
        // Ranks 1.5, 1.5, 3 and 1, 2, 3: 1.5 / sqrt(1.5 * 2).
        let rho = spearman(&[(0.0, 1.0), (0.0, 2.0), (7.0, 3.0)]);
        assert!((rho - 1.5 / 3f64.sqrt()).abs() < 1e-12, "{rho}");
        assert!(spearman(&[(1.0, 1.0), (1.0, 2.0)]).is_nan());
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
        assert_eq!(auc(&scores), Some(4.5 / 6.0));
        assert_eq!(auc(&scores[..2]), None);
        assert_eq!(auc(&[(0.5, true), (0.5, false)]), Some(0.5));
    }
}
