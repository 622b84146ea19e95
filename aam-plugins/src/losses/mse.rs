//! Squared error.

use aam_api::export::{ExportedPrediction, Graph, Value};
use aam_api::{Loss, LossConfig, LossContext, PluginError, Prediction};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Squared error: `(y - ŷ)²`.
///
/// `y` is the target, `ŷ` its only output, both on the transformed scale. The minimiser is the mean of the
/// target, so that a few outliers have much weight.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct MseLossConfig {}

/// The loss that [`MseLossConfig`] builds.
#[derive(Module, Debug)]
pub struct MseLoss;

impl LossConfig for MseLossConfig {
    const NAME: &'static str = "mse";
    type Loss = MseLoss;

    fn init(&self, context: &LossContext, _device: &Device) -> Result<MseLoss, PluginError> {
        context.expect_number(Self::NAME)?;
        Ok(MseLoss)
    }
}

impl Loss for MseLoss {
    fn outputs_per_target(&self) -> usize {
        1
    }

    fn forward(&self, values: Tensor<3>, target: Tensor<2>) -> Tensor<2> {
        let error = values.squeeze_dim::<2>(2) - target;
        error.clone() * error
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

aam_api::register_loss!(MseLossConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::{assert_close, matrix};

    #[test]
    fn known_values() {
        let values = matrix([[3.0, -0.5]]).unsqueeze_dim(2);
        let target = matrix([[1.0, 0.0]]);
        assert_close(MseLoss.forward(values, target), &[4.0, 0.25]);
    }
}
