//! A small study for the suite: counts, and a tree of the ASVs.

use std::sync::Arc;

use super::numbers::Numbers;
use crate::study::{RANKS, SampleTaxonomy};
use crate::{PairDistances, PluginError, SampleTable, SampleTree};

pub(super) const SAMPLES: usize = 9;
const ASVS: usize = 12;

/// The counts of a few samples.
#[derive(Debug)]
pub(super) struct Counts {
    ids: Vec<String>,
    rows: Vec<(Vec<u32>, Vec<u32>)>,
}

impl Counts {
    pub(super) fn new() -> Arc<Self> {
        let mut numbers = Numbers::new(11);
        let row = |_| {
            // About half of the ASVs, and at least one.
            let chosen = (0..ASVS as u32).filter(|asv| *asv == 0 || numbers.uniform() < 0.5);
            let asvs: Vec<u32> = chosen.collect();
            let counts = asvs.iter().map(|_| 1 + numbers.below(40) as u32).collect();
            (asvs, counts)
        };
        Arc::new(Self {
            rows: (0..SAMPLES).map(row).collect(),
            ids: (0..SAMPLES).map(|sample| format!("s{sample}")).collect(),
        })
    }
}

impl SampleTable for Counts {
    fn sample_ids(&self) -> &[String] {
        &self.ids
    }

    fn asvs(&self) -> usize {
        ASVS
    }

    fn row(&self, sample: usize) -> (&[u32], &[u32]) {
        let (asvs, counts) = &self.rows[sample];
        (asvs, counts)
    }
}

/// A taxonomy in which each taxon has two of the rank below; the domain is not named.
#[derive(Debug)]
pub(super) struct Halves;

impl SampleTaxonomy for Halves {
    fn taxa(&self, rank: usize) -> Option<Vec<u32>> {
        let below = RANKS.len() - 1 - rank;
        (rank > 0).then(|| (0..ASVS as u32).map(|asv| asv >> below).collect())
    }
}

/// A tree in which pairs of ASVs are siblings below the root.
#[derive(Debug)]
pub(super) struct Pairs(pub(super) Arc<Counts>);

const INNER: usize = ASVS / 2;

impl Pairs {
    /// Total length of the branches above ASVs for which `held` is true.
    fn above(&self, held: impl Fn(usize) -> bool) -> f64 {
        let root = self.nodes() - 1;
        let covers = |node: usize| match node.checked_sub(ASVS) {
            None => held(node),
            Some(pair) => held(2 * pair) || held(2 * pair + 1),
        };
        (0..root)
            .filter(|node| covers(*node))
            .map(|node| self.length(node))
            .sum()
    }

    fn has(&self, sample: usize, asv: usize) -> bool {
        self.0.row(sample).0.contains(&(asv as u32))
    }
}

impl SampleTree for Pairs {
    fn nodes(&self) -> usize {
        ASVS + INNER + 1
    }

    fn parent(&self, node: usize) -> Option<usize> {
        match node {
            node if node < ASVS => Some(ASVS + node / 2),
            node if node < ASVS + INNER => Some(ASVS + INNER),
            _ => None,
        }
    }

    fn length(&self, node: usize) -> f64 {
        0.25 + (node % 5) as f64
    }

    fn tip(&self, asv: usize) -> Option<usize> {
        (asv < ASVS).then_some(asv)
    }

    fn unifrac(&self, _metric: &str) -> Result<Box<dyn PairDistances>, PluginError> {
        Ok(Box::new(Unshared(Self(self.0.clone()))))
    }

    fn faith_pd(&self) -> Result<Vec<f64>, PluginError> {
        let of = |sample| self.above(|asv| self.has(sample, asv));
        Ok((0..SAMPLES).map(of).collect())
    }
}

/// Unweighted UniFrac, computed from its formula.
#[derive(Debug)]
struct Unshared(Pairs);

impl PairDistances for Unshared {
    fn between(&self, rows: &[usize]) -> Vec<f64> {
        let Self(tree) = self;
        let distance = |a: usize, b: usize| {
            let either = tree.above(|asv| tree.has(a, asv) || tree.has(b, asv));
            let [one, other] = [a, b].map(|sample| tree.above(|asv| tree.has(sample, asv)));
            (2.0 * either - one - other) / either
        };
        rows.iter()
            .flat_map(|&a| rows.iter().map(move |&b| (a, b)))
            .map(|(a, b)| distance(a, b))
            .collect()
    }
}
