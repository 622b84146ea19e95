//! Branches collected in tiles before they are added to the sums of all pairs.
//!
//! The [kernels](super::kernel) process whole tiles. Branches over few samples are [collected
//! separately](super::scattered) if the metric allows it.

use rayon::prelude::*;

use super::kernel::{Place, TILE, Tiles};
use super::real::Real;

/// Number of branches in a block of tiles.
const BRANCHES: usize = u128::BITS as usize;
/// Samples whose sums form one task; their tiles fit the L2 cache.
const TASK: usize = 2 * TILE;

/// Sums over branches, for pairs of each of the first `lead` samples with all samples after it.
///
/// `width` values per pair: `values[(i * width + w) * stride + j]`.
pub(super) struct Sums<T> {
    pub(super) samples: usize,
    pub(super) lead: usize,
    pub(super) width: usize,
    pub(super) stride: usize,
    pub(super) values: Vec<T>,
    /// Totals of the individual samples.
    pub(super) totals: Vec<f64>,
}

impl<T: Real> Sums<T> {
    pub(super) fn new(samples: usize, lead: usize, width: usize) -> Self {
        let stride = samples.next_multiple_of(TILE);
        Self {
            samples,
            lead,
            width,
            stride,
            values: vec![T::default(); lead.next_multiple_of(TILE) * width * stride],
            totals: vec![0.0; samples],
        }
    }
}

/// Branches in tiles.
pub(super) struct Block<T> {
    lengths: Vec<T>,
    /// `[tile, branch, TILE]`.
    tiles: Vec<T>,
    depths: Vec<T>,
    inverses: Vec<T>,
    /// The branches that each sample has reads below, as bits.
    present: Vec<u128>,
    /// The branches to add for all pairs.
    all: u128,
}

impl<T: Real> Block<T> {
    /// A block for samples with these numbers of reads.
    pub(super) fn new(reads: impl Iterator<Item = f64>) -> Self {
        let mut reads: Vec<f64> = reads.collect();
        reads.resize(reads.len().next_multiple_of(TILE), 1.0);
        let depths: Vec<T> = reads.iter().map(|&r| T::of(r)).collect();
        Self {
            lengths: Vec::with_capacity(BRANCHES),
            tiles: vec![T::default(); depths.len() * BRANCHES],
            present: vec![0; depths.len()],
            depths,
            inverses: reads.iter().map(|&r| T::of(1.0 / r.max(1.0))).collect(),
            all: 0,
        }
    }

    /// Starts a branch to be added for `all` pairs, or only for those in which a sample has reads.
    pub(super) fn push(&mut self, length: T, all: bool) {
        self.all |= u128::from(all) << self.lengths.len();
        self.lengths.push(length);
    }

    /// Sets the value of `sample` on the last branch started.
    pub(super) fn set(&mut self, sample: usize, value: T) {
        let branch = self.lengths.len() - 1;
        self.tiles[(sample / TILE * BRANCHES + branch) * TILE + sample % TILE] = value;
        self.present[sample] |= 1 << branch;
    }

    pub(super) fn is_full(&self) -> bool {
        self.lengths.len() == BRANCHES
    }

    /// Adds the block to the sums, one pair of tiles at a time, and clears it.
    pub(super) fn add_to(
        &mut self,
        sums: &mut Sums<T>,
        add: &(impl Fn(&Tiles<'_, T>, Place<'_, T>) + Sync),
    ) {
        let branches = self.lengths.len();
        if branches == 0 {
            return;
        }
        let (stride, width) = (sums.stride, sums.width);
        let tile = |t: usize| &self.tiles[t * BRANCHES * TILE..][..branches * TILE];
        let depths = |t: usize| [&self.depths, &self.inverses].map(|of| &of[t * TILE..][..TILE]);
        let present = |t: usize| &self.present[t * TILE..][..TILE];
        sums.values
            .par_chunks_mut(TASK * width * stride)
            .enumerate()
            .for_each(|(task, values)| {
                let first = task * TASK / TILE;
                let rows = values.len() / (width * stride) / TILE;
                for theirs in first..stride / TILE {
                    for row in 0..rows.min(theirs - first + 1) {
                        let mine = first + row;
                        let tiles = Tiles {
                            mine: tile(mine),
                            theirs: tile(theirs),
                            lengths: &self.lengths,
                            my_depths: depths(mine),
                            their_depths: depths(theirs),
                            my_branches: present(mine),
                            their_branches: present(theirs),
                            all: self.all,
                        };
                        let start = row * TILE * width * stride + theirs * TILE;
                        let place = Place {
                            sums: &mut values[start..],
                            stride: width * stride,
                            second: stride,
                        };
                        add(&tiles, place);
                    }
                }
            });
        self.lengths.clear();
        self.tiles.fill(T::default());
        self.present.fill(0);
        self.all = 0;
    }
}
