//! AdamW.

use aam_api::options::Facts;
use aam_api::{GroupOptimizer, OptimizerConfig, ParameterGroup, PluginError};
use burn::optim::{AdamW, AdamWConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Adam with decoupled weight decay.
///
/// Adam's updates; separately, every weight shrinks by its decay times the learning rate. Loshchilov and
/// Hutter, *Decoupled weight decay regularization*, ICLR 2019.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(transform = Facts::new().because("as in the reference"))]
pub struct AdamwConfig {
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

impl Default for AdamwConfig {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        }
    }
}

impl AdamwConfig {
    /// The optimizer for parameters with this weight decay.
    pub(super) fn build(&self, weight_decay: f64) -> AdamW {
        AdamWConfig::new()
            .with_beta_1(self.beta1 as f32)
            .with_beta_2(self.beta2 as f32)
            .with_epsilon(self.epsilon as f32)
            .with_weight_decay(weight_decay as f32)
            .build()
    }
}

impl OptimizerConfig for AdamwConfig {
    const NAME: &'static str = "adamw";

    fn init(&self, group: &ParameterGroup) -> Result<GroupOptimizer, PluginError> {
        let adamw = self.build(group.weight_decay);
        Ok(GroupOptimizer::elementwise(adamw))
    }
}

aam_api::register!(aam_api::OptimizerKind, AdamwConfig);

#[cfg(test)]
mod tests {
    use aam_api::{OptimizerKind, Plugin};
    use serde_json::Map;

    use super::*;
    use crate::optimizers::known::{after_two_updates, assert_near};

    #[test]
    fn updates_follow_the_formula() {
        let expected = (1.0 * 0.95 - 0.1) * 0.95 - 0.1;
        assert_near(after_two_updates(&AdamwConfig::default()), expected);
    }

    #[test]
    fn defaults_are_those_of_single_precision() {
        let config = AdamwConfig::default();
        let narrowed = [config.beta1, config.beta2, config.epsilon].map(|value| value as f32);
        assert_eq!(narrowed, [0.9f32, 0.999f32, 1e-8f32]);
    }

    #[test]
    fn refuses_options_out_of_range() {
        let plugin = Plugin::<OptimizerKind>::of::<AdamwConfig>("", "");
        for (option, value) in [("beta1", 1.0), ("beta2", -0.1), ("epsilon", 0.0)] {
            let options = Map::from_iter([(option.to_owned(), value.into())]);
            let error = plugin.resolve(&options).expect_err("out of range");
            let expected = format!("optimizer 'adamw', option '{option}': expected a number ");
            assert!(error.to_string().starts_with(&expected), "{error}");
        }
    }
}
