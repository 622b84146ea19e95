//! Contributions of branches to the sums of each metric.

use super::block::Sums;
use super::grid::Grid;
use super::kernel::{Place, Tiles, add_smaller, add_terms};
use super::real::Real;
use super::scattered::Scattered;

/// How a branch is added to the sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// For all pairs.
    All,
    /// For pairs in which at least one sample has reads below it.
    Either,
    /// For pairs in which both have; what each has alone goes to its total.
    Both,
}

/// Per-branch values of samples, and the sums over them.
pub(super) trait Addition<T: Real>: Sync {
    /// Number of sums per pair.
    const WIDTH: usize;

    /// How to add a branch below which `present` of `samples` samples have reads.
    fn way(&self, present: usize, samples: usize) -> Way;

    /// The value of a sample with `reads` of `depth` reads below a branch.
    fn number(&self, reads: f64, depth: f64, length: f64) -> T;

    /// The contribution of a sample with this value to its own total, for a branch added in that
    /// way.
    fn alone(&self, number: T, length: T, way: Way) -> T;

    /// Adds a block of branches to the sums of two tiles of samples.
    fn add_tiles(&self, tiles: &Tiles<'_, T>, place: Place<'_, T>);

    /// Adds branches for pairs in which both samples have reads.
    fn add_scattered(&self, scattered: &mut Scattered<T>, sums: &mut Sums<T>);
}

/// Sums of the smaller of two samples' values, each `number(reads, depth, length)`; an absent
/// sample has value 0 and adds nothing.
pub(super) struct Smaller<N>(pub(super) N);

impl<T: Real, N: Fn(f64, f64, f64) -> T + Sync> Addition<T> for Smaller<N> {
    const WIDTH: usize = 1;

    fn way(&self, present: usize, samples: usize) -> Way {
        match present * 6 <= samples {
            true => Way::Both,
            false => Way::All,
        }
    }

    fn number(&self, reads: f64, depth: f64, length: f64) -> T {
        (self.0)(reads, depth, length)
    }

    fn alone(&self, number: T, _: T, _: Way) -> T {
        number
    }

    fn add_tiles(&self, tiles: &Tiles<'_, T>, place: Place<'_, T>) {
        add_smaller(tiles, place);
    }

    fn add_scattered(&self, scattered: &mut Scattered<T>, sums: &mut Sums<T>) {
        scattered.add_smaller(sums);
    }
}

/// Sums of the two `terms(mine, theirs, length)` of two samples' fractions of reads; for a fraction
/// and 0, both terms must be equal.
pub(super) struct Fractions<F> {
    pub(super) terms: F,
    pub(super) grid: Grid,
}

impl<T: Real, F: Fn(T, T, T) -> [T; 2] + Sync> Addition<T> for Fractions<F> {
    const WIDTH: usize = 2;

    fn way(&self, present: usize, samples: usize) -> Way {
        match present * 2 <= samples {
            true => Way::Both,
            false => Way::All,
        }
    }

    fn number(&self, reads: f64, depth: f64, _: f64) -> T {
        T::of(reads / depth)
    }

    fn alone(&self, number: T, length: T, way: Way) -> T {
        let none = T::of(0.0);
        match way {
            Way::Both => self.grid.round((self.terms)(number, none, length))[1],
            _ => none,
        }
    }

    fn add_tiles(&self, tiles: &Tiles<'_, T>, place: Place<'_, T>) {
        let terms = |m, t, length, _, _| self.grid.round((self.terms)(m, t, length));
        add_terms(tiles, place, &terms);
    }

    fn add_scattered(&self, scattered: &mut Scattered<T>, sums: &mut Sums<T>) {
        let terms = |m, t, length| self.grid.round((self.terms)(m, t, length));
        scattered.add_terms(sums, &terms);
    }
}

/// Sums of the two `terms(mine, theirs, length, my depth, their depth)` of two samples' reads,
/// which depend on both depths even if one sample has no reads.
pub(super) struct Counts<F> {
    pub(super) terms: F,
    pub(super) grid: Grid,
}

impl<T: Real, F> Addition<T> for Counts<F>
where
    F: Fn(T, T, T, [T; 2], [T; 2]) -> [T; 2] + Sync,
{
    const WIDTH: usize = 2;

    fn way(&self, present: usize, samples: usize) -> Way {
        match present * 2 <= samples {
            true => Way::Either,
            false => Way::All,
        }
    }

    fn number(&self, reads: f64, _: f64, _: f64) -> T {
        T::of(reads)
    }

    fn alone(&self, _: T, _: T, _: Way) -> T {
        T::of(0.0)
    }

    fn add_tiles(&self, tiles: &Tiles<'_, T>, place: Place<'_, T>) {
        let terms =
            |m, t, length, mine, theirs| self.grid.round((self.terms)(m, t, length, mine, theirs));
        add_terms(tiles, place, &terms);
    }

    fn add_scattered(&self, _: &mut Scattered<T>, _: &mut Sums<T>) {}
}
