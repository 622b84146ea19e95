//! The inner loops, which add a block of branches to the sums of every pair of two tiles of
//! samples.
//!
//! Each loop is compiled for several instruction sets, and the best one that the machine supports
//! is selected at run time: AVX-512 (`V4` of `pulp`), AVX2 with FMA (`V3`), or the build target.
//! The bits of the sums do not depend on this choice, because the operations are the same and none
//! are contracted.

use pulp::{Arch, Simd, WithSimd};

use super::real::Real;

/// Samples in a tile.
pub(super) const TILE: usize = 32;

/// Data common to all pairs of two tiles. A tile has `TILE` values per branch.
pub(super) struct Tiles<'a, T> {
    pub(super) mine: &'a [T],
    pub(super) theirs: &'a [T],
    /// One length per branch.
    pub(super) lengths: &'a [T],
    /// Number of reads of each sample, and its reciprocal.
    pub(super) my_depths: [&'a [T]; 2],
    pub(super) their_depths: [&'a [T]; 2],
    /// The branches that each sample has reads below, as bits.
    pub(super) my_branches: &'a [u128],
    pub(super) their_branches: &'a [u128],
    /// The branches that may contribute to any pair; the others contribute nothing if neither
    /// sample has reads.
    pub(super) all: u128,
}

/// Location of the sums of two tiles. The sum of sample `i` of the first and sample `j` of the
/// second is at `i * stride + j`; the second sums, if any, are `second` places further on.
pub(super) struct Place<'a, T> {
    pub(super) sums: &'a mut [T],
    pub(super) stride: usize,
    pub(super) second: usize,
}

/// Runs `work` with the best instruction set of the machine.
#[inline(always)]
pub(super) fn dispatch<W: WithSimd>(work: W) -> W::Output {
    let arch = Arch::new();
    // Without the feature `x86-v3`, which would make Burn compile twice, `Arch` only detects
    // AVX-512.
    #[cfg(target_arch = "x86_64")]
    if let (Arch::Scalar, Some(simd)) = (arch, pulp::x86::V3::try_new()) {
        return Simd::vectorize(simd, work);
    }
    arch.dispatch(work)
}

/// Adds the smaller of the two values of each pair of samples, for each branch.
pub(super) fn add_smaller<T: Real>(tiles: &Tiles<'_, T>, place: Place<'_, T>) {
    struct Smaller<'a, 'b, T>(&'a Tiles<'a, T>, Place<'b, T>);

    impl<T: Real> WithSimd for Smaller<'_, '_, T> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            // Two vectors of the second tile times four samples of the first: as many sums as fit
            // the registers.
            match 2 * size_of::<S::f64s>() / T::BYTES {
                32.. => smaller::<T, 32>(self.0, self.1),
                16.. => smaller::<T, 16>(self.0, self.1),
                8.. => smaller::<T, 8>(self.0, self.1),
                _ => smaller::<T, 4>(self.0, self.1),
            }
        }
    }

    dispatch(Smaller(tiles, place));
}

#[inline(always)]
fn smaller<T: Real, const WIDTH: usize>(tiles: &Tiles<'_, T>, place: Place<'_, T>) {
    let (mine, _) = tiles.mine.as_chunks::<TILE>();
    let (theirs, _) = tiles.theirs.as_chunks::<TILE>();
    for i in (0..TILE).step_by(4) {
        for j in (0..TILE).step_by(WIDTH) {
            // One array per sample, because compilers do not vectorise an array of arrays.
            let start = |k: usize| (i + k) * place.stride + j;
            let load = |k: usize| -> [T; WIDTH] {
                let sums = place.sums[start(k)..].first_chunk();
                sums.copied().unwrap_or([T::default(); WIDTH])
            };
            let [mut a, mut b, mut c, mut d] = [0, 1, 2, 3].map(load);
            for (mine, theirs) in mine.iter().zip(theirs) {
                let (Some(&[p, q, r, s]), Some(theirs)) = (
                    mine[i..].first_chunk::<4>(),
                    theirs[j..].first_chunk::<WIDTH>(),
                ) else {
                    continue;
                };
                for k in 0..WIDTH {
                    a[k] += lesser(theirs[k], p);
                    b[k] += lesser(theirs[k], q);
                    c[k] += lesser(theirs[k], r);
                    d[k] += lesser(theirs[k], s);
                }
            }
            for (k, sums) in [a, b, c, d].iter().enumerate() {
                place.sums[(i + k) * place.stride + j..][..WIDTH].copy_from_slice(sums);
            }
        }
    }
}

#[inline(always)]
fn lesser<T: Real>(a: T, b: T) -> T {
    if a < b { a } else { b }
}

/// Adds the two values of `terms(one, other, length, depth of one, depth of other)`, which must be
/// symmetric, to the two sums of each pair: for branches marked `all`, for every pair; for others,
/// for pairs in which a sample has reads. An absent sample has value 0.
pub(super) fn add_terms<T: Real, F>(tiles: &Tiles<'_, T>, place: Place<'_, T>, terms: &F)
where
    F: Fn(T, T, T, [T; 2], [T; 2]) -> [T; 2],
{
    struct Terms<'a, 'b, T, F>(&'a Tiles<'a, T>, Place<'b, T>, &'a F);

    impl<T: Real, F: Fn(T, T, T, [T; 2], [T; 2]) -> [T; 2]> WithSimd for Terms<'_, '_, T, F> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(mut self, _: S) {
            of_mine::<T, F>(self.0, &mut self.1, self.2);
            of_theirs::<T, F>(self.0, &mut self.1, self.2);
        }
    }

    dispatch(Terms(tiles, place, terms));
}

/// Samples processed at once; with fewer, compilers do not vectorise the loops.
const WIDTH: usize = 16;

/// Branches over each sample of the first tile, with all samples of the second.
#[inline(always)]
fn of_mine<T: Real, F>(tiles: &Tiles<'_, T>, place: &mut Place<'_, T>, terms: &F)
where
    F: Fn(T, T, T, [T; 2], [T; 2]) -> [T; 2],
{
    let (mine, _) = tiles.mine.as_chunks::<TILE>();
    let (theirs, _) = tiles.theirs.as_chunks::<TILE>();
    for (i, &branches) in tiles.my_branches.iter().enumerate() {
        let my_depth = tiles.my_depths.map(|of| of[i]);
        for j in (0..TILE).step_by(WIDTH) {
            let [Some(depths), Some(inverses)] =
                tiles.their_depths.map(|of| of[j..].first_chunk::<WIDTH>())
            else {
                continue;
            };
            let first = i * place.stride + j;
            let second = first + place.second;
            let (mut a, mut b) = ([T::default(); WIDTH], [T::default(); WIDTH]);
            a.copy_from_slice(&place.sums[first..][..WIDTH]);
            b.copy_from_slice(&place.sums[second..][..WIDTH]);
            for branch in ones(branches | tiles.all, mine.len()) {
                let (my, length) = (mine[branch][i], tiles.lengths[branch]);
                let Some(theirs) = theirs[branch][j..].first_chunk::<WIDTH>() else {
                    continue;
                };
                for k in 0..WIDTH {
                    let [x, y] = terms(my, theirs[k], length, my_depth, [depths[k], inverses[k]]);
                    a[k] += x;
                    b[k] += y;
                }
            }
            place.sums[first..][..WIDTH].copy_from_slice(&a);
            place.sums[second..][..WIDTH].copy_from_slice(&b);
        }
    }
}

/// Branches over each sample of the second tile, with the samples of the first that have no reads
/// there.
#[inline(always)]
fn of_theirs<T: Real, F>(tiles: &Tiles<'_, T>, place: &mut Place<'_, T>, terms: &F)
where
    F: Fn(T, T, T, [T; 2], [T; 2]) -> [T; 2],
{
    let none = T::default();
    let (mine, _) = tiles.mine.as_chunks::<TILE>();
    let (theirs, _) = tiles.theirs.as_chunks::<TILE>();
    for (j, &branches) in tiles.their_branches.iter().enumerate() {
        let depth = tiles.their_depths.map(|of| of[j]);
        let branches = branches & !tiles.all;
        if branches == 0 {
            continue;
        }
        for i in (0..TILE).step_by(WIDTH) {
            let [Some(depths), Some(inverses)] =
                tiles.my_depths.map(|of| of[i..].first_chunk::<WIDTH>())
            else {
                continue;
            };
            let (mut a, mut b) = ([none; WIDTH], [none; WIDTH]);
            for branch in ones(branches, theirs.len()) {
                let (their, length) = (theirs[branch][j], tiles.lengths[branch]);
                let Some(mine) = mine[branch][i..].first_chunk::<WIDTH>() else {
                    continue;
                };
                for k in 0..WIDTH {
                    let [x, y] = terms(none, their, length, [depths[k], inverses[k]], depth);
                    let absent = mine[k] == none;
                    a[k] += if absent { x } else { none };
                    b[k] += if absent { y } else { none };
                }
            }
            for k in 0..WIDTH {
                let first = (i + k) * place.stride + j;
                place.sums[first] += a[k];
                place.sums[first + place.second] += b[k];
            }
        }
    }
}

/// Positions of the set bits below `end`.
#[inline(always)]
fn ones(mut bits: u128, end: usize) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = bits.trailing_zeros() as usize;
        bits &= bits.wrapping_sub(1);
        (bit < end).then_some(bit)
    })
}
