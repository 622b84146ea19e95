//! The inner loops: what a block of branches adds to the sums of every pair of two tiles of
//! samples.
//!
//! Each loop is compiled for several instruction sets, of which the machine's best is taken.
//! Sums go branch by branch, so that their bits depend neither on that choice nor on how branches
//! fall into blocks.

use pulp::{Arch, Simd, WithSimd};

use super::real::Real;

/// Samples in a tile.
pub(super) const TILE: usize = 32;
/// Samples of the first tile that are taken at once.
const ROWS: usize = 4;

/// What is the same for all pairs of two tiles. A tile holds `TILE` numbers for each branch.
pub(super) struct Tiles<'a, T> {
    pub(super) mine: &'a [T],
    pub(super) theirs: &'a [T],
    /// One for each branch.
    pub(super) lengths: &'a [T],
    /// Reads of each sample, and one by them.
    pub(super) my_depths: &'a [[T; 2]],
    pub(super) their_depths: &'a [[T; 2]],
}

/// Where the sums of two tiles stand: those of the sample `i` of the first with the sample `j` of
/// the second at `i * stride + j`, the second sums, if there are such, `second` after the first.
pub(super) struct Place<'a, T> {
    pub(super) sums: &'a mut [T],
    pub(super) stride: usize,
    pub(super) second: usize,
}

/// Adds the smaller of the two numbers of each pair of samples, for each branch.
pub(super) fn add_smaller<T: Real>(tiles: &Tiles<'_, T>, place: Place<'_, T>) {
    struct Smaller<'a, 'b, T>(&'a Tiles<'a, T>, Place<'b, T>);

    impl<T: Real> WithSimd for Smaller<'_, '_, T> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            match T::BYTES {
                4 => smaller::<T, 32>(self.0, self.1),
                _ => smaller::<T, 16>(self.0, self.1),
            }
        }
    }

    Arch::new().dispatch(Smaller(tiles, place));
}

#[inline(always)]
fn smaller<T: Real, const WIDTH: usize>(tiles: &Tiles<'_, T>, place: Place<'_, T>) {
    let (mine, _) = tiles.mine.as_chunks::<TILE>();
    let (theirs, _) = tiles.theirs.as_chunks::<TILE>();
    for i in (0..TILE).step_by(ROWS) {
        for j in (0..TILE).step_by(WIDTH) {
            let mut sums = [[T::default(); WIDTH]; ROWS];
            for (k, sums) in sums.iter_mut().enumerate() {
                sums.copy_from_slice(&place.sums[(i + k) * place.stride + j..][..WIDTH]);
            }
            for (mine, theirs) in mine.iter().zip(theirs) {
                let (Some(mine), Some(theirs)) = (
                    mine[i..].first_chunk::<ROWS>(),
                    theirs[j..].first_chunk::<WIDTH>(),
                ) else {
                    continue;
                };
                for (sums, &m) in sums.iter_mut().zip(mine) {
                    for (sum, &t) in sums.iter_mut().zip(theirs) {
                        *sum += if t < m { t } else { m };
                    }
                }
            }
            for (k, sums) in sums.iter().enumerate() {
                place.sums[(i + k) * place.stride + j..][..WIDTH].copy_from_slice(sums);
            }
        }
    }
}

/// Adds the two numbers that `terms(mine, theirs, length, my depth, their depth)` makes, for each
/// pair of samples and each branch, to its two sums.
pub(super) fn add_terms<T: Real, F>(tiles: &Tiles<'_, T>, place: Place<'_, T>, terms: F)
where
    F: Fn(T, T, T, [T; 2], [T; 2]) -> [T; 2],
{
    struct Terms<'a, 'b, T, F>(&'a Tiles<'a, T>, Place<'b, T>, F);

    impl<T: Real, F: Fn(T, T, T, [T; 2], [T; 2]) -> [T; 2]> WithSimd for Terms<'_, '_, T, F> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            pairs::<T, 16, F>(self.0, self.1, &self.2);
        }
    }

    Arch::new().dispatch(Terms(tiles, place, terms));
}

#[inline(always)]
fn pairs<T: Real, const WIDTH: usize, F>(tiles: &Tiles<'_, T>, place: Place<'_, T>, terms: &F)
where
    F: Fn(T, T, T, [T; 2], [T; 2]) -> [T; 2],
{
    let (mine, _) = tiles.mine.as_chunks::<TILE>();
    let (theirs, _) = tiles.theirs.as_chunks::<TILE>();
    for (i, &my_depth) in tiles.my_depths.iter().enumerate() {
        for j in (0..TILE).step_by(WIDTH) {
            let Some(depths) = tiles.their_depths[j..].first_chunk::<WIDTH>() else {
                continue;
            };
            let first = i * place.stride + j;
            let second = first + place.second;
            let (mut a, mut b) = ([T::default(); WIDTH], [T::default(); WIDTH]);
            a.copy_from_slice(&place.sums[first..][..WIDTH]);
            b.copy_from_slice(&place.sums[second..][..WIDTH]);
            for ((mine, theirs), &length) in mine.iter().zip(theirs).zip(tiles.lengths) {
                let Some(theirs) = theirs[j..].first_chunk::<WIDTH>() else {
                    continue;
                };
                for k in 0..WIDTH {
                    let [x, y] = terms(mine[i], theirs[k], length, my_depth, depths[k]);
                    a[k] += x;
                    b[k] += y;
                }
            }
            place.sums[first..][..WIDTH].copy_from_slice(&a);
            place.sums[second..][..WIDTH].copy_from_slice(&b);
        }
    }
}
