//! Confidence intervals of proportions.

/// Standard normal quantile of a two-sided 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

/// The 95 % interval of a proportion with `hits` in `count` samples (Wilson 1927).
pub fn wilson(hits: f64, count: f64) -> (f64, f64) {
    let share = hits / count;
    let squared = Z * Z / count;
    let middle = (share + squared / 2.0) / (1.0 + squared);
    let spread = share * (1.0 - share) / count + squared / (4.0 * count);
    let half = Z / (1.0 + squared) * spread.sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // 8 of 10, as computed by statsmodels' proportion_confint with Wilson's method.
        let (low, high) = wilson(8.0, 10.0);
        assert!((low - 0.490_162).abs() < 1e-5 && (high - 0.943_318).abs() < 1e-5);
        assert_eq!(wilson(0.0, 5.0).0, 0.0);
    }
}
