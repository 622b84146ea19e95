//! Cosine annealing with restarts.

use aam_api::options::Facts;
use aam_api::{PluginError, Schedule, ScheduleConfig, ScheduleContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::half_cosine;

/// Half cosines with restarts, each longer than the previous one.
///
/// Loshchilov and Hutter, *SGDR: stochastic gradient descent with warm restarts*, ICLR 2017.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct CosineRestartsConfig {
    /// Updates of the first cosine; if unset, a quarter of the run.
    #[schemars(range(min = 1, max = 1_000_000_000), transform = Facts::new().was_option("scheduler-t0").because("as in the reference"))]
    pub t0: Option<usize>,
    /// How many times longer each cosine is than the previous one.
    #[schemars(range(min = 1, max = 1_000_000), transform = Facts::new().was_option("scheduler-t-mult").because("as in the reference"))]
    pub t_mult: usize,
    /// Lowest learning rate of the cosine.
    #[schemars(range(min = 0.0))]
    pub eta_min: f64,
}

impl Default for CosineRestartsConfig {
    fn default() -> Self {
        Self {
            t0: None,
            t_mult: 2,
            eta_min: 0.0,
        }
    }
}

/// The schedule that [`CosineRestartsConfig`] builds.
#[derive(Clone, Debug)]
pub struct CosineRestarts {
    peak: f64,
    lowest: f64,
    first: usize,
    factor: usize,
}

impl ScheduleConfig for CosineRestartsConfig {
    const NAME: &'static str = "cosine-restarts";
    type Schedule = CosineRestarts;

    fn init(&self, context: &ScheduleContext) -> Result<CosineRestarts, PluginError> {
        Ok(CosineRestarts {
            peak: context.peak,
            lowest: self.eta_min.min(context.peak),
            first: self.t0.unwrap_or(context.total / 4).max(1),
            factor: self.t_mult.max(1),
        })
    }
}

impl Schedule for CosineRestarts {
    fn rate(&self, k: usize) -> f64 {
        let (mut place, mut length) = (k, self.first);
        while place >= length {
            place -= length;
            length = length.saturating_mul(self.factor);
        }
        half_cosine(self.peak, self.lowest, place as f64 / length as f64)
    }
}

aam_api::register!(aam_api::ScheduleKind, CosineRestartsConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedules::known::{assert_rates, schedule};

    #[test]
    fn rates_match_pytorch() {
        let config = CosineRestartsConfig {
            eta_min: 1e-6,
            ..CosineRestartsConfig::default()
        };
        assert_rates(
            &schedule(&config, 1e-3, 20),
            &[
                (1, 0.000_904_603_988_690_286_4),
                (4, 9.639_601_130_971_382e-5),
                (5, 1e-3),
                (6, 0.000_975_552_729_889_429_4),
                (7, 0.000_904_603_988_690_286_4),
                (15, 1e-3),
            ],
        );
    }
}
