//! Gradient descent.

use aam_api::{GroupOptimizer, OptimizerConfig, ParameterGroup, PluginError};
use burn::optim::SgdConfig as BurnConfig;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Gradient descent with momentum, with weight decay as an L2 penalty.
///
/// Polyak, *Some methods of speeding up the convergence of iteration methods*, USSR Computational
/// Mathematics and Mathematical Physics 1964.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct SgdConfig {
    /// Decay of the momentum, in [0, 1); 0 for plain gradient descent.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1))]
    pub momentum: f64,
}

impl Default for SgdConfig {
    fn default() -> Self {
        Self { momentum: 0.9 }
    }
}

impl OptimizerConfig for SgdConfig {
    const NAME: &'static str = "sgd";

    fn init(&self, group: &ParameterGroup) -> Result<GroupOptimizer, PluginError> {
        let momentum = MomentumConfig::new()
            .with_momentum(self.momentum)
            .with_dampening(0.0);
        let config = BurnConfig::new()
            .with_momentum(Some(momentum))
            .with_weight_decay(Some(WeightDecayConfig::new(group.weight_decay as f32)));
        Ok(GroupOptimizer::elementwise(config.build()))
    }
}

aam_api::register!(aam_api::OptimizerKind, SgdConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizers::known::{after_two_updates, assert_near};

    #[test]
    fn updates_follow_the_formula() {
        // The velocities are 1.5 and 0.9 · 1.5 + 1 + 0.5 · 0.85.
        assert_near(after_two_updates(&SgdConfig::default()), 0.85 - 0.1 * 2.775);
        let plain = SgdConfig { momentum: 0.0 };
        assert_near(after_two_updates(&plain), 0.85 - 0.1 * 1.425);
    }
}
