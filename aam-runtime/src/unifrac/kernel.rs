//! The inner loops: what one sample and a tile of others add to their sums over a block of
//! branches.

/// Samples in a tile: as many f64 as one cache line holds.
pub(super) const TILE: usize = 8;

/// Adds `|mine − theirs|` per branch, for values that are scaled by branch length.
///
/// Branch by branch into one sum per pair, so that the order of additions, and with it every
/// bit of the result, depends neither on how branches fall into blocks nor on other samples.
pub(super) fn add_differences(sums: &mut [f64], mine: &[f64], tile: &[[f64; TILE]]) {
    let Some(sums) = sums.first_chunk_mut::<TILE>() else {
        return;
    };
    let mut local = *sums;
    for (m, theirs) in mine.iter().zip(tile) {
        for (sum, t) in local.iter_mut().zip(theirs) {
            *sum += (m - t).abs();
        }
    }
    *sums = local;
}

/// Adds numerator and denominator of generalized UniFrac per branch: `sums` holds `TILE` of the
/// first, then `TILE` of the second. `power(s)` is `s^α`.
pub(super) fn add_generalized(
    sums: &mut [f64],
    mine: &[f64],
    tile: &[[f64; TILE]],
    lengths: &[f64],
    power: impl Fn(f64) -> f64,
) {
    let (numerators, denominators) = sums.split_at_mut(TILE);
    for ((m, theirs), length) in mine.iter().zip(tile).zip(lengths) {
        for (k, t) in theirs.iter().enumerate() {
            let both = m + t;
            if both > 0.0 {
                let weight = length * power(both);
                numerators[k] += weight * ((m - t).abs() / both);
                denominators[k] += weight;
            }
        }
    }
}
