//! Contributions of a branch to the two sums of a pair of samples, for the metrics that are not
//! sums of minima: generalized and variance-adjusted UniFrac.
//!
//! A depth is a sample's number of reads and its reciprocal.

use super::real::Real;

/// Terms of generalized UniFrac, from fractions of reads; `power(s)` is `s^α`.
pub(super) fn generalized<T: Real>(power: impl Fn(T) -> T) -> impl Fn(T, T, T) -> [T; 2] {
    move |m, t, length| {
        let both = m + t;
        let weight = length * power(both);
        let part = weight * (distance(m, t) / both);
        if both > T::of(0.0) {
            [part, weight]
        } else {
            [T::of(0.0); 2]
        }
    }
}

/// Terms of variance-adjusted unweighted UniFrac, from reads.
#[inline(always)]
pub(super) fn adjusted_unweighted<T: Real>(
    m: T,
    t: T,
    length: T,
    mine: [T; 2],
    theirs: [T; 2],
) -> [T; 2] {
    let none = T::of(0.0);
    let deviation = deviation(m + t, mine[0] + theirs[0]);
    let weight = length / deviation;
    let lesser = if m < t { m } else { t };
    let part = if lesser > none { none } else { weight };
    match deviation > none {
        true => [part, weight],
        false => [none; 2],
    }
}

/// Terms of variance-adjusted weighted UniFrac, from reads.
#[inline(always)]
pub(super) fn adjusted_weighted<T: Real>(
    m: T,
    t: T,
    length: T,
    mine: [T; 2],
    theirs: [T; 2],
) -> [T; 2] {
    let none = T::of(0.0);
    let deviation = deviation(m + t, mine[0] + theirs[0]);
    let weight = length / deviation;
    let (u, v) = (m * mine[1], t * theirs[1]);
    match deviation > none {
        true => [distance(u, v) * weight, (u + v) * weight],
        false => [none; 2],
    }
}

/// Terms of variance-adjusted generalized UniFrac, from reads; `power(s)` is `s^α`.
pub(super) fn adjusted_generalized<T: Real>(
    power: impl Fn(T) -> T,
) -> impl Fn(T, T, T, [T; 2], [T; 2]) -> [T; 2] {
    move |m, t, length, mine, theirs| {
        let none = T::of(0.0);
        let deviation = deviation(m + t, mine[0] + theirs[0]);
        let (u, v) = (m * mine[1], t * theirs[1]);
        let weight = power((u + v) / deviation) * length;
        match deviation > none {
            true => [weight * (distance(u, v) / (u + v)), weight],
            false => [none; 2],
        }
    }
}

#[inline(always)]
fn distance<T: Real>(m: T, t: T) -> T {
    if m > t { m - t } else { t - m }
}

/// √(reads·(all − reads)), proportional to the standard deviation of `reads` out of `all`.
#[inline(always)]
fn deviation<T: Real>(reads: T, all: T) -> T {
    (reads * (all - reads)).root()
}
