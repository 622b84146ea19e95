//! Numbers whose sums are exact.
//!
//! A distance must have the same bits whether it is computed in a batch or in the matrix of all
//! samples, and there branches are added in different orders. So the numbers of unweighted and
//! weighted UniFrac are rounded, before they are added, to multiples of a power of two that is so
//! large that every sum of them fits 53 bits: such sums have no rounding errors, and no order. The
//! error that remains, half the power of two for each branch, is what adding one after the other
//! would leave, too.

use super::metric::Metric;

/// Multiples of a power of two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    step: f64,
    steps_per_unit: f64,
}

impl Grid {
    /// The grid for sums over the branches of a tree (`parent`s after their children, the root
    /// last).
    pub(super) fn new(metric: Metric, parent: &[u32], length: &[f64]) -> Self {
        let root = parent.len() - 1;
        // No sample's sum is larger: all branches, or those above the tip that is farthest away.
        let largest = match metric {
            Metric::Weighted | Metric::WeightedNormalized => {
                let mut height = vec![0.0; parent.len()];
                for node in (0..root).rev() {
                    height[node] = height[parent[node] as usize] + length[node];
                }
                height.into_iter().fold(0.0, f64::max)
            }
            _ => length[..root].iter().sum(),
        };
        // Rounding may have made the sum a little larger.
        let exponent = (largest * (1.0 + 1e-6)).log2().ceil();
        let (step, steps_per_unit) = ((exponent - 53.0).exp2(), (53.0 - exponent).exp2());
        match step.is_normal() && steps_per_unit.is_normal() {
            true => Self {
                step,
                steps_per_unit,
            },
            // No branch has a length, or one is beyond all reason.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_on_the_grid_have_no_order() {
        // Three tips on the root.
        let length = [0.1, 0.2, 0.3, 0.0];
        let grid = Grid::new(Metric::Unweighted, &[3, 3, 3, 3], &length);
        let [a, b, c] = [0, 1, 2].map(|tip| grid.nearest(length[tip]));
        assert_ne!(
            length[0] + length[1] + length[2],
            length[2] + length[1] + length[0]
        );
        assert_eq!(a + b + c, c + b + a);
        assert!((a - length[0]).abs() < 1e-15);
    }

    #[test]
    fn trees_without_length_are_left_alone() {
        for length in [0.0, f64::MAX, f64::MIN_POSITIVE / 8.0] {
            let grid = Grid::new(Metric::Weighted, &[2, 2, 2], &[length, length, 0.0]);
            assert_eq!(grid.nearest(length), length);
        }
    }
}
