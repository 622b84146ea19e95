//! Muon.

use aam_api::{GroupOptimizer, OptimizerConfig, ParameterGroup, ParameterRole, PluginError};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdjustLrFn, MuonConfig as BurnConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::adamw::AdamwConfig;
/// Orthogonalised momentum for weight matrices, AdamW for everything else.
///
/// It uses Nesterov momentum. Updates have the same size as AdamW's, so use AdamW's learning rate and
/// weight decay. Jordan et al., *Muon: an optimizer for hidden layers in neural networks*, 2024; Liu et
/// al., *Muon is scalable for LLM training*, 2025.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct MuonConfig {
    /// Decay of the momentum, in [0, 1).
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1))]
    pub momentum: f64,
}

impl Default for MuonConfig {
    fn default() -> Self {
        Self { momentum: 0.95 }
    }
}

impl OptimizerConfig for MuonConfig {
    const NAME: &'static str = "muon";

    fn init(&self, group: &ParameterGroup) -> Result<GroupOptimizer, PluginError> {
        let ParameterRole::Matrix = group.role else {
            let adamw = AdamwConfig::default().build(group.weight_decay);
            return Ok(GroupOptimizer::elementwise(adamw));
        };
        let momentum = MomentumConfig::new()
            .with_momentum(self.momentum)
            .with_dampening(0.0)
            .with_nesterov(true);
        let config = BurnConfig::new()
            .with_momentum(momentum)
            .with_adjust_lr_fn(AdjustLrFn::MatchRmsAdamW)
            .with_weight_decay(Some(WeightDecayConfig::new(group.weight_decay as f32)));
        Ok(GroupOptimizer::of_tensors(config.build()))
    }
}

aam_api::register!(aam_api::OptimizerKind, MuonConfig);

#[cfg(test)]
mod tests {
    use burn::nn::LinearConfig;
    use burn::optim::GradientsParams;
    use burn::tensor::{Device, Tensor};

    use super::*;
    use crate::optimizers::known::{after_two_updates, optimizer};

    #[test]
    fn a_single_number_is_not_orthogonalised() {
        let adamw = after_two_updates(&AdamwConfig::default());
        assert_eq!(after_two_updates(&MuonConfig::default()), adamw);
    }

    /// The update of a matrix has singular values near 1, in units of the learning rate times 0.2 √(longer
    /// side), whatever the singular values of the gradient; a bias moves as with AdamW.
    #[test]
    fn updates_of_matrices_are_orthogonal() {
        let device = Device::default().autodiff();
        let linear = LinearConfig::new(4, 2).init(&device);
        let input = Tensor::<2>::from_data([[1.0, 2.0, 3.0, 4.0], [0.1, -0.3, 0.2, 0.1]], &device);
        let weights = Tensor::<2>::from_data([[5.0, 0.1], [-0.2, 0.3]], &device);
        let loss = (linear.forward(input) * weights).sum();
        let gradients = GradientsParams::from_grads(loss.backward(), &linear);
        let mut optimizer = optimizer(&MuonConfig::default(), &linear, 0.0);
        let after = optimizer.step(0.1, linear.clone(), gradients);
        let update = (linear.weight.val() - after.weight.val()) / (0.1 * 0.2 * 4f64.sqrt());
        let square = update.clone().transpose().matmul(update).into_data();
        let square: Vec<f32> = square.try_to_vec().expect("f32 values");
        let [a, b, _, d] = square[..] else {
            panic!("two columns");
        };
        // Eigenvalues of a symmetric 2 × 2 matrix; five iterations leave 0.7 to 1.2.
        let (middle, spread) = ((a + d) / 2.0, ((a - d).powi(2) / 4.0 + b * b).sqrt());
        assert!(middle - spread > 0.6f32.powi(2), "{middle} {spread}");
        assert!(middle + spread < 1.3f32.powi(2), "{middle} {spread}");
        let bias = |linear: &burn::nn::Linear| linear.bias.as_ref().map(|bias| bias.val());
        let (Some(before), Some(after)) = (bias(&linear), bias(&after)) else {
            panic!("a bias");
        };
        let moved = (before - after).abs().max().into_scalar::<f32>();
        assert!((moved - 0.1).abs() < 1e-4, "{moved}");
    }
}
