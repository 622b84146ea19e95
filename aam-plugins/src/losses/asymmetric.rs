//! Absolute error with different costs above and below the target.

use aam_api::export::{ExportedPrediction, Graph, Value};
use aam_api::options::{Facts, Spelling};
use aam_api::{Loss, LossConfig, LossContext, PluginError, Prediction};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Absolute error with different costs above and below the target:
/// `a max(ŷ - y, 0) + b max(y - ŷ, 0)`.
///
/// `ŷ` is the only output for the target `y`, `a` the over-penalty and `b` the under-penalty. Its
/// minimiser is the quantile at level `b / (a + b)`, for equal penalties the median: Koenker and Bassett,
/// *Regression quantiles*, Econometrica 1978.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct AsymmetricLossConfig {
    /// Cost per unit by which a prediction is too high, above 0.
    #[schemars(
        extend("exclusiveMinimum" = 0),
        transform = Facts::new().spelling(Spelling::flag("over-penalty").chooses())
    )]
    pub over_penalty: f64,
    /// Cost per unit by which a prediction is too low, above 0.
    #[schemars(
        extend("exclusiveMinimum" = 0),
        transform = Facts::new().spelling(Spelling::flag("under-penalty").chooses())
    )]
    pub under_penalty: f64,
}

impl Default for AsymmetricLossConfig {
    fn default() -> Self {
        Self {
            over_penalty: 1.0,
            under_penalty: 1.0,
        }
    }
}

/// The loss that [`AsymmetricLossConfig`] builds.
#[derive(Module, Debug)]
pub struct AsymmetricLoss {
    over_penalty: f64,
    under_penalty: f64,
}

impl LossConfig for AsymmetricLossConfig {
    const NAME: &'static str = "asymmetric";
    type Loss = AsymmetricLoss;

    fn init(&self, context: &LossContext, _device: &Device) -> Result<AsymmetricLoss, PluginError> {
        context.expect_number(Self::NAME)?;
        Ok(AsymmetricLoss {
            over_penalty: self.over_penalty,
            under_penalty: self.under_penalty,
        })
    }
}

impl Loss for AsymmetricLoss {
    fn outputs_per_target(&self) -> usize {
        1
    }

    fn forward(&self, values: Tensor<3>, target: Tensor<2>) -> Tensor<2> {
        // Since both penalties are positive, the larger of the two lines applies on each side.
        let error = values.squeeze_dim::<2>(2) - target;
        let over = error.clone().mul_scalar(self.over_penalty);
        over.max_pair(error.mul_scalar(-self.under_penalty))
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

aam_api::register_loss!(AsymmetricLossConfig);

#[cfg(test)]
mod tests {
    use aam_api::LossKind;
    use serde_json::json;

    use super::*;
    use crate::known::{assert_close, matrix, refused};

    #[test]
    fn over_and_under_prediction_have_their_own_costs() {
        let loss = AsymmetricLoss {
            over_penalty: 2.0,
            under_penalty: 0.5,
        };
        let values = matrix([[5.0, 3.0, -1.0]]).unsqueeze_dim::<3>(2);
        let losses = loss.forward(values, matrix([[3.0, 3.0, 3.0]]));
        assert_close(losses, &[4.0, 0.0, 2.0]);
    }

    #[test]
    fn the_minimum_is_at_the_quantile() {
        // The 0.75-quantile of 1 … 8 lies between the sixth and the seventh.
        let loss = AsymmetricLoss {
            over_penalty: 1.0,
            under_penalty: 3.0,
        };
        let sample = matrix([[1.0], [2.0], [3.0], [4.0], [5.0], [6.0], [7.0], [8.0]]);
        let mean = |prediction: f32| -> f32 {
            let values = sample.zeros_like().add_scalar(prediction);
            let losses = loss.forward(values.unsqueeze_dim(2), sample.clone());
            losses.mean().into_scalar()
        };
        let least = mean(6.5);
        assert!((mean(6.0) - least).abs() < 1e-6 && (mean(7.0) - least).abs() < 1e-6);
        assert!(mean(5.9) > least && mean(7.1) > least);
    }

    #[test]
    fn refuses_invalid_penalties() {
        for penalty in [0.0, -1.0, f64::NAN] {
            let error = refused::<LossKind>("asymmetric", json!({"under-penalty": penalty}));
            let expected = "loss 'asymmetric', option 'under-penalty': expected a number above 0";
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
