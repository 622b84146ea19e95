//! Absolute error.

use aam_api::export::{ExportedPrediction, Graph, Value};
use aam_api::{Loss, LossConfig, LossContext, PluginError, Prediction};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Absolute error: `|y - ŷ|`.
///
/// `y` is the target, `ŷ` its only output, both on the transformed scale. The minimiser is the median of
/// the target, so that outliers have little weight.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct MaeLossConfig {}

/// The loss that [`MaeLossConfig`] builds.
#[derive(Module, Debug)]
pub struct MaeLoss;

impl LossConfig for MaeLossConfig {
    const NAME: &'static str = "mae";
    type Loss = MaeLoss;

    fn init(&self, context: &LossContext, _device: &Device) -> Result<MaeLoss, PluginError> {
        context.expect_number(Self::NAME)?;
        Ok(MaeLoss)
    }
}

impl Loss for MaeLoss {
    fn outputs_per_target(&self) -> usize {
        1
    }

    fn forward(&self, values: Tensor<3>, target: Tensor<2>) -> Tensor<2> {
        (values.squeeze_dim::<2>(2) - target).abs()
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

aam_api::register_loss!(MaeLossConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::{assert_close, matrix};

    #[test]
    fn known_values() {
        let values = matrix([[3.0, -0.5]]).unsqueeze_dim(2);
        let target = matrix([[1.0, 0.0]]);
        assert_close(MaeLoss.forward(values, target), &[2.0, 0.5]);
    }
}
