//! Numeric loops, to be inlined into functions that are compiled for several instruction sets.
//!
//! Sums use sixteen lanes, because compilers may not reorder floating-point sums; the result does
//! not depend on the instruction set.

/// Number of lanes of a sum.
pub(super) const LANES: usize = 16;

#[inline(always)]
fn fold(lanes: [f32; LANES], rest: f32) -> f32 {
    let mut lanes = lanes;
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
        half /= 2;
    }
    lanes[0] + rest
}

/// The sum of `values`.
#[inline(always)]
pub(super) fn sum(values: &[f32]) -> f32 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += value;
        }
    }
    fold(lanes, rest.iter().sum())
}

/// The dot product of two rows.
#[inline(always)]
pub(super) fn dot(left: &[f32], right: &[f32]) -> f32 {
    let (a, a_rest) = left.as_chunks::<LANES>();
    let (b, b_rest) = right.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    fold(lanes, rest)
}

/// The largest of `values`.
#[inline(always)]
pub(super) fn largest(values: &[f32]) -> f32 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = if value > *lane { value } else { *lane };
        }
    }
    lanes
        .into_iter()
        .chain(rest.iter().copied())
        .fold(f32::NEG_INFINITY, |a, b| if b > a { b } else { a })
}

/// Adds `factor` × `source` to `target`.
#[inline(always)]
pub(super) fn add_scaled(target: &mut [f32], source: &[f32], factor: f32) {
    for (target, source) in target.iter_mut().zip(source) {
        *target += factor * source;
    }
}

/// Adds the column sums of `rows` to `sums`; rows are as wide as `sums`.
#[inline(always)]
pub(super) fn add_columns(sums: &mut [f32], rows: &[f32]) {
    for row in rows.chunks_exact(sums.len()) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += value;
        }
    }
}

/// Sets every row of `rows` to `row`.
#[inline(always)]
pub(super) fn repeat(rows: &mut [f32], row: &[f32]) {
    for target in rows.chunks_exact_mut(row.len()) {
        target.copy_from_slice(row);
    }
}

/// The exponential of `x`, accurate to two units in the last place; 0 far below.
///
/// Cephes' `expf`: a power of two, and a polynomial for the remainder of at most ln 2 / 2.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // Adding it rounds to an integer, which is then in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let power = shifted - ROUND;
    let r = x - power * 0.693_359_4 + power * 2.121_944_4e-4;
    let mut y = 1.987_569_1e-4;
    y = y * r + 1.398_199_9e-3;
    y = y * r + 8.333_452e-3;
    y = y * r + 4.166_579_6e-2;
    y = y * r + 0.166_666_66;
    y = y * r + 0.5;
    y = y * r * r + r + 1.0;
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits());
    y * f32::from_bits(exponent.wrapping_add(127) << 23)
}

/// GELU of `x`, i.e. `x` times the standard normal distribution function at `x`, and its
/// derivative.
///
/// The error function is approximated as in Abramowitz and Stegun, *Handbook of Mathematical
/// Functions*, 7.1.26, with an error of at most 1.5e-7.
#[inline(always)]
pub(super) fn gelu(x: f32) -> (f32, f32) {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let mut y = 1.061_405_4;
    y = y * t - 1.453_152_1;
    y = y * t + 1.421_413_8;
    y = y * t - 0.284_496_74;
    y = y * t + 0.254_829_6;
    let bell = exp(-0.5 * x * x);
    let tail = 0.5 * y * t * bell;
    let share = if x < 0.0 { tail } else { 1.0 - tail };
    // 1 / sqrt(2 pi).
    (x * share, share + x * bell * 0.398_942_3)
}

/// Applies the softmax to `row`.
#[inline(always)]
pub(super) fn softmax(row: &mut [f32]) {
    let highest = largest(row);
    for value in row.iter_mut() {
        *value = exp(*value - highest);
    }
    let factor = 1.0 / sum(row);
    for value in row {
        *value *= factor;
    }
}

/// Converts the gradient with respect to the `weights` of a softmax to that with respect to its
/// scores, in place.
#[inline(always)]
pub(super) fn softmax_gradient(weights: &[f32], gradient: &mut [f32]) {
    let mean = dot(weights, gradient);
    for (gradient, weight) in gradient.iter_mut().zip(weights) {
        *gradient = weight * (*gradient - mean);
    }
}

/// Writes each row of `x`, normalised to mean 0 and variance 1, to `normed`, and the inverse of its
/// standard deviation to `scales`.
#[inline(always)]
pub(super) fn normalize(x: &[f32], normed: &mut [f32], scales: &mut [f32], epsilon: f32) {
    let width = x.len() / scales.len();
    let rows = x.chunks_exact(width).zip(normed.chunks_exact_mut(width));
    for ((x, normed), scale) in rows.zip(scales) {
        let mean = sum(x) / width as f32;
        for (normed, x) in normed.iter_mut().zip(x) {
            *normed = x - mean;
        }
        *scale = 1.0 / (dot(normed, normed) / width as f32 + epsilon).sqrt();
        for normed in normed.iter_mut() {
            *normed *= *scale;
        }
    }
}

/// Adds the gradient with respect to the input of [`normalize`], given that with respect to its
/// output.
#[inline(always)]
pub(super) fn add_normalize_gradient(
    target: &mut [f32],
    gradient: &[f32],
    normed: &[f32],
    scales: &[f32],
) {
    let width = target.len() / scales.len();
    let rows = target
        .chunks_exact_mut(width)
        .zip(gradient.chunks_exact(width))
        .zip(normed.chunks_exact(width));
    for (((target, gradient), normed), &scale) in rows.zip(scales) {
        let mean = sum(gradient) / width as f32;
        let along = dot(gradient, normed) / width as f32;
        for ((target, gradient), normed) in target.iter_mut().zip(gradient).zip(normed) {
            *target += scale * (gradient - mean - along * normed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_accurate_to_the_last_places() {
        for i in -8_800..8_800 {
            let x = i as f32 / 100.0;
            let expected = f64::from(x).exp();
            let error = (f64::from(exp(x)) - expected).abs() / expected;
            assert!(error < 3e-7 || x < -87.0, "{x}: {error}");
        }
        assert!(exp(-1e9) < 1e-37);
    }

    #[test]
    fn gelu_and_its_slope_match_the_error_function() {
        for i in -600..600 {
            let x = f64::from(i) / 100.0;
            let share = 0.5 * statrs::function::erf::erfc(-x / std::f64::consts::SQRT_2);
            let bell = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
            let (value, slope) = gelu(x as f32);
            assert!((f64::from(value) - x * share).abs() < 1e-6, "{x}");
            assert!((f64::from(slope) - share - x * bell).abs() < 1e-6, "{x}");
        }
    }

    #[test]
    fn sums_include_every_value() {
        let values: Vec<f32> = (0..37).map(|i| i as f32).collect();
        assert_eq!(sum(&values), 666.0);
        assert_eq!(dot(&values, &[2.0; 37]), 1332.0);
        assert_eq!(largest(&values), 36.0);
        assert_eq!(largest(&values[..3]), 2.0);
    }
}
