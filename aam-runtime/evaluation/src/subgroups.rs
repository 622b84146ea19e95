//! Whether some samples are predicted worse than the others: errors of subgroups with bootstrap
//! intervals, and tests against the remaining samples that are corrected for their number.

use std::collections::BTreeMap;

use aam_core::random::stream;
use rand::RngExt;

use crate::differential::benjamini_hochberg;
use crate::distribution::quantile;

/// A division of samples into subgroups.
#[derive(Clone, Copy, Debug)]
pub struct Division<'a> {
    /// What divides them.
    pub by: &'a str,
    /// The value of each sample, if any.
    pub of: &'a [Option<String>],
}

/// Minimum number of samples of a subgroup, and of the others, for an interval.
pub const FEWEST: usize = 10;
/// Minimum number of units that are drawn for an interval: samples, or groups of samples.
const FEWEST_UNITS: usize = 5;
/// Number of bootstrap draws, which also limits how small a p-value can be.
const DRAWS: usize = 1000;
/// Largest q-value of a significant difference.
const SIGNIFICANT: f64 = 0.05;

/// The errors of some samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Subgroup {
    /// What the samples were divided by.
    pub by: String,
    /// The value that these samples share.
    pub name: String,
    /// Their number.
    pub samples: usize,
    /// Their mean error.
    pub error: f64,
    /// The 95 % bootstrap interval of their mean error.
    pub interval: Option<(f64, f64)>,
    /// The mean error of the other samples.
    pub of_others: f64,
    /// The p-value of a larger mean error than that of the others.
    pub p: Option<f64>,
    /// The same, adjusted for all subgroups.
    pub q: Option<f64>,
}

impl Subgroup {
    /// Whether the samples are predicted significantly worse than the others.
    pub fn is_worse(&self) -> bool {
        self.q.is_some_and(|q| q < SIGNIFICANT) && self.error > self.of_others
    }
}

/// The subgroups into which `divisions` divide samples with these `errors`, in order. `units` are the
/// groups of samples that are drawn together; a division that is the same is judged by its samples.
pub fn subgroups(
    divisions: &[Division<'_>],
    errors: &[f64],
    units: &[usize],
    seed: u64,
) -> Vec<Subgroup> {
    let mut all: Vec<Subgroup> = divisions
        .iter()
        .flat_map(|division| of_division(division, errors, units, seed))
        .collect();
    let known: Vec<Option<f64>> = all.iter().map(|of| of.p).collect();
    for (of, q) in all.iter_mut().zip(benjamini_hochberg(&known)) {
        of.q = q;
    }
    all
}

fn of_division(
    division: &Division<'_>,
    errors: &[f64],
    units: &[usize],
    seed: u64,
) -> Vec<Subgroup> {
    let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, value) in division.of.iter().enumerate() {
        let value = value.as_deref().unwrap_or("(no value)");
        members.entry(value).or_default().push(place);
    }
    let mut of = vec![0; errors.len()];
    for (subgroup, places) in members.values().enumerate() {
        places.iter().for_each(|&place| of[place] = subgroup);
    }
    let own: Vec<usize> = (0..errors.len()).collect();
    let units = match same_division(&of, units) {
        true => &own,
        false => units,
    };
    let draws = draws(&of, members.len(), errors, units, division.by, seed);
    let sum: f64 = errors.iter().sum();
    let found = members
        .iter()
        .enumerate()
        .map(|(subgroup, (name, places))| {
            let samples = places.len();
            let own: f64 = places.iter().map(|&place| errors[place]).sum();
            let others = errors.len() - samples;
            let enough = |is_own: bool| enough(&of, units, subgroup, is_own);
            let is_tested = enough(true) && enough(false);
            let test = is_tested.then(|| test(&draws, subgroup)).flatten();
            Subgroup {
                by: division.by.to_owned(),
                name: (*name).to_owned(),
                samples,
                error: own / samples as f64,
                interval: test.map(|(interval, _)| interval),
                of_others: (sum - own) / others.max(1) as f64,
                p: test.map(|(_, p)| p),
                q: None,
            }
        });
    found.collect()
}

/// Whether two divisions of the samples are the same.
fn same_division(one: &[usize], other: &[usize]) -> bool {
    let mut pairs: Vec<(usize, usize)> = one.iter().copied().zip(other.iter().copied()).collect();
    let count = |mut values: Vec<usize>| {
        values.sort_unstable();
        values.dedup();
        values.len()
    };
    pairs.sort_unstable();
    pairs.dedup();
    pairs.len() == count(one.to_vec()) && pairs.len() == count(other.to_vec())
}

/// Whether there are enough samples and units in `subgroup`, or in the others.
fn enough(of: &[usize], units: &[usize], subgroup: usize, is_own: bool) -> bool {
    let chosen = of.iter().zip(units);
    let chosen = chosen.filter(|(of, _)| (**of == subgroup) == is_own);
    let mut units: Vec<usize> = chosen.map(|(_, &unit)| unit).collect();
    let samples = units.len();
    units.sort_unstable();
    units.dedup();
    samples >= FEWEST && units.len() >= FEWEST_UNITS
}

/// The sum of the errors and the number of samples of every subgroup in each draw of units.
type Draws = Vec<Vec<(f64, f64)>>;

fn draws(
    of: &[usize],
    subgroups: usize,
    errors: &[f64],
    units: &[usize],
    name: &str,
    seed: u64,
) -> Draws {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (place, &unit) in units.iter().enumerate() {
        members.entry(unit).or_default().push(place);
    }
    let members: Vec<Vec<usize>> = members.into_values().collect();
    let mut random = stream(seed, &format!("errors by {name}"));
    let draws = (0..DRAWS).map(|_| {
        let mut sums = vec![(0.0, 0.0); subgroups];
        for _ in 0..members.len() {
            for &place in &members[random.random_range(0..members.len())] {
                let sum = &mut sums[of[place]];
                sum.0 += errors[place];
                sum.1 += 1.0;
            }
        }
        sums
    });
    draws.collect()
}

/// The interval of the mean error of `subgroup`, and the share of draws in which it is not larger than
/// that of the others. `None` if fewer than nine in ten draws have both.
fn test(draws: &Draws, subgroup: usize) -> Option<((f64, f64), f64)> {
    let (mut means, mut not_larger) = (Vec::with_capacity(draws.len()), 0usize);
    for sums in draws {
        let (own, number) = sums[subgroup];
        let (all, total) = sums
            .iter()
            .fold((0.0, 0.0), |all, of| (all.0 + of.0, all.1 + of.1));
        if number > 0.0 && total > number {
            let mean = own / number;
            not_larger += usize::from(mean <= (all - own) / (total - number));
            means.push(mean);
        }
    }
    if means.len() * 10 < draws.len() * 9 {
        return None;
    }
    means.sort_unstable_by(f64::total_cmp);
    let interval = (quantile(&means, 0.025), quantile(&means, 0.975));
    Some((interval, (1 + not_larger) as f64 / (1 + means.len()) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(of: impl Iterator<Item = &'static str>) -> Vec<Option<String>> {
        of.map(|value| Some(value.to_owned())).collect()
    }

    fn by(of: &[Option<String>]) -> [Division<'_>; 1] {
        [Division { by: "site", of }]
    }

    #[test]
    fn the_worse_samples_are_found_and_small_subgroups_are_not_judged() {
        let site = |place: usize| match place {
            0..30 => "gut",
            30..60 => "skin",
            _ => "soil",
        };
        let errors: Vec<f64> = (0..65)
            .map(|place| (place % 3) as f64 * 0.1 + if site(place) == "skin" { 1.0 } else { 0.2 })
            .collect();
        let units: Vec<usize> = (0..65).collect();
        let sites = values((0..65).map(site));
        let found = subgroups(&by(&sites), &errors, &units, 1);
        let [gut, skin, soil] = &found[..] else {
            panic!("{found:?}");
        };
        assert!(skin.is_worse() && !gut.is_worse() && !soil.is_worse());
        assert!((skin.error - 1.1).abs() < 1e-9 && skin.of_others < 0.4);
        let (low, high) = skin.interval.unwrap();
        assert!(low < 1.1 && 1.1 < high && high - low < 0.1, "{low} {high}");
        assert_eq!((soil.samples, soil.interval, soil.q), (5, None, None));
        assert_eq!(found, subgroups(&by(&sites), &errors, &units, 1));
    }

    #[test]
    fn samples_of_few_groups_are_not_judged_by_their_number() {
        let site = |place: usize| ["gut", "skin"][place / 20];
        let errors: Vec<f64> = (0..40).map(|place| (place / 20) as f64).collect();
        // Two subjects at each site, with ten samples each.
        let subjects: Vec<usize> = (0..40).map(|place| place / 10).collect();
        let sites = values((0..40).map(site));
        let found = subgroups(&by(&sites), &errors, &subjects, 1);
        assert!(found.iter().all(|of| of.p.is_none()), "{found:?}");
        // Of the subjects themselves, the samples are drawn.
        let of = values((0..40).map(|place| ["a", "b", "c", "d"][place / 10]));
        let found = subgroups(&by(&of), &errors, &subjects, 1);
        assert!(found.iter().all(|of| of.p.is_some()), "{found:?}");
    }
}
