//! A constant learning rate.

use aam_api::{PluginError, Schedule, ScheduleConfig, ScheduleContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Warmup;

/// Linear warm-up, then constant.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ConstantScheduleConfig {
    /// Updates over which the learning rate rises: a number from 1, or below 1 a fraction of the run.
    #[schemars(range(min = 0.0))]
    pub warmup: f64,
}

impl Default for ConstantScheduleConfig {
    fn default() -> Self {
        Self { warmup: 0.1 }
    }
}

/// The schedule that [`ConstantScheduleConfig`] builds.
#[derive(Clone, Debug)]
pub struct ConstantSchedule {
    peak: f64,
    warmup: Warmup,
}

impl ScheduleConfig for ConstantScheduleConfig {
    const NAME: &'static str = "constant";
    type Schedule = ConstantSchedule;

    fn init(&self, context: &ScheduleContext) -> Result<ConstantSchedule, PluginError> {
        Ok(ConstantSchedule {
            peak: context.peak,
            warmup: Warmup::new(self.warmup, context),
        })
    }
}

impl Schedule for ConstantSchedule {
    fn rate(&self, k: usize) -> f64 {
        self.warmup.rate(k).unwrap_or(self.peak)
    }
}

aam_api::register!(aam_api::ScheduleKind, ConstantScheduleConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedules::known::{assert_rates, schedule};

    #[test]
    fn the_rate_is_reached_by_a_warmup() {
        let config = ConstantScheduleConfig { warmup: 3.0 };
        let expected = [(0, 2.5e-4), (2, 7.5e-4), (3, 1e-3), (19, 1e-3)];
        assert_rates(&schedule(&config, 1e-3, 20), &expected);
    }
}
