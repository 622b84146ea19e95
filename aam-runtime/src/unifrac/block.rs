//! Branches collected until it is worth adding them to the sums of all pairs.
//!
//! Branches over many samples go into tiles, which the [kernels](super::kernel) take as they are.
//! For a branch over few samples only the pairs among these are visited: an absent sample has the
//! smaller number, 0, which adds nothing.

use rayon::prelude::*;

use super::kernel::{Place, TILE, Tiles};
use super::real::Real;

/// Branches in a block of tiles.
const BRANCHES: usize = 128;
/// Entries of branches over few samples, kept before they are added.
const ENTRIES: usize = 1 << 20;
/// Samples whose sums are one task: the tiles of these stay in the second-level cache.
const TASK: usize = 2 * TILE;

/// Sums over branches, for pairs of the first `lead` samples with all that come after each.
///
/// `width` numbers for each pair: `values[(i * width + w) * stride + j]`.
pub(super) struct Sums<T> {
    pub(super) samples: usize,
    pub(super) lead: usize,
    pub(super) width: usize,
    pub(super) stride: usize,
    pub(super) values: Vec<T>,
    /// Of every sample alone.
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

/// Branches over many samples.
pub(super) struct Block<T> {
    lengths: Vec<T>,
    /// `[tile, branch, TILE]`.
    tiles: Vec<T>,
    depths: Vec<[T; 2]>,
}

impl<T: Real> Block<T> {
    /// A block for samples of so many reads each.
    pub(super) fn new(reads: impl Iterator<Item = f64>) -> Self {
        let mut depths: Vec<[T; 2]> = reads.map(|r| [T::of(r), T::of(1.0 / r.max(1.0))]).collect();
        depths.resize(depths.len().next_multiple_of(TILE), [T::of(1.0); 2]);
        Self {
            lengths: Vec::with_capacity(BRANCHES),
            tiles: vec![T::default(); depths.len() * BRANCHES],
            depths,
        }
    }

    /// Begins a branch.
    pub(super) fn push(&mut self, length: T) {
        self.lengths.push(length);
    }

    /// Sets the number of `sample` on the branch begun last.
    pub(super) fn set(&mut self, sample: usize, value: T) {
        let branch = self.lengths.len() - 1;
        self.tiles[(sample / TILE * BRANCHES + branch) * TILE + sample % TILE] = value;
    }

    pub(super) fn is_full(&self) -> bool {
        self.lengths.len() == BRANCHES
    }

    /// Adds the block to the sums, pair of tiles by pair of tiles, and empties it.
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
        let depths = |t: usize| &self.depths[t * TILE..][..TILE];
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
    }
}

/// Branches over few samples.
pub(super) struct Scattered<T> {
    /// Where each branch ends.
    ends: Vec<u32>,
    samples: Vec<u32>,
    values: Vec<T>,
}

impl<T: Real> Scattered<T> {
    pub(super) fn new() -> Self {
        Self {
            ends: Vec::new(),
            samples: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Sets the number of `sample` on the current branch; samples come in order.
    pub(super) fn set(&mut self, sample: usize, value: T) {
        self.samples.push(sample as u32);
        self.values.push(value);
    }

    /// Ends the current branch.
    pub(super) fn end(&mut self) {
        self.ends.push(self.samples.len() as u32);
    }

    pub(super) fn is_full(&self) -> bool {
        self.samples.len() >= ENTRIES
    }

    /// Adds the smaller number of each pair of samples on each branch to its first sum, and empties
    /// the collection.
    pub(super) fn add_to(&mut self, sums: &mut Sums<T>) {
        if self.samples.is_empty() {
            return;
        }
        let (offsets, entries) = self.by_sample(sums.lead);
        let row = sums.width * sums.stride;
        sums.values
            .par_chunks_mut(row)
            .take(sums.lead)
            .enumerate()
            .for_each(|(sample, sums)| {
                for &(at, end) in &entries[offsets[sample]..offsets[sample + 1]] {
                    let mine = self.values[at as usize];
                    let others = at as usize + 1..end as usize;
                    let samples = &self.samples[others.clone()];
                    for (&other, &theirs) in samples.iter().zip(&self.values[others]) {
                        sums[other as usize] += if theirs < mine { theirs } else { mine };
                    }
                }
            });
        self.ends.clear();
        self.samples.clear();
        self.values.clear();
    }

    /// The entries of each of the first `lead` samples: where each is, and where its branch ends.
    fn by_sample(&self, lead: usize) -> (Vec<usize>, Vec<(u32, u32)>) {
        let mut offsets = vec![0usize; lead + 1];
        for &sample in self.samples.iter().filter(|&&s| (s as usize) < lead) {
            offsets[sample as usize + 1] += 1;
        }
        for i in 1..offsets.len() {
            offsets[i] += offsets[i - 1];
        }
        let mut next = offsets.clone();
        let mut entries = vec![(0, 0); offsets[lead]];
        let mut start = 0;
        for &end in &self.ends {
            for at in start..end {
                let sample = self.samples[at as usize] as usize;
                if sample < lead {
                    entries[next[sample]] = (at, end);
                    next[sample] += 1;
                }
            }
            start = end;
        }
        (offsets, entries)
    }
}
