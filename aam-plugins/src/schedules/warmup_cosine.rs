//! Warm-up followed by cosine annealing.

use aam_api::options::Facts;
use aam_api::{PluginError, Schedule, ScheduleConfig, ScheduleContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Warmup, half_cosine};

/// Linear warm-up, then half a cosine.
///
/// The cosine, `low + (peak − low) · ½ (1 + cos(π k / length))`, covers the part of the run after the
/// warm-up.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(transform = Facts::new().because("as in the reference, with the warm-up corrected"))]
pub struct WarmupCosineConfig {
    /// Updates over which the learning rate rises: a number from 1, or below 1 a fraction of the run.
    #[schemars(
        range(min = 0.0),
        transform = Facts::new().was_option("warmup").was("warmup-steps")
            .because("a tenth fits every run; a fixed number would be longer than most")
    )]
    pub warmup: f64,
    /// Lowest learning rate of the cosine.
    #[schemars(range(min = 0.0), transform = Facts::new().was_option("scheduler-eta-min").because("as in PyTorch"))]
    pub eta_min: f64,
}

impl Default for WarmupCosineConfig {
    fn default() -> Self {
        Self {
            warmup: 0.1,
            eta_min: 0.0,
        }
    }
}

/// The schedule that [`WarmupCosineConfig`] builds.
#[derive(Clone, Debug)]
pub struct WarmupCosine {
    peak: f64,
    lowest: f64,
    total: usize,
    warmup: Warmup,
}

impl ScheduleConfig for WarmupCosineConfig {
    const NAME: &'static str = "warmup-cosine";
    type Schedule = WarmupCosine;

    fn init(&self, context: &ScheduleContext) -> Result<WarmupCosine, PluginError> {
        Ok(WarmupCosine {
            peak: context.peak,
            lowest: self.eta_min.min(context.peak),
            total: context.total,
            warmup: Warmup::new(self.warmup, context),
        })
    }
}

impl Schedule for WarmupCosine {
    fn rate(&self, k: usize) -> f64 {
        self.warmup.rate(k).unwrap_or_else(|| {
            let place = k.min(self.total - 1) - self.warmup.updates;
            let length = self.total - self.warmup.updates;
            half_cosine(self.peak, self.lowest, place as f64 / length as f64)
        })
    }
}

aam_api::register!(aam_api::ScheduleKind, WarmupCosineConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedules::known::schedule;

    fn warmup_cosine(warmup: f64, total: usize) -> WarmupCosine {
        let config = WarmupCosineConfig {
            warmup,
            ..WarmupCosineConfig::default()
        };
        schedule(&config, 1.0, total)
    }

    #[test]
    fn rises_then_falls_and_never_rises_again() {
        for schedule in [warmup_cosine(4.0, 20), warmup_cosine(0.2, 20)] {
            let rates: Vec<f64> = (0..25).map(|k| schedule.rate(k)).collect();
            assert!((rates[0] - 0.2).abs() < 1e-12);
            assert!((rates[4] - 1.0).abs() < 1e-12);
            assert!((rates[12] - 0.5).abs() < 1e-12);
            assert!(rates[..5].windows(2).all(|pair| pair[0] < pair[1]));
            assert!(rates[4..].windows(2).all(|pair| pair[0] >= pair[1]));
            assert!(rates[19] > 0.0);
        }
    }

    #[test]
    fn a_warmup_longer_than_the_run_is_shortened() {
        let schedule = warmup_cosine(10_000.0, 50);
        assert!(schedule.rate(4) < 1.0);
        assert!((schedule.rate(5) - 1.0).abs() < 1e-12);
        assert!(warmup_cosine(1.0, 1).rate(0) > 0.0);
    }
}
