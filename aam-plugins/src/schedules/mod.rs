//! Schedules: the learning rate of each update `k`, counted from 0, in a run of `total` updates with a
//! highest learning rate of `peak`.

pub mod constant;
pub mod cosine;
pub mod cosine_restarts;
pub mod onecycle;
pub mod plateau;
pub mod warmup_cosine;

use std::f64::consts::PI;

use aam_api::ScheduleContext;

/// Half a cosine from `start` to `end`; `progress` is in [0, 1].
fn half_cosine(start: f64, end: f64, progress: f64) -> f64 {
    end + (start - end) * 0.5 * (1.0 + (PI * progress).cos())
}

/// A linear rise over the first updates of a run, `peak · (k + 1) / (updates + 1)`, so that the first rate
/// is small but not zero.
#[derive(Clone, Copy, Debug)]
struct Warmup {
    peak: f64,
    updates: usize,
}

impl Warmup {
    /// A warm-up over `warmup` updates, or, below 1, over that fraction of the run. If it does not fit the
    /// run, it is shortened to a tenth of it.
    fn new(warmup: f64, context: &ScheduleContext) -> Self {
        let total = context.total;
        let updates = match warmup {
            fraction if fraction < 1.0 => (fraction * total as f64).round() as usize,
            updates => updates as usize,
        };
        Self {
            peak: context.peak,
            updates: if updates < total { updates } else { total / 10 },
        }
    }

    /// The learning rate of update `k`, if it is part of the warm-up.
    fn rate(&self, k: usize) -> Option<f64> {
        let rate = || self.peak * (k + 1) as f64 / (self.updates + 1) as f64;
        (k < self.updates).then(rate)
    }
}

#[cfg(test)]
pub(crate) mod known {
    use aam_api::{Schedule, ScheduleConfig, ScheduleContext};

    /// The schedule that `config` builds for a run of `total` updates with a highest learning rate of
    /// `peak`.
    pub(crate) fn schedule<C: ScheduleConfig>(config: &C, peak: f64, total: usize) -> C::Schedule {
        let built = config.init(&ScheduleContext::new(peak, total));
        built.expect("valid options")
    }

    #[track_caller]
    pub(crate) fn assert_rates(schedule: &dyn Schedule, expected: &[(usize, f64)]) {
        for &(k, rate) in expected {
            let found = schedule.rate(k);
            assert!(
                (found - rate).abs() < 1e-12,
                "update {k}: {found} for {rate}"
            );
        }
    }
}
