//! Lion.

use aam_api::{GroupOptimizer, OptimizerConfig, ParameterGroup, PluginError};
use burn::optim::LionConfig as BurnConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The sign of a momentum, with decoupled weight decay; needs about a tenth of AdamW's learning rate and
/// ten times its decay.
///
/// Chen et al., *Symbolic discovery of optimization algorithms*, NeurIPS 2023.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct LionConfig {
    /// β₁: weight of the momentum in an update, the rest being the gradient, in [0, 1).
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1))]
    pub beta1: f64,
    /// β₂: decay of the momentum, in [0, 1).
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1))]
    pub beta2: f64,
}

impl Default for LionConfig {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.99,
        }
    }
}

impl OptimizerConfig for LionConfig {
    const NAME: &'static str = "lion";

    fn init(&self, group: &ParameterGroup) -> Result<GroupOptimizer, PluginError> {
        let config = BurnConfig::new()
            .with_beta_1(self.beta1 as f32)
            .with_beta_2(self.beta2 as f32)
            .with_weight_decay(group.weight_decay as f32);
        Ok(GroupOptimizer::elementwise(config.build()))
    }
}

aam_api::register!(aam_api::OptimizerKind, LionConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizers::known::{after_two_updates, assert_near};

    #[test]
    fn updates_follow_the_formula() {
        let expected = (1.0 * 0.95 - 0.1) * 0.95 - 0.1;
        assert_near(after_two_updates(&LionConfig::default()), expected);
    }
}
