//! Outputs that cannot cross.

use std::f32::consts::LN_2;

use aam_api::export::{ExportedCategories, Graph, Value};
use aam_api::options::Facts;
use aam_api::{Head, HeadConfig, HeadContext, HeadInput, HeadOutput, PluginError};
use burn::module::{Module, Param};
use burn::tensor::activation::softplus;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::heads::mlp::{MlpHead, MlpHeadConfig};

/// Quantiles that cannot cross: a lowest value plus positive increments, `ŷ₁ = v₁`,
/// `ŷᵢ = ŷᵢ₋₁ + softplus(vᵢ)`.
///
/// `v` `[outputs of a target]` are the outputs of the `mlp` head for a sample's embedding `[dim]`. The
/// biases of `v₁` are initialised such that the quantiles lie around 0. Increments: Gasthaus et al.,
/// *Probabilistic forecasting with spline quantile function RNNs*, AISTATS 2019. Needs the loss
/// `quantile` or a loss with a single output: other outputs (classes, a mean and a variance) are not
/// ordered.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct QuantileHeadConfig {
    /// Widths of the hidden layers, from the embedding to the output.
    #[schemars(inner(range(min = 1, max = 65_536)))]
    pub hidden: Vec<usize>,
    /// Probability that a hidden value is dropped in training, in [0, 1).
    #[schemars(
        range(min = 0.0), extend("exclusiveMaximum" = 1),
        transform = Facts::new().search(0.0, 0.5)
    )]
    pub dropout: f64,
}

impl Default for QuantileHeadConfig {
    fn default() -> Self {
        let MlpHeadConfig { hidden, dropout } = MlpHeadConfig::default();
        Self { hidden, dropout }
    }
}

/// The head that [`QuantileHeadConfig`] builds.
#[derive(Module, Debug)]
pub struct QuantileHead {
    mlp: MlpHead,
    outputs_per_target: usize,
}

impl HeadConfig for QuantileHeadConfig {
    const NAME: &'static str = "quantile";
    type Head = QuantileHead;

    fn init(&self, context: &HeadContext, device: &Device) -> Result<QuantileHead, PluginError> {
        let mlp = MlpHeadConfig {
            hidden: self.hidden.clone(),
            dropout: self.dropout,
        };
        let mut mlp = mlp.init(context, device)?;
        // Initially an increment is about softplus(0) = ln 2.
        let outputs = context.outputs_per_target;
        let lowest = -0.5 * (outputs as f32 - 1.0) * LN_2;
        let bias: Vec<f32> = (0..context.outputs())
            .map(|output| match output % outputs {
                0 => lowest,
                _ => 0.0,
            })
            .collect();
        let bias = Tensor::<1>::from_floats(bias.as_slice(), device);
        mlp.set_output_bias(Param::from_tensor(bias));
        Ok(QuantileHead {
            mlp,
            outputs_per_target: outputs,
        })
    }
}

impl Head for QuantileHead {
    fn forward(&self, input: HeadInput) -> HeadOutput {
        let columns = self.mlp.columns(input.pooled);
        let output = HeadOutput::from_columns(columns, self.outputs_per_target);
        if self.outputs_per_target == 1 {
            return output;
        }
        let values = output.values;
        let lowest = values.clone().narrow(2, 0, 1);
        let increments = softplus(values.narrow(2, 1, self.outputs_per_target - 1), 1.0);
        HeadOutput::new(Tensor::cat(vec![lowest, increments], 2).cumsum(2))
    }

    fn export(
        &self,
        graph: &mut Graph,
        pooled: &Value,
        _: Option<&ExportedCategories>,
    ) -> Option<Value> {
        let columns = self.mlp.export_columns(graph, pooled);
        let outputs = self.outputs_per_target;
        if outputs == 1 {
            return Some(columns);
        }
        // A row for each sample and target.
        let values = graph.in_rows_of(&columns, outputs);
        let lowest = graph.columns(&values, 0, 1);
        let increments = graph.columns(&values, 1, outputs);
        let increments = graph.map("Softplus", &increments);
        let steps = graph.concat(&[lowest, increments], 1);
        let quantiles = graph.running_sum_of_rows(&steps);
        Some(graph.in_rows_of(&quantiles, self.mlp.outputs()))
    }

    fn outputs_ascend(&self) -> bool {
        true
    }
}

aam_api::register_head!(QuantileHeadConfig);

#[cfg(test)]
mod tests {

    use super::*;
    use crate::known::{assert_close, device, linear, matrix};

    fn context(targets: usize) -> HeadContext {
        HeadContext::new(1, targets, 3)
    }

    fn head(targets: usize) -> QuantileHead {
        let config = QuantileHeadConfig {
            hidden: Vec::new(),
            dropout: 0.0,
        };
        config.init(&context(targets), &device()).expect("in range")
    }

    fn values(head: &QuantileHead, pooled: Tensor<2>) -> Tensor<3> {
        let input = HeadInput::new(pooled, None);
        head.forward(input).values
    }

    #[test]
    fn adds_softplus_increments_to_the_lowest_value() {
        let mut head = head(1);
        // softplus(ln(eˣ - 1)) = x: increments of ln 3 and ln 2 for an embedding of 1.
        head.mlp
            .set_output(linear([[-4.0, 2f32.ln(), 0.0]], [0.5, 0.0, 0.0]));
        let expected = [-3.5, -3.5 + 3f32.ln(), -3.5 + 3f32.ln() + 2f32.ln()];
        assert_close(values(&head, matrix([[1.0]])), &expected);
    }

    #[test]
    fn quantiles_never_cross() {
        let mut head = head(2);
        head.mlp.set_output(linear(
            [[5.0, -9.0, -3.0, -5.0, 2.0, 30.0]],
            [1.0, -2.0, 0.0, 0.0, 7.0, -8.0],
        ));
        let values = values(&head, matrix([[-20.0], [-0.5], [0.0], [3.0], [20.0]]));
        assert_eq!(values.dims(), [5, 2, 3]);
        let values: Vec<f32> = values.into_data().try_to_vec().expect("f32 values");
        for quantiles in values.chunks(3) {
            assert!(quantiles.is_sorted(), "{quantiles:?}");
        }
    }

    #[test]
    fn starts_around_zero() {
        let expected = [-LN_2, 0.0, LN_2, -LN_2, 0.0, LN_2];
        assert_close(values(&head(2), matrix([[0.0]])), &expected);
    }
}
