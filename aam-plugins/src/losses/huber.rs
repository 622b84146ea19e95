//! Huber loss.

use aam_api::export::{ExportedPrediction, Graph, Value};
use aam_api::options::Facts;
use aam_api::{Loss, LossConfig, LossContext, PluginError, Prediction};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Huber loss: `e² / 2` if `|e| ≤ δ`, otherwise `δ (|e| - δ / 2)`.
///
/// `e = y - ŷ` is the difference between the target and its only output, on the transformed scale. The
/// loss is quadratic near the target and linear far from it, so that outliers do not dominate the fit.
/// Huber, *Robust estimation of a location parameter*, Annals of Mathematical Statistics 1964.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(transform = Facts::new()
    .because("outliers count less than with mse; classes use cross-entropy"))]
pub struct HuberLossConfig {
    /// `δ`: where the loss changes from quadratic to linear, above 0, in units of the transformed target.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub delta: f64,
}

impl Default for HuberLossConfig {
    fn default() -> Self {
        Self { delta: 1.0 }
    }
}

/// The loss that [`HuberLossConfig`] builds.
#[derive(Module, Debug)]
pub struct HuberLoss {
    delta: f64,
}

impl LossConfig for HuberLossConfig {
    const NAME: &'static str = "huber";
    type Loss = HuberLoss;

    fn init(&self, context: &LossContext, _device: &Device) -> Result<HuberLoss, PluginError> {
        context.expect_number(Self::NAME)?;
        Ok(HuberLoss { delta: self.delta })
    }
}

impl Loss for HuberLoss {
    fn outputs_per_target(&self) -> usize {
        1
    }

    fn forward(&self, values: Tensor<3>, target: Tensor<2>) -> Tensor<2> {
        // With m = min(|e|, δ), m (|e| - m / 2) covers both branches.
        let error = (values.squeeze_dim::<2>(2) - target).abs();
        let near = error.clone().clamp_max(self.delta);
        near.clone() * (error - near.mul_scalar(0.5))
    }

    fn predict(&self, values: Tensor<3>) -> Prediction {
        Prediction::point(values.squeeze_dim(2))
    }

    fn export(&self, _: &mut Graph, values: &Value) -> Option<ExportedPrediction> {
        Some(ExportedPrediction::number(values.clone()))
    }

    fn outputs_are_values(&self) -> bool {
        true
    }
}

aam_api::register_loss!(HuberLossConfig);

#[cfg(test)]
mod tests {
    use aam_api::LossKind;
    use serde_json::json;

    use super::*;
    use crate::known::{assert_close, matrix, refused};

    #[test]
    fn is_quadratic_near_the_truth_and_linear_far_away() {
        let values = matrix([[0.5, -1.0, 4.0]]).unsqueeze_dim::<3>(2);
        let target = matrix([[0.0, 1.0, 1.0]]);
        let losses = |delta: f64| HuberLoss { delta }.forward(values.clone(), target.clone());
        assert_close(losses(1.0), &[0.125, 1.5, 2.5]);
        assert_close(losses(2.0), &[0.125, 2.0, 4.0]);
    }

    #[test]
    fn refuses_a_delta_of_zero() {
        for delta in [0.0, -1.0, f64::NAN] {
            let error = refused::<LossKind>("huber", json!({"delta": delta}));
            let expected = "loss 'huber', option 'delta': expected a number above 0, found";
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
