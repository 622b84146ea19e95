//! Sequences that evolve along a tree.

use std::collections::HashSet;

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Gamma, Poisson};

use super::phylogeny::Phylogeny;

const BASES: [u8; 4] = *b"ACGT";
/// Base frequencies of A, C, G and T, close to those of bacterial 16S genes.
const FREQUENCIES: [f64; 4] = [0.25, 0.23, 0.31, 0.21];
/// The rate of A↔G and C↔T transitions relative to other substitutions.
const TRANSITIONS: f64 = 3.0;
/// Shape of the gamma distribution of rates among sites: below 1, most sites hardly change.
const RATE_SHAPE: f64 = 0.7;

/// The sequences of all nodes of `tree` (empty for inner nodes). Those of the tips are distinct.
///
/// Substitutions follow Hasegawa, Kishino and Yano 1985 with gamma-distributed rates among sites.
pub(super) fn evolve(tree: &Phylogeny, sites: usize, rng: &mut impl Rng) -> Vec<Box<str>> {
    let rates = site_rates(sites, rng);
    let substitution = Substitution::new();
    let mut sequences: Vec<Vec<u8>> = vec![Vec::new(); tree.root() + 1];
    sequences[tree.root()] = (0..sites).map(|_| pick(&FREQUENCIES, rng)).collect();
    for node in (0..tree.root()).rev() {
        let mut sequence = sequences[tree.parent[node] as usize].clone();
        for (base, rate) in sequence.iter_mut().zip(&rates) {
            substitution.evolve(base, rate * tree.length[node], rng);
        }
        sequences[node] = sequence;
    }
    let mut seen = HashSet::new();
    let mut names = Vec::with_capacity(sequences.len());
    for mut sequence in sequences.drain(..tree.tips()) {
        // ASVs differ by at least one base: lineages too young for that get additional changes.
        while !seen.insert(sequence.clone()) {
            let site = rng.random_range(0..sites);
            sequence[site] = (sequence[site] + rng.random_range(1..4)) % 4;
        }
        let letters: String = sequence
            .iter()
            .map(|&base| char::from(BASES[base as usize]))
            .collect();
        names.push(letters.into_boxed_str());
    }
    names.resize(tree.root() + 1, Box::from(""));
    names
}

/// Site rates with mean 1.
fn site_rates(sites: usize, rng: &mut impl Rng) -> Vec<f64> {
    let Ok(gamma) = Gamma::new(RATE_SHAPE, 1.0 / RATE_SHAPE) else {
        return vec![1.0; sites];
    };
    let rates: Vec<f64> = gamma.sample_iter(rng).take(sites).collect();
    let mean = rates.iter().sum::<f64>() / sites as f64;
    rates.iter().map(|rate| rate / mean).collect()
}

/// Draws an index with the given weights.
fn pick(weights: &[f64; 4], rng: &mut impl Rng) -> u8 {
    let mut left = rng.random::<f64>() * weights.iter().sum::<f64>();
    for (i, weight) in weights.iter().enumerate() {
        if left < *weight {
            return i as u8;
        }
        left -= weight;
    }
    3
}

/// Substitutions as events at a common rate, some of which change nothing.
struct Substitution {
    /// Events per unit of branch length.
    events: f64,
    /// The probabilities of the new base, for each old base.
    next: [[f64; 4]; 4],
}

impl Substitution {
    fn new() -> Self {
        let mut rates = [[0.0; 4]; 4];
        for (from, row) in rates.iter_mut().enumerate() {
            for (to, rate) in row.iter_mut().enumerate().filter(|(to, _)| *to != from) {
                let factor = if (from + to) % 2 == 0 {
                    TRANSITIONS
                } else {
                    1.0
                };
                *rate = FREQUENCIES[to] * factor;
            }
        }
        let leaving = rates.map(|row| row.iter().sum::<f64>());
        let mean: f64 = leaving.iter().zip(FREQUENCIES).map(|(r, f)| r * f).sum();
        let fastest = leaving.iter().fold(0.0, |a: f64, &b| a.max(b));
        for (from, row) in rates.iter_mut().enumerate() {
            row[from] = fastest - leaving[from];
        }
        Self {
            events: fastest / mean,
            next: rates,
        }
    }

    fn evolve(&self, base: &mut u8, length: f64, rng: &mut impl Rng) {
        let Ok(poisson) = Poisson::new(self.events * length) else {
            return; // No length, no change.
        };
        for _ in 0..poisson.sample(rng) as u64 {
            *base = pick(&self.next[*base as usize], rng);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aam_core::random::stream;

    #[test]
    fn one_substitution_per_site_and_unit_of_length_on_average() {
        let substitution = Substitution::new();
        let rng = &mut stream(1, "test");
        let (sites, length) = (200_000, 0.01);
        let mut changed = 0;
        let mut transitions = 0;
        for _ in 0..sites {
            let from = pick(&FREQUENCIES, rng);
            let mut to = from;
            substitution.evolve(&mut to, length, rng);
            changed += usize::from(to != from);
            transitions += usize::from(to != from && (to + from).is_multiple_of(2));
        }
        let rate = changed as f64 / sites as f64 / length;
        assert!((rate - 1.0).abs() < 0.1, "{rate}");
        assert!(transitions as f64 > 0.5 * changed as f64);
    }
}
