//! From tree and table to sums over branches.
//!
//! Branches are visited from the tips to the root. At each branch, the reads of the samples below
//! it are the sum of its children's. They are kept only until the parent is visited, and the
//! [order](super::order) of branches keeps few of them waiting. Branches are collected in
//! [tiles](super::block) or as [lists](super::scattered) and added to the sums of pairs in batches.

use std::convert::Infallible;

use super::addition::{Addition, Counts, Fractions, Smaller, Way};
use super::below::Below;
use super::block::{Block, Sums};
use super::grid::Grid;
use super::metric::{Adjusted, Metric};
use super::missing;
use super::order::heaviest_first;
use super::real::Real;
use super::scattered::Scattered;
use super::terms;
use aam_core::DataError;
use aam_data::{Table, Tree};

/// Number of branches between progress reports.
const REPORT: usize = 1024;

/// A tree and a table prepared for computing distances between any of the samples.
///
/// Owns compact copies of both, with the tree pruned to the table's ASVs, so it can be moved to
/// another thread.
#[derive(Clone, Debug)]
pub struct UniFrac {
    metric: Metric,
    /// For each node, in the order of visits.
    parent: Vec<u32>,
    length: Vec<f64>,
    /// The table in compressed row format: tips with their reads per sample.
    offsets: Vec<usize>,
    tips: Vec<u32>,
    counts: Vec<u32>,
    depth: Vec<f64>,
    grid: Grid,
}

impl UniFrac {
    /// Prepares to compute distances between the samples of `table` on `tree`.
    ///
    /// # Errors
    /// ASVs with reads are missing from the tree, or the metric's alpha is not in 0…1.
    pub fn new(tree: &Tree, table: &Table, metric: Metric) -> Result<Self, DataError> {
        let metric = metric.check()?.plain();
        let absent = missing::missing_from(tree, table);
        if !absent.ids.is_empty() {
            return Err(missing::error(tree, table, &absent));
        }
        let tree = if tree.tips().len() > table.num_features() {
            &tree.shear(table.feature_ids().iter())?
        } else {
            tree
        };
        let root = tree.root();
        let above: Vec<u32> = (0..tree.len())
            .map(|node| tree.parent(node).unwrap_or(root) as u32)
            .collect();
        let order = heaviest_first(&above);
        let mut place = vec![0; order.len()];
        for (at, &node) in order.iter().enumerate() {
            place[node as usize] = at as u32;
        }
        // An ASV without reads may be missing, as its entry is never looked up.
        let tip_of: Vec<u32> = table
            .feature_ids()
            .iter()
            .map(|id| tree.tip(id).map_or(u32::MAX, |tip| place[tip]))
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
        let parent: Vec<u32> = order
            .iter()
            .map(|&node| place[above[node as usize] as usize])
            .collect();
        let length: Vec<f64> = order
            .iter()
            .map(|&node| tree.length(node as usize))
            .collect();
        let depth: Vec<f64> = (0..table.num_samples())
            .map(|row| table.depth(row) as f64)
            .collect();
        Ok(Self {
            metric,
            grid: Grid::new(metric, &parent, &length, &depth),
            parent,
            length,
            offsets,
            tips,
            counts,
            depth,
        })
    }

    /// Number of samples.
    pub(super) fn num_samples(&self) -> usize {
        self.depth.len()
    }

    /// Number of sums per pair of samples.
    pub(super) fn sums_per_pair(&self) -> usize {
        match self.metric {
            Metric::Generalized { .. } | Metric::VarianceAdjusted(_) => 2,
            _ => 1,
        }
    }

    /// Distances between the samples at `rows` (table rows, in range): `rows.len()²` values, row by
    /// row.
    ///
    /// Visits only branches above ASVs that occur in these samples. Each value is the same to the
    /// last bit, whatever other rows are requested with it.
    pub fn distances(&self, rows: &[usize]) -> Vec<f64> {
        let samples = rows.len();
        let quiet = &mut |_, _| Ok::<(), Infallible>(());
        let Ok(sums) = self.sums::<f64, _>(rows, samples, quiet);
        let mut matrix = vec![0.0; samples * samples];
        for i in 0..samples {
            for j in i + 1..samples {
                let distance = self.distance(&sums, i, j);
                matrix[i * samples + j] = distance;
                matrix[j * samples + i] = distance;
            }
        }
        matrix
    }

    /// Converts sums over branches to the distance of samples `i < j`.
    pub(super) fn distance<T: Real>(&self, sums: &Sums<T>, i: usize, j: usize) -> f64 {
        let at = |w: usize| sums.values[(i * sums.width + w) * sums.stride + j].wide();
        let (mine, theirs) = (sums.totals[i], sums.totals[j]);
        // In single precision, rounding may make a shared sum exceed the others.
        let apart = || (mine - at(0)).max(0.0) + (theirs - at(0)).max(0.0);
        let sum = |w: usize| (mine + theirs + at(w)).max(0.0);
        match self.metric {
            Metric::Unweighted => ratio(apart(), apart() + at(0)),
            Metric::UnweightedUnnormalized | Metric::Weighted => apart(),
            Metric::WeightedNormalized => ratio(apart(), mine + theirs),
            Metric::VarianceAdjusted(Adjusted::Weighted) => sum(0),
            Metric::Generalized { .. } | Metric::VarianceAdjusted(_) => ratio(sum(0), sum(1)),
        }
    }

    /// Sums over branches for pairs of each of the first `lead` of `rows` with all rows after it.
    /// `report` is called with the number of branches done and their total.
    pub(super) fn sums<T: Real, E>(
        &self,
        rows: &[usize],
        lead: usize,
        report: &mut dyn FnMut(usize, usize) -> Result<(), E>,
    ) -> Result<Sums<T>, E> {
        let grid = self.grid;
        macro_rules! sweep {
            ($addition:expr) => {
                self.sweep(rows, lead, &$addition, report)
            };
        }
        macro_rules! fractions {
            ($power:expr) => {{
                let terms = terms::generalized($power);
                sweep!(Fractions { terms, grid })
            }};
        }
        macro_rules! counts {
            ($terms:expr) => {{
                let terms = $terms;
                sweep!(Counts { terms, grid })
            }};
        }
        match self.metric {
            Metric::Unweighted | Metric::UnweightedUnnormalized => {
                sweep!(Smaller(|_, _, length| T::of(grid.nearest(length))))
            }
            Metric::Weighted | Metric::WeightedNormalized => {
                sweep!(Smaller(|reads: f64, depth: f64, length: f64| T::of(
                    grid.nearest(reads / depth * length)
                )))
            }
            Metric::Generalized { alpha: 0.0 } => fractions!(|_| T::of(1.0)),
            Metric::Generalized { alpha: 0.5 } => fractions!(T::root),
            Metric::Generalized { alpha } => fractions!(|s: T| s.power(T::of(alpha))),
            Metric::VarianceAdjusted(Adjusted::Unweighted) => {
                counts!(terms::adjusted_unweighted)
            }
            Metric::VarianceAdjusted(Adjusted::Weighted | Adjusted::WeightedNormalized) => {
                counts!(terms::adjusted_weighted)
            }
            Metric::VarianceAdjusted(Adjusted::Generalized { alpha: 0.5 }) => {
                counts!(terms::adjusted_generalized(T::root))
            }
            Metric::VarianceAdjusted(Adjusted::Generalized { alpha }) => {
                counts!(terms::adjusted_generalized(|s: T| s.power(T::of(alpha))))
            }
        }
    }

    /// Visits the branches above the reads of `rows` from the tips to the root.
    fn sweep<T: Real, E, A: Addition<T>>(
        &self,
        rows: &[usize],
        lead: usize,
        addition: &A,
        report: &mut dyn FnMut(usize, usize) -> Result<(), E>,
    ) -> Result<Sums<T>, E> {
        let samples = rows.len();
        let touched = self.touched(rows);
        let mut branch_of = vec![u32::MAX; self.parent.len()];
        for (branch, &node) in touched.iter().enumerate() {
            branch_of[node as usize] = branch as u32;
        }
        let reads = self.reads(rows, &branch_of, touched.len());
        let mut sums = Sums::new(samples, lead, A::WIDTH);
        let mut block = Block::new(rows.iter().map(|&row| self.depth[row]));
        let mut scattered = Scattered::new();
        // Reads passed up by children, for each branch still to be visited.
        let mut pending: Vec<Option<Below>> = Vec::new();
        pending.resize_with(touched.len(), || None);
        for (branch, &node) in touched.iter().enumerate() {
            let own = &reads.entries[reads.offsets[branch]..reads.offsets[branch + 1]];
            let own = own
                .iter()
                .map(|&(sample, count)| (sample, f64::from(count)));
            let own = Below::Few(own.collect());
            let below = match pending[branch].take() {
                Some(children) if own.present() == 0 => children,
                Some(children) => children.plus(own, samples),
                None => own,
            };
            let length = self.length[node as usize];
            let span = T::of(length);
            let way = addition.way(below.present(), samples);
            if way != Way::Both {
                block.push(span, way == Way::All);
            }
            below.for_each(|sample, reads| {
                let number = addition.number(reads, self.depth[rows[sample]], length);
                let alone = addition.alone(number, span, way);
                sums.totals[sample] += alone.wide();
                match way {
                    Way::Both => scattered.set(sample, number, alone),
                    _ => block.set(sample, number),
                }
            });
            if way == Way::Both {
                scattered.end(span);
            }
            if block.is_full() {
                block.add_to(&mut sums, &|tiles, place| addition.add_tiles(tiles, place));
            }
            if scattered.is_full() {
                addition.add_scattered(&mut scattered, &mut sums);
            }
            // Only the root can be above a visited branch and not itself visited.
            let above = branch_of[self.parent[node as usize] as usize];
            if let Some(pending) = pending.get_mut(above as usize) {
                *pending = Some(match pending.take() {
                    Some(others) => others.plus(below, samples),
                    None => below,
                });
            }
            if branch % REPORT == REPORT - 1 {
                report(branch + 1, touched.len())?;
            }
        }
        block.add_to(&mut sums, &|tiles, place| addition.add_tiles(tiles, place));
        addition.add_scattered(&mut scattered, &mut sums);
        report(touched.len(), touched.len())?;
        Ok(sums)
    }

    /// The nodes above reads of `rows` except the root, children first.
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

    /// Total length of the branches above the reads of the sample at `row`, without the one above
    /// the root.
    pub(super) fn spanned(&self, row: usize) -> f64 {
        let branches = self.touched(&[row]);
        let lengths = branches.iter().map(|&node| self.length[node as usize]);
        lengths.sum()
    }

    /// The reads of `rows`, by branch instead of by sample.
    fn reads(&self, rows: &[usize], branch_of: &[u32], branches: usize) -> Reads {
        let entries = || {
            rows.iter().enumerate().flat_map(move |(sample, &row)| {
                (self.offsets[row]..self.offsets[row + 1]).map(move |i| {
                    let branch = branch_of[self.tips[i] as usize] as usize;
                    (sample as u32, branch, self.counts[i])
                })
            })
        };
        // A tree may consist of a single tip, which has no branch above it.
        let known = |&(_, branch, _): &(u32, usize, u32)| branch < branches;
        let mut offsets = vec![0usize; branches + 1];
        for (_, branch, _) in entries().filter(known) {
            offsets[branch + 1] += 1;
        }
        for i in 1..offsets.len() {
            offsets[i] += offsets[i - 1];
        }
        let mut next = offsets.clone();
        let mut sorted = vec![(0, 0); offsets[branches]];
        for (sample, branch, count) in entries().filter(known) {
            sorted[next[branch]] = (sample, count);
            next[branch] += 1;
        }
        Reads {
            offsets,
            entries: sorted,
        }
    }
}

/// Samples and their reads per branch, in compressed row format.
struct Reads {
    offsets: Vec<usize>,
    entries: Vec<(u32, u32)>,
}

/// A ratio of a part to a whole, 0 if both are 0; rounding must not take it above 1.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 {
        (part / whole).min(1.0)
    } else {
        0.0
    }
}
