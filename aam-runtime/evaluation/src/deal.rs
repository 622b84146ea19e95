//! Assignment of whole groups to parts.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// The order in which groups are assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Random: any group may go to any part.
    Random,
    /// Largest first, which makes the parts most similar.
    Largest,
}

/// What the parts are to have their shares of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// The samples of each class.
    Classes,
    /// The samples of each class, and all samples together: where groups have few classes, parts that
    /// balance only classes may differ widely in size.
    ClassesAndSizes,
}

/// Assigns each group to a part, so that the parts have the given `shares` of all samples and of
/// every class of `labels`; `of` is the group of each sample.
///
/// Each group goes to the part that minimises the squared differences between requested and actual
/// shares, summed over what is in `balance` and over parts, as `StratifiedGroupKFold` of scikit-learn
/// does for classes. If there are as many groups as parts, no part stays empty.
pub fn deal(
    of: &[usize],
    groups: usize,
    labels: Option<&[usize]>,
    shares: &[f64],
    (order, balance): (Order, Balance),
    rng: &mut ChaCha8Rng,
) -> Vec<usize> {
    let classes = labels.map_or(1, |labels| labels.iter().max().map_or(1, |most| most + 1));
    let mut counts = vec![vec![0.0; classes]; groups];
    let mut totals = vec![0.0; classes];
    for (sample, &group) in of.iter().enumerate() {
        let class = labels.map_or(0, |labels| labels[sample]);
        counts[group][class] += 1.0;
        totals[class] += 1.0;
    }
    if balance == Balance::ClassesAndSizes {
        // All samples count as one more class.
        for counts in counts.iter_mut().chain([&mut totals]) {
            counts.push(counts.iter().sum());
        }
    }
    let classes = totals.len();
    let size = |group: usize| counts[group].iter().sum::<f64>();
    let mut sequence: Vec<usize> = (0..groups).collect();
    sequence.shuffle(rng);
    if order == Order::Largest {
        // The sort is stable: groups of equal size stay in random order.
        sequence.sort_by(|&a, &b| size(b).total_cmp(&size(a)));
    }
    let mut reached = vec![vec![0.0; classes]; shares.len()];
    let mut parts = vec![0; groups];
    let mut filled = vec![false; shares.len()];
    for (place, &group) in sequence.iter().enumerate() {
        let left = groups - place;
        let empty = filled.iter().filter(|filled| !**filled).count();
        let change = |part: usize| -> f64 {
            let classes = totals.iter().enumerate().filter(|(_, total)| **total > 0.0);
            classes
                .map(|(class, total)| {
                    let before = reached[part][class] / total - shares[part];
                    let after = before + counts[group][class] / total;
                    after * after - before * before
                })
                .sum()
        };
        let open = |part: &usize| left > empty || !filled[*part];
        let best = (0..shares.len())
            .filter(open)
            .min_by(|&a, &b| change(a).total_cmp(&change(b)))
            .unwrap_or(0);
        for (reached, count) in reached[best].iter_mut().zip(&counts[group]) {
            *reached += count;
        }
        filled[best] = true;
        parts[group] = best;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use aam_core::random::stream;

    #[test]
    fn parts_have_their_shares_of_samples_and_classes() {
        let of: Vec<usize> = (0..200).map(|sample| sample / 5).collect();
        let labels: Vec<usize> = (0..200)
            .map(|sample| usize::from(sample / 5 % 4 == 0))
            .collect();
        let rng = &mut stream(1, "test");
        let by = (Order::Largest, Balance::Classes);
        let parts = deal(&of, 40, Some(&labels), &[0.2; 5], by, rng);
        for part in 0..5 {
            let samples: Vec<usize> = (0..200).filter(|&s| parts[of[s]] == part).collect();
            let ones = samples.iter().filter(|&&s| labels[s] == 1).count();
            assert_eq!((samples.len(), ones), (40, 10));
        }
    }

    #[test]
    fn parts_of_groups_with_one_class_each_are_of_similar_size() {
        // Seven groups of one class and eight of another, in five parts.
        let of: Vec<usize> = (0..150).map(|sample| sample / 10).collect();
        let labels: Vec<usize> = of.iter().map(|&group| usize::from(group >= 7)).collect();
        let largest = |balance| {
            let rng = &mut stream(1, "test");
            let by = (Order::Largest, balance);
            let parts = deal(&of, 15, Some(&labels), &[0.2; 5], by, rng);
            let size = |part: usize| of.iter().filter(|&&group| parts[group] == part).count();
            (0..5).map(size).max()
        };
        assert_eq!(largest(Balance::Classes), Some(40));
        assert_eq!(largest(Balance::ClassesAndSizes), Some(30));
    }

    #[test]
    fn no_part_is_empty_and_any_group_may_be_held_out() {
        let mut held_out = [false; 3];
        for seed in 0..40 {
            let rng = &mut stream(seed, "test");
            let parts = deal(
                &[0, 0, 1, 1, 2, 2, 2],
                3,
                None,
                &[0.8, 0.2],
                (Order::Random, Balance::Classes),
                rng,
            );
            let validation: Vec<usize> = (0..3).filter(|&group| parts[group] == 1).collect();
            assert_eq!(validation.len(), 1);
            held_out[validation[0]] = true;
        }
        assert_eq!(held_out, [true; 3]);
    }
}
