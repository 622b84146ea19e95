//! A random tree, and numbers that evolve along it.

use rand::{Rng, RngExt};
use rand_distr::{Exp1, StandardNormal};

/// Substitutions per site between the root and an average tip.
const HEIGHT: f64 = 0.4;
/// Standard deviation of the logarithm of a lineage's substitution rate.
const PACE_SPREAD: f64 = 0.3;

/// A tree in the format of [`aam_data::Tree::new`]: tips first, every node before its parent.
pub(super) struct Phylogeny {
    pub parent: Vec<u32>,
    /// Substitutions per site on the branch above each node.
    pub length: Vec<f64>,
    pub name: Vec<Box<str>>,
    /// Time on the branch above each node, as a fraction of the time from root to tips.
    duration: Vec<f64>,
}

impl Phylogeny {
    pub fn root(&self) -> usize {
        self.parent.len()
    }

    pub fn tips(&self) -> usize {
        self.parent.len() / 2 + 1
    }

    /// One number per tip with variance 1, of which the fraction `inherited` evolved along the tree
    /// by Brownian motion and the rest is specific to the tip.
    pub fn evolve(&self, inherited: f64, rng: &mut impl Rng) -> Vec<f64> {
        let mut value = vec![0.0; self.root() + 1];
        for node in (0..self.root()).rev() {
            let step: f64 = rng.sample(StandardNormal);
            value[node] = value[self.parent[node] as usize] + self.duration[node].sqrt() * step;
        }
        value.truncate(self.tips());
        for v in &mut value {
            let own: f64 = rng.sample(StandardNormal);
            *v = inherited.sqrt() * *v + (1.0 - inherited).sqrt() * own;
        }
        value
    }
}

/// Grows a tree with `tips` tips. At any time, all lineages are equally likely to split (Yule
/// process).
pub(super) fn grow(tips: usize, rng: &mut impl Rng) -> Phylogeny {
    let nodes = 2 * tips - 1;
    // Splits in order of time; nodes are numbered downwards from the root, which is the last.
    let mut next = nodes - 1;
    let mut parent = vec![0u32; nodes];
    let mut born = vec![0.0; nodes];
    let mut died = vec![0.0; nodes];
    // Living lineages: (parent node, time of its split).
    let mut living: Vec<(u32, f64)> = vec![(0, 0.0)];
    let mut now = 0.0;
    while living.len() < tips {
        let (above, since) = living.swap_remove(rng.random_range(0..living.len()));
        parent[next] = above;
        born[next] = since;
        died[next] = now;
        living.extend([(next as u32, now); 2]);
        next -= 1;
        let wait: f64 = rng.sample(Exp1);
        now += wait / living.len() as f64;
    }
    for (tip, (above, since)) in living.into_iter().enumerate() {
        parent[tip] = above;
        born[tip] = since;
        died[tip] = now;
    }
    parent.pop();
    let duration: Vec<f64> = born.iter().zip(&died).map(|(b, d)| (d - b) / now).collect();
    let mut pace = vec![1.0; nodes];
    let mut length = vec![0.0; nodes];
    for node in (0..nodes - 1).rev() {
        let step: f64 = rng.sample(StandardNormal);
        // Half of the rate is inherited, so that entire clades evolve fast or slowly.
        let log = 0.5 * f64::ln(pace[parent[node] as usize]) + PACE_SPREAD * step;
        pace[node] = log.exp();
        length[node] = HEIGHT * duration[node] * pace[node];
    }
    Phylogeny {
        parent,
        length,
        name: vec![Box::from(""); nodes],
        duration,
    }
}
