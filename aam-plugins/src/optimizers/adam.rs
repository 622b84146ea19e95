//! Adam.

use aam_api::{GroupOptimizer, OptimizerConfig, ParameterGroup, PluginError};
use burn::optim::AdamConfig as BurnConfig;
use burn::optim::decay::WeightDecayConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Adam, with weight decay as an L2 penalty.
///
/// Each parameter moves by the running mean of its gradients divided by the root of the running mean of
/// their squares. Kingma and Ba, *Adam: a method for stochastic optimization*, ICLR 2015.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct AdamConfig {
    /// β₁: decay of the running mean of gradients, in [0, 1).
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1))]
    pub beta1: f64,
    /// β₂: decay of the running mean of squared gradients, in [0, 1).
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1))]
    pub beta2: f64,
    /// ε: added to the root of the mean of squares, above 0.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub epsilon: f64,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        }
    }
}

impl OptimizerConfig for AdamConfig {
    const NAME: &'static str = "adam";

    fn init(&self, group: &ParameterGroup) -> Result<GroupOptimizer, PluginError> {
        let config = BurnConfig::new()
            .with_beta_1(self.beta1 as f32)
            .with_beta_2(self.beta2 as f32)
            .with_epsilon(self.epsilon as f32)
            .with_weight_decay(Some(WeightDecayConfig::new(group.weight_decay as f32)));
        Ok(GroupOptimizer::elementwise(config.build()))
    }
}

aam_api::register!(aam_api::OptimizerKind, AdamConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizers::known::{after_two_updates, assert_near};

    #[test]
    fn updates_follow_the_formula() {
        assert_near(after_two_updates(&AdamConfig::default()), 0.8);
    }
}
