//! From tree and table to sums over branches.
//!
//! Branches are visited from the tips to the root. At each, the reads of every sample below it
//! are the sum of its children's; these are kept only until the parent has taken them. Branches
//! are collected in blocks, and each block is added to the sums of all pairs at once, tile by
//! tile of samples, so that a tile of the block stays in the first-level cache.

use rayon::prelude::*;

use super::kernel::{TILE, add_differences, add_generalized};
use super::metric::Metric;
use super::missing;
use crate::data::{DataError, Table, Tree};

/// Branches per block: a tile of them is 16 KiB.
const BLOCK: usize = 256;

/// A tree and a table made ready for distances between any of the samples.
///
/// Holds its own compact copy of both, sheared to the table's ASVs, so it can move to a thread of
/// its own.
#[derive(Clone, Debug)]
pub struct UniFrac {
    metric: Metric,
    parent: Vec<u32>,
    length: Vec<f64>,
    /// Compressed rows of the table: tips with their reads per sample.
    offsets: Vec<usize>,
    tips: Vec<u32>,
    counts: Vec<u32>,
    depth: Vec<f64>,
}

impl UniFrac {
    /// Prepares distances between the samples of `table` on `tree`.
    ///
    /// # Errors
    /// If ASVs with reads are missing from the tree, or the metric's alpha is not in 0…1.
    pub fn new(tree: &Tree, table: &Table, metric: Metric) -> Result<Self, DataError> {
        if let Metric::Generalized { alpha } = metric
            && !(0.0..=1.0).contains(&alpha)
        {
            return Err(DataError::new(format!(
                "the alpha of generalized UniFrac lies between 0 and 1, found {alpha}"
            )));
        }
        let absent = missing::missing_from(tree, table);
        if !absent.ids.is_empty() {
            return Err(missing::error(tree, table, &absent));
        }
        let tree = if tree.tips().len() > table.num_features() {
            &tree.shear(table.feature_ids().iter().map(String::as_str))?
        } else {
            tree
        };
        // An ASV without reads may be missing; its entry is never looked up.
        let tip_of: Vec<u32> = table
            .feature_ids()
            .iter()
            .map(|id| tree.tip(id).map_or(u32::MAX, |tip| tip as u32))
            .collect();
        let mut offsets = vec![0];
        let mut tips = Vec::with_capacity(table.num_nonzero());
        let mut counts = Vec::with_capacity(table.num_nonzero());
        for row in 0..table.num_samples() {
            let (features, reads) = table.row(row);
            tips.extend(features.iter().map(|&f| tip_of[f as usize]));
            counts.extend_from_slice(reads);
            offsets.push(tips.len());
        }
        let root = tree.root();
        Ok(Self {
            metric,
            parent: (0..tree.len())
                .map(|node| tree.parent(node).unwrap_or(root) as u32)
                .collect(),
            length: (0..tree.len()).map(|node| tree.length(node)).collect(),
            offsets,
            tips,
            counts,
            depth: (0..table.num_samples())
                .map(|row| table.depth(row) as f64)
                .collect(),
        })
    }

    /// Distances between the samples at `rows` (table rows, in range), `rows.len()²` values row
    /// by row.
    ///
    /// Visits only branches above ASVs that these samples hold; each value is the same, to the
    /// last bit, whatever other rows are asked for with it.
    pub fn distances(&self, rows: &[usize]) -> Vec<f64> {
        match self.metric {
            Metric::Unweighted => {
                let sums = self.differences(rows, |reads, _| f64::from(reads > 0.0));
                finish(rows.len(), &sums, |unique, i, j| {
                    let any = (sums.totals[i] + sums.totals[j] + unique) / 2.0;
                    ratio(unique, any)
                })
            }
            Metric::Weighted => {
                let sums = self.differences(rows, |reads, depth| reads / depth);
                finish(rows.len(), &sums, |difference, _, _| difference)
            }
            Metric::WeightedNormalized => {
                let sums = self.differences(rows, |reads, depth| reads / depth);
                finish(rows.len(), &sums, |difference, i, j| {
                    ratio(difference, sums.totals[i] + sums.totals[j])
                })
            }
            Metric::Generalized { alpha } => self.generalized(rows, alpha),
        }
    }

    /// Sums over branches of the difference of length-scaled values; `value` makes one from the
    /// reads below a branch and the sample's depth.
    fn differences(&self, rows: &[usize], value: impl Fn(f64, f64) -> f64) -> Sums {
        self.sweep(
            rows,
            TILE,
            |reads, depth, length| value(reads, depth) * length,
            |sums, mine, tile, _| add_differences(sums, mine, tile),
        )
    }

    fn generalized(&self, rows: &[usize], alpha: f64) -> Vec<f64> {
        let sums = self.sweep(
            rows,
            2 * TILE,
            |reads, depth, _| reads / depth,
            |sums, mine, tile, lengths| {
                if alpha == 0.0 {
                    add_generalized(sums, mine, tile, lengths, |_| 1.0);
                } else if alpha == 0.5 {
                    add_generalized(sums, mine, tile, lengths, f64::sqrt);
                } else {
                    add_generalized(sums, mine, tile, lengths, |s| s.powf(alpha));
                }
            },
        );
        finish(rows.len(), &sums, |numerator, i, j| {
            ratio(numerator, sums.at(i, j, TILE))
        })
    }

    /// Visits the branches above the reads of `rows` from tips to root.
    ///
    /// `value(reads, depth, length)` is what a sample shows on a branch; `add(sums, mine, tile,
    /// lengths)` adds a block of branches to the `width` sums of one sample with a tile.
    fn sweep(
        &self,
        rows: &[usize],
        width: usize,
        value: impl Fn(f64, f64, f64) -> f64,
        add: impl Fn(&mut [f64], &[f64], &[[f64; TILE]], &[f64]) + Sync,
    ) -> Sums {
        let samples = rows.len();
        let touched = self.touched(rows);
        let reads = self.reads(rows, &touched);
        let mut sums = Sums {
            samples,
            width,
            values: vec![0.0; samples.div_ceil(TILE) * samples * width],
            totals: vec![0.0; samples],
        };
        let mut block = Block::new(samples);
        // Reads that children have handed up, per branch still to be visited.
        let mut pending: Vec<Option<Vec<f64>>> = vec![None; touched.len()];
        let mut spare: Vec<Vec<f64>> = Vec::new();
        for (branch, &node) in touched.iter().enumerate() {
            let mut below = pending[branch]
                .take()
                .or_else(|| spare.pop())
                .unwrap_or_else(|| vec![0.0; samples]);
            for &(sample, count) in &reads.entries[reads.offsets[branch]..reads.offsets[branch + 1]]
            {
                below[sample as usize] += f64::from(count);
            }
            let length = self.length[node as usize];
            block.lengths.push(length);
            for (sample, &reads) in below.iter().enumerate() {
                if reads > 0.0 {
                    let shown = value(reads, self.depth[rows[sample]], length);
                    block.set(sample, shown);
                    sums.totals[sample] += shown;
                }
            }
            if block.lengths.len() == BLOCK {
                block.add_to(&mut sums, &add);
            }
            match touched.binary_search(&self.parent[node as usize]) {
                Ok(above) => match &mut pending[above] {
                    None => pending[above] = Some(below),
                    Some(sum) => {
                        for (s, b) in sum.iter_mut().zip(&mut below) {
                            *s += std::mem::take(b);
                        }
                        spare.push(below);
                    }
                },
                // Only the root is above a touched branch and not touched.
                Err(_) => {
                    below.fill(0.0);
                    spare.push(below);
                }
            }
        }
        block.add_to(&mut sums, &add);
        sums
    }

    /// The nodes, but the root, above reads of `rows`, children first.
    fn touched(&self, rows: &[usize]) -> Vec<u32> {
        let root = self.parent.len() as u32 - 1;
        let mut seen = vec![false; self.parent.len()];
        let mut touched = Vec::new();
        for &row in rows {
            for &tip in &self.tips[self.offsets[row]..self.offsets[row + 1]] {
                let mut node = tip;
                while node != root && !seen[node as usize] {
                    seen[node as usize] = true;
                    touched.push(node);
                    node = self.parent[node as usize];
                }
            }
        }
        touched.sort_unstable();
        touched
    }

    /// Length of the branches, but the one above the root, over the reads of the sample at `row`.
    pub(super) fn spanned(&self, row: usize) -> f64 {
        let branches = self.touched(&[row]);
        let lengths = branches.iter().map(|&node| self.length[node as usize]);
        lengths.sum()
    }

    /// The reads of `rows` by branch instead of by sample.
    fn reads(&self, rows: &[usize], touched: &[u32]) -> Reads {
        let branch_of = |tip: u32| touched.binary_search(&tip).ok();
        let entries = || {
            rows.iter().enumerate().flat_map(move |(sample, &row)| {
                (self.offsets[row]..self.offsets[row + 1])
                    .map(move |i| (sample as u32, self.tips[i], self.counts[i]))
            })
        };
        let mut offsets = vec![0usize; touched.len() + 1];
        for branch in entries().filter_map(|(_, tip, _)| branch_of(tip)) {
            offsets[branch + 1] += 1;
        }
        for i in 1..offsets.len() {
            offsets[i] += offsets[i - 1];
        }
        let mut next = offsets.clone();
        let mut sorted = vec![(0, 0); offsets[touched.len()]];
        for (sample, tip, count) in entries() {
            if let Some(branch) = branch_of(tip) {
                sorted[next[branch]] = (sample, count);
                next[branch] += 1;
            }
        }
        Reads {
            offsets,
            entries: sorted,
        }
    }
}

/// Samples and their reads per branch, in compressed rows.
struct Reads {
    offsets: Vec<usize>,
    entries: Vec<(u32, u32)>,
}

/// Sums over branches: `width` numbers for every tile and sample, and one for every sample.
struct Sums {
    samples: usize,
    width: usize,
    values: Vec<f64>,
    totals: Vec<f64>,
}

impl Sums {
    /// The number at `offset` of samples `i <= j`.
    fn at(&self, i: usize, j: usize, offset: usize) -> f64 {
        self.values[(j / TILE * self.samples + i) * self.width + offset + j % TILE]
    }
}

/// Values of all samples on up to [`BLOCK`] branches, in both orders the kernels want.
struct Block {
    lengths: Vec<f64>,
    /// Per tile and branch.
    tiles: Vec<[f64; TILE]>,
    /// Per sample and branch.
    samples: Vec<f64>,
}

impl Block {
    fn new(samples: usize) -> Self {
        Self {
            lengths: Vec::with_capacity(BLOCK),
            tiles: vec![[0.0; TILE]; samples.div_ceil(TILE) * BLOCK],
            samples: vec![0.0; samples * BLOCK],
        }
    }

    /// Sets what `sample` shows on the branch whose length was pushed last.
    fn set(&mut self, sample: usize, value: f64) {
        let branch = self.lengths.len() - 1;
        self.tiles[sample / TILE * BLOCK + branch][sample % TILE] = value;
        self.samples[sample * BLOCK + branch] = value;
    }

    /// Adds the block to the sums of all pairs and empties it.
    fn add_to(
        &mut self,
        sums: &mut Sums,
        add: &(impl Fn(&mut [f64], &[f64], &[[f64; TILE]], &[f64]) + Sync),
    ) {
        let branches = self.lengths.len();
        let (samples, width) = (sums.samples, sums.width);
        if samples == 0 {
            return;
        }
        sums.values
            .par_chunks_mut(samples * width)
            .zip(self.tiles.par_chunks(BLOCK))
            .enumerate()
            .for_each(|(tile, (sums, values))| {
                let last = samples.min((tile + 1) * TILE);
                for (sample, sums) in sums.chunks_exact_mut(width).enumerate().take(last) {
                    let mine = &self.samples[sample * BLOCK..][..branches];
                    add(sums, mine, &values[..branches], &self.lengths);
                }
            });
        self.lengths.clear();
        self.tiles.fill([0.0; TILE]);
        self.samples.fill(0.0);
    }
}

/// The square matrix of `distance(first sum, i, j)`.
fn finish(samples: usize, sums: &Sums, distance: impl Fn(f64, usize, usize) -> f64) -> Vec<f64> {
    let mut matrix = vec![0.0; samples * samples];
    for j in 0..samples {
        for i in 0..j {
            let d = distance(sums.at(i, j, 0), i, j);
            matrix[i * samples + j] = d;
            matrix[j * samples + i] = d;
        }
    }
    matrix
}

/// A part of a whole, 0 of nothing; rounding must not take it above 1.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 {
        (part / whole).min(1.0)
    } else {
        0.0
    }
}
