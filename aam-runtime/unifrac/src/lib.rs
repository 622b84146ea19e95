//! UniFrac: phylogenetic distances between samples, based on the branches that their ASVs do not
//! share.
//!
//! Let `b` be the length of a branch and `u`, `v` the fractions of two samples' reads below it.
//! Sums run over all branches:
//!
//! | metric | distance |
//! |---|---|
//! | `unweighted` | Σ b over branches with reads of one sample only / Σ b over those with any |
//! | `unweighted-unnormalized` | Σ b over branches with reads of one sample only |
//! | `weighted` | Σ b·\|u − v\| |
//! | `weighted-normalized` | Σ b·\|u − v\| / Σ b·(u + v) |
//! | `generalized` | Σ b·(u + v)^α·\|u − v\|/(u + v) / Σ b·(u + v)^α, with α in 0…1 |
//!
//! In the variance-adjusted forms (`-vaw`), each term is divided by √(m·(M − m)), where M is the
//! number of reads of both samples and m the number of those below the branch; in
//! `generalized-vaw`, u + v is divided by it before the exponent applies. Terms with m = 0 or m = M
//! are left out.
//!
//! The branch above the root covers all reads and does not count; branches between the root and the
//! first fork do, as in QIIME 2. Two samples without reads have distance 0.
//!
//! References: Lozupone and Knight 2005 (unweighted), Lozupone et al. 2007 (weighted), Chen et al.
//! 2012 (generalized), Chang et al. 2011 (variance-adjusted); the other forms are those of `ssu`
//! (unifrac-binaries).

mod addition;
mod below;
mod block;
mod faith;
mod grid;
mod kernel;
pub mod matrix_file;
mod metric;
mod missing;
mod order;
mod real;
mod scattered;
mod sweep;
mod terms;
mod whole;

pub use faith::faith_pd;
pub use metric::{Adjusted, Metric};
pub use missing::{Missing, drop_missing, missing_from};
pub use real::Real;
pub use sweep::UniFrac;
pub use whole::Band;

use aam_core::DataError;
use aam_data::{DistanceMatrix, Table, Tree};

/// Distances between all samples of `table` in `f64`, on all threads of the current rayon pool.
///
/// The result does not depend on the number of threads. Takes up to `samples² · nodes` steps and
/// `16 · samples²` bytes.
///
/// # Errors
/// ASVs with reads are missing from the tree ([`drop_missing`] removes them).
pub fn unifrac(tree: &Tree, table: &Table, metric: Metric) -> Result<DistanceMatrix, DataError> {
    let rows: Vec<usize> = (0..table.num_samples()).collect();
    let values = UniFrac::new(tree, table, metric)?.distances(&rows);
    DistanceMatrix::new(table.sample_ids().to_vec(), values)
}

#[cfg(test)]
mod tests;
