//! Learning-rate schedule: linear warm-up, then half a cosine down to zero.

use std::f64::consts::PI;

/// Warm-up and cosine decay over a run of known length.
///
/// Update `k` (from 0) of `total` has the rate `peak · (k + 1) / (warmup + 1)` while
/// `k < warmup`, then `peak · ½ (1 + cos(π (k − warmup) / (total − warmup)))`. The first update is
/// small, the last is not zero, and a warm-up that does not fit the run is shortened to a tenth
/// of it.
#[derive(Clone, Debug, PartialEq)]
pub struct WarmupCosine {
    peak: f64,
    warmup: usize,
    total: usize,
}

impl WarmupCosine {
    /// A schedule of `total` updates with its peak after `warmup` of them.
    pub fn new(peak: f64, warmup: usize, total: usize) -> Self {
        let total = total.max(1);
        let warmup = match warmup < total {
            true => warmup,
            false => total / 10,
        };
        Self {
            peak,
            warmup,
            total,
        }
    }

    /// Updates of the warm-up, after shortening.
    pub fn warmup(&self) -> usize {
        self.warmup
    }

    /// The rate of update `k`, from 0.
    pub fn rate(&self, k: usize) -> f64 {
        if k < self.warmup {
            return self.peak * (k + 1) as f64 / (self.warmup + 1) as f64;
        }
        let k = k.min(self.total - 1);
        let progress = (k - self.warmup) as f64 / (self.total - self.warmup) as f64;
        self.peak * 0.5 * (1.0 + (PI * progress).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_then_falls_and_never_rises_again() {
        let schedule = WarmupCosine::new(1.0, 4, 20);
        let rates: Vec<f64> = (0..25).map(|k| schedule.rate(k)).collect();
        assert!((rates[0] - 0.2).abs() < 1e-12);
        assert!((rates[4] - 1.0).abs() < 1e-12);
        assert!((rates[12] - 0.5).abs() < 1e-12);
        assert!(rates[..5].windows(2).all(|pair| pair[0] < pair[1]));
        assert!(rates[4..].windows(2).all(|pair| pair[0] >= pair[1]));
        assert!(rates[19] > 0.0);
    }

    #[test]
    fn a_warmup_longer_than_the_run_is_shortened() {
        let schedule = WarmupCosine::new(1.0, 10_000, 50);
        assert_eq!(schedule.warmup(), 5);
        assert!((schedule.rate(5) - 1.0).abs() < 1e-12);
        assert!(WarmupCosine::new(1.0, 1, 1).rate(0) > 0.0);
    }
}
