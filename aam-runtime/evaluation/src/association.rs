//! Measures of association between metadata columns.

use std::collections::{BTreeMap, HashMap};

/// Adjusted share of the variance of `numbers` explained by groups, 1 − (1 − η²) (n − 1) / (n − k);
/// 0 if undefined. Samples without a group are ignored.
pub fn variance_explained<T: Ord>(groups: &[Option<T>], numbers: &[f64]) -> f64 {
    let mut members: BTreeMap<&T, Vec<f64>> = BTreeMap::new();
    for (group, number) in groups.iter().zip(numbers) {
        if let Some(group) = group {
            members.entry(group).or_default().push(*number);
        }
    }
    let all: Vec<f64> = members.values().flatten().copied().collect();
    let (n, k) = (all.len() as f64, members.len() as f64);
    let within: f64 = members.values().map(|numbers| squares(numbers)).sum();
    let share = 1.0 - within / squares(&all) * (n - 1.0) / (n - k);
    match share.is_finite() {
        true => share,
        false => 0.0,
    }
}

/// Sum of squared deviations from the mean.
fn squares(numbers: &[f64]) -> f64 {
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    numbers.iter().map(|number| (number - mean).powi(2)).sum()
}

/// Bias-corrected Cramér's V of two columns of groups (Bergsma 2013): 0 if they are independent, 1
/// if each determines the other. Samples that lack either value are ignored.
pub fn cramers_v(ours: &[Option<usize>], theirs: &[Option<usize>]) -> f64 {
    let mut both: HashMap<(usize, usize), f64> = HashMap::new();
    let (mut rows, mut columns) = (HashMap::new(), HashMap::new());
    let mut n = 0.0;
    for pair in ours.iter().zip(theirs) {
        if let (Some(row), Some(column)) = pair {
            *both.entry((*row, *column)).or_default() += 1.0;
            *rows.entry(*row).or_insert(0.0) += 1.0;
            *columns.entry(*column).or_insert(0.0) += 1.0;
            n += 1.0;
        }
    }
    // Sorted, so that sums do not depend on the order of the map.
    let mut cells: Vec<(&(usize, usize), &f64)> = both.iter().collect();
    cells.sort_unstable_by_key(|(pair, _)| **pair);
    let phi_squared: f64 = cells
        .into_iter()
        .map(|((row, column), count)| count * count / (rows[row] * columns[column]))
        .sum::<f64>()
        - 1.0;
    let (r, k) = (rows.len() as f64, columns.len() as f64);
    let corrected = (phi_squared - (r - 1.0) * (k - 1.0) / (n - 1.0)).max(0.0);
    let fewer = |number: f64| number - (number - 1.0).powi(2) / (n - 1.0);
    let v = (corrected / (fewer(r).min(fewer(k)) - 1.0)).sqrt();
    match v.is_finite() {
        true => v.min(1.0),
        false => 0.0,
    }
}

/// Ranks of `numbers` from 1; ties get their mean rank.
pub fn ranks(numbers: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]));
    let mut ranks = vec![0.0; numbers.len()];
    let mut begin = 0;
    for alike in order.chunk_by(|&a, &b| numbers[a] == numbers[b]) {
        let rank = begin as f64 + (alike.len() + 1) as f64 / 2.0;
        alike.iter().for_each(|&place| ranks[place] = rank);
        begin += alike.len();
    }
    ranks
}

/// Spearman's rank correlation of two columns of numbers; 0 if one is constant.
pub fn rank_correlation(ours: &[f64], theirs: &[f64]) -> f64 {
    let (x, y) = (ranks(ours), ranks(theirs));
    let mean = (ours.len() + 1) as f64 / 2.0;
    let product: f64 = x.iter().zip(&y).map(|(x, y)| (x - mean) * (y - mean)).sum();
    let correlation = product / (squares(&x) * squares(&y)).sqrt();
    match correlation.is_finite() {
        true => correlation.clamp(-1.0, 1.0),
        false => 0.0,
    }
}

/// Among samples whose group has several members, the share that have their group's most common
/// class, with the number of these samples. `None` if no group has several members.
pub fn agreement(groups: &[Option<usize>], classes: &[Option<usize>]) -> Option<(f64, usize)> {
    let mut members: HashMap<usize, HashMap<usize, usize>> = HashMap::new();
    for pair in groups.iter().zip(classes) {
        if let (Some(group), Some(class)) = pair {
            *members
                .entry(*group)
                .or_default()
                .entry(*class)
                .or_default() += 1;
        }
    }
    let (mut agreeing, mut samples) = (0, 0);
    for classes in members.values() {
        let size: usize = classes.values().sum();
        if size > 1 {
            samples += size;
            agreeing += classes.values().max().copied().unwrap_or(0);
        }
    }
    (samples > 0).then(|| (agreeing as f64 / samples as f64, samples))
}

/// Whether the ranges of `numbers` of the classes do not overlap.
pub fn ranges_apart(numbers: &[Option<f64>], classes: &[Option<usize>]) -> bool {
    let pairs = numbers.iter().zip(classes);
    let mut pairs: Vec<(f64, usize)> = pairs.filter_map(|(n, c)| Some(((*n)?, (*c)?))).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut seen = Vec::new();
    let mut last: Option<(f64, usize)> = None;
    for &(number, class) in &pairs {
        match last {
            Some((_, before)) if before == class => {}
            // A number shared by two classes, or a class that recurs.
            Some((same, _)) if same == number => return false,
            _ if seen.contains(&class) => return false,
            _ => seen.push(class),
        }
        last = Some((number, class));
    }
    seen.len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(of: &[usize]) -> Vec<Option<usize>> {
        of.iter().map(|&group| Some(group)).collect()
    }

    #[test]
    fn groups_explain_what_differs_between_them() {
        let numbers = [1.0, 1.0, 5.0, 5.0, 9.0];
        let groups = [Some("a"), Some("a"), Some("b"), Some("b"), None];
        assert_eq!(variance_explained(&groups, &numbers), 1.0);
        let mixed = [Some("a"), Some("b"), Some("a"), Some("b"), None];
        assert!(variance_explained(&mixed, &numbers) < 0.0);
        assert_eq!(variance_explained(&groups, &[1.0; 5]), 0.0);
    }

    #[test]
    fn equivalent_columns_have_a_v_of_one_and_independent_ones_zero() {
        let ours = some(&[0, 1].repeat(20));
        assert!((cramers_v(&ours, &ours) - 1.0).abs() < 1e-9);
        assert_eq!(cramers_v(&ours, &some(&[0, 0, 1, 1].repeat(10))), 0.0);
        assert_eq!(cramers_v(&ours, &some(&[3; 40])), 0.0);
        // With as many groups as samples, chance alone explains everything.
        let own: Vec<usize> = (0..40).collect();
        assert_eq!(cramers_v(&ours, &some(&own)), 0.0);
        assert_eq!(cramers_v(&[], &[]), 0.0);
    }

    #[test]
    fn ranks_agree_whatever_the_scale() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
        let cubes = [1.0, 8.0, 27.0, 64.0];
        assert_eq!(rank_correlation(&[1.0, 2.0, 3.0, 4.0], &cubes), 1.0);
        assert_eq!(rank_correlation(&[4.0, 3.0, 2.0, 1.0], &cubes), -1.0);
        assert_eq!(rank_correlation(&[1.0; 4], &cubes), 0.0);
    }

    #[test]
    fn samples_of_a_group_agree_or_not() {
        let groups = some(&[0, 0, 1, 1, 2]);
        assert_eq!(agreement(&groups, &some(&[5, 5, 6, 6, 6])), Some((1.0, 4)));
        assert_eq!(agreement(&groups, &some(&[5, 6, 6, 6, 6])), Some((0.75, 4)));
        assert_eq!(agreement(&some(&[0, 1, 2]), &some(&[1, 1, 1])), None);
    }

    #[test]
    fn ranges_of_numbers_lie_apart_or_overlap() {
        let numbers = [1.0, 2.0, 3.0, 4.0].map(Some);
        assert!(ranges_apart(&numbers, &some(&[1, 1, 0, 0])));
        assert!(!ranges_apart(&numbers, &some(&[1, 0, 1, 0])));
        assert!(!ranges_apart(&[Some(1.0), Some(1.0)], &some(&[0, 1])));
        assert!(!ranges_apart(&numbers, &some(&[1; 4])));
    }
}
