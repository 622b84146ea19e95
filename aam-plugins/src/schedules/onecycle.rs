//! One-cycle schedule.

use aam_api::{PluginError, Schedule, ScheduleConfig, ScheduleContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::half_cosine;

/// Rises over the first three tenths of the run and then falls to almost nothing.
///
/// A cosine from `peak / 25` up to `peak` over the first three tenths of the updates, then another down to
/// `peak / 250000`. Smith and Topin, *Super-convergence: very fast training of neural networks using large
/// learning rates*, 2019.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct OnecycleConfig {}

/// The schedule that [`OnecycleConfig`] builds.
#[derive(Clone, Debug)]
pub struct Onecycle {
    peak: f64,
    total: usize,
}

impl ScheduleConfig for OnecycleConfig {
    const NAME: &'static str = "onecycle";
    type Schedule = Onecycle;

    fn init(&self, context: &ScheduleContext) -> Result<Onecycle, PluginError> {
        Ok(Onecycle {
            peak: context.peak,
            total: context.total,
        })
    }
}

impl Schedule for Onecycle {
    fn rate(&self, k: usize) -> f64 {
        let last = self.total - 1;
        let first = self.peak / 25.0;
        let top = (0.3 * self.total as f64 - 1.0).max(0.0);
        let (k, end) = (k.min(last) as f64, last as f64);
        match k < top {
            true => half_cosine(first, self.peak, k / top),
            false => half_cosine(self.peak, first / 1e4, (k - top) / (end - top).max(1.0)),
        }
    }
}

aam_api::register!(aam_api::ScheduleKind, OnecycleConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedules::known::{assert_rates, schedule};

    #[test]
    fn rates_match_pytorch() {
        let schedule = schedule(&OnecycleConfig::default(), 1e-3, 20);
        assert_rates(
            &schedule,
            &[
                (0, 4e-5),
                (1, 0.000_131_671_842_700_025_2),
                (4, 0.000_908_328_157_299_974_7),
                (5, 1e-3),
                (6, 0.000_987_464_006_235_087_5),
                (19, 4e-9),
            ],
        );
    }
}
