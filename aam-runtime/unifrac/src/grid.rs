//! Rounding to a grid that makes sums exact.
//!
//! A distance must have the same bits whether it is computed in a batch or in the matrix of all
//! samples, although branches are added in different orders. In double precision, values are
//! therefore rounded, before they are added, to multiples of a power of two large enough for every
//! sum to fit 53 bits. Such sums have no rounding errors and do not depend on the order. The
//! remaining error, half the power of two per branch, is no larger than that of ordinary sequential
//! summation.

use super::metric::{Adjusted, Metric};
use super::real::Real;

/// Multiples of a power of two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    step: f64,
    steps_per_unit: f64,
}

impl Grid {
    /// The grid for sums over the branches of a tree (`parent`s come after their children, the root
    /// last) and samples with `depths` reads.
    pub(super) fn new(metric: Metric, parent: &[u32], length: &[f64], depths: &[f64]) -> Self {
        let root = parent.len() - 1;
        let all: f64 = length[..root].iter().sum();
        let path = || {
            let mut height = vec![0.0; parent.len()];
            for node in (0..root).rev() {
                height[node] = height[parent[node] as usize] + length[node];
            }
            height.into_iter().fold(0.0, f64::max)
        };
        // At least one read lies below a branch and at least one does not.
        let deviation = || {
            let some = depths.iter().copied().filter(|&depth| depth > 0.0);
            (some.fold(f64::INFINITY, f64::min) - 1.0).max(1.0).sqrt()
        };
        // For the generalized forms, by Hölder's inequality:
        // Σ b·sᵅ = Σ (b·s)ᵅ·b¹⁻ᵅ ≤ (Σ b·s)ᵅ·(Σ b)¹⁻ᵅ.
        let between = |weighted: f64, alpha: f64| weighted.powf(alpha) * all.powf(1.0 - alpha);
        // An upper bound of the sums: for one sample, or for two with a spare bit for `round`.
        let largest = match metric {
            Metric::Unweighted | Metric::UnweightedUnnormalized => all,
            Metric::Weighted | Metric::WeightedNormalized => path(),
            Metric::Generalized { alpha } => 4.0 * between(path(), alpha),
            Metric::VarianceAdjusted(Adjusted::Unweighted) => 2.0 * all / deviation(),
            Metric::VarianceAdjusted(Adjusted::Weighted | Adjusted::WeightedNormalized) => {
                4.0 * path() / deviation()
            }
            Metric::VarianceAdjusted(Adjusted::Generalized { alpha }) => {
                2.0 * between(2.0 * path() / deviation(), alpha)
            }
        };
        // Rounding may have made the sum slightly larger.
        let exponent = (largest * (1.0 + 1e-6)).log2().ceil();
        let (step, steps_per_unit) = ((exponent - 53.0).exp2(), (53.0 - exponent).exp2());
        match step.is_normal() && steps_per_unit.is_normal() {
            true => Self {
                step,
                steps_per_unit,
            },
            // All branches have zero length, or the lengths are out of range.
            false => Self {
                step: 1.0,
                steps_per_unit: f64::INFINITY,
            },
        }
    }

    /// The multiple nearest to `value`.
    pub(super) fn nearest(self, value: f64) -> f64 {
        if self.steps_per_unit.is_infinite() {
            return value;
        }
        (value * self.steps_per_unit).round_ties_even() * self.step
    }

    /// The multiples nearest to `values`, which are at most half of the largest sum; in single
    /// precision, the values are returned unchanged.
    #[inline(always)]
    pub(super) fn round<T: Real>(self, values: [T; 2]) -> [T; 2] {
        if T::BYTES < size_of::<f64>() || self.steps_per_unit.is_infinite() {
            return values;
        }
        // Between 2⁵² and 2⁵³ steps, adjacent numbers are one step apart.
        let shift = T::of(self.step * (1u64 << 52) as f64);
        values.map(|value| (value + shift) - shift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_on_the_grid_do_not_depend_on_order() {
        // Three tips attached to the root.
        let length = [0.1, 0.2, 0.3, 0.0];
        let grid = Grid::new(Metric::Unweighted, &[3, 3, 3, 3], &length, &[]);
        let [a, b, c] = [0, 1, 2].map(|tip| grid.nearest(length[tip]));
        assert_ne!(
            length[0] + length[1] + length[2],
            length[2] + length[1] + length[0]
        );
        assert_eq!(a + b + c, c + b + a);
        assert!((a - length[0]).abs() < 1e-15);
    }

    #[test]
    fn trees_without_length_are_unchanged() {
        for length in [0.0, f64::MAX, f64::MIN_POSITIVE / 8.0] {
            let grid = Grid::new(Metric::Weighted, &[2, 2, 2], &[length, length, 0.0], &[]);
            assert_eq!(grid.nearest(length), length);
        }
    }
}
