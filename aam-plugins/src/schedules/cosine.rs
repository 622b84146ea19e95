//! Cosine annealing.

use aam_api::{PluginError, Schedule, ScheduleConfig, ScheduleContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::half_cosine;

/// Half a cosine over the whole run.
///
/// `low + (peak − low) · ½ (1 + cos(π k / total))`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct CosineConfig {
    /// Lowest learning rate of the cosine.
    #[schemars(range(min = 0.0))]
    pub eta_min: f64,
}

/// The schedule that [`CosineConfig`] builds.
#[derive(Clone, Debug)]
pub struct Cosine {
    peak: f64,
    lowest: f64,
    total: usize,
}

impl ScheduleConfig for CosineConfig {
    const NAME: &'static str = "cosine";
    type Schedule = Cosine;

    fn init(&self, context: &ScheduleContext) -> Result<Cosine, PluginError> {
        Ok(Cosine {
            peak: context.peak,
            lowest: self.eta_min.min(context.peak),
            total: context.total,
        })
    }
}

impl Schedule for Cosine {
    fn rate(&self, k: usize) -> f64 {
        let place = k.min(self.total - 1);
        half_cosine(self.peak, self.lowest, place as f64 / self.total as f64)
    }
}

aam_api::register!(aam_api::ScheduleKind, CosineConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedules::known::{assert_rates, schedule};

    #[test]
    fn rates_match_pytorch() {
        let schedule = schedule(&CosineConfig::default(), 1e-3, 20);
        assert_rates(
            &schedule,
            &[
                (0, 1e-3),
                (1, 0.000_993_844_170_297_568_8),
                (5, 0.000_853_553_390_593_273_7),
                (7, 0.000_726_995_249_869_773_4),
            ],
        );
    }
}
