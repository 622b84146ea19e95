//! Multi-layer perceptron.

use aam_api::dropout::drop;
use aam_api::export::{ExportedCategories, Graph, Value};
use aam_api::options::{Facts, Spelling};
use aam_api::{Head, HeadConfig, HeadContext, HeadInput, HeadOutput, PluginError};
use burn::module::{Module, Param};
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::layers::{output_linear, xavier_linear};

/// Multi-layer perceptron: `Linear → ReLU → Dropout` for each hidden width, then `Linear`.
///
/// With a sample's embedding `h₀` `[dim]` and hidden widths `w₁ … wₖ`:
/// `hᵢ = dropout(max(0, hᵢ₋₁ Wᵢ + bᵢ))` `[wᵢ]`, `y = hₖ W + b` `[outputs]`. Weights are initialised
/// Xavier-uniform, biases with zeros. Without hidden widths it equals the `linear` head.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct MlpHeadConfig {
    /// Widths of the hidden layers, from the embedding to the output.
    #[schemars(
        inner(range(min = 1, max = 65_536)),
        transform = Facts::new().spelling(Spelling::flag("regressor-hidden-dims").chooses())
    )]
    pub hidden: Vec<usize>,
    /// Probability that a hidden value is dropped in training, in [0, 1).
    #[schemars(
        range(min = 0.0), extend("exclusiveMaximum" = 1),
        transform = Facts::new().search(0.0, 0.5).was("regressor-dropout")
    )]
    pub dropout: f64,
}

impl Default for MlpHeadConfig {
    fn default() -> Self {
        Self {
            hidden: vec![64],
            dropout: 0.0,
        }
    }
}

/// The head that [`MlpHeadConfig`] builds.
#[derive(Module, Debug)]
pub struct MlpHead {
    hidden: Vec<Linear>,
    dropout: Dropout,
    output: Linear,
    outputs_per_target: usize,
}

impl HeadConfig for MlpHeadConfig {
    const NAME: &'static str = "mlp";
    type Head = MlpHead;

    fn init(&self, context: &HeadContext, device: &Device) -> Result<MlpHead, PluginError> {
        let mut width = context.dim;
        let mut hidden = Vec::with_capacity(self.hidden.len());
        for &next in &self.hidden {
            hidden.push(xavier_linear(width, next, device));
            width = next;
        }
        Ok(MlpHead {
            hidden,
            dropout: DropoutConfig::new(self.dropout).init(),
            output: output_linear(width, context.outputs(), device),
            outputs_per_target: context.outputs_per_target,
        })
    }
}

impl MlpHead {
    /// Replaces the last layer's bias, `[targets * outputs per target]`.
    pub(crate) fn set_output_bias(&mut self, bias: Param<Tensor<1>>) {
        self.output.bias = Some(bias);
    }

    /// Replaces the last layer.
    #[cfg(test)]
    pub(crate) fn set_output(&mut self, output: Linear) {
        self.output = output;
    }

    /// Maps embeddings `[batch, dim]` to outputs `[batch, targets * outputs per target]`.
    pub(crate) fn columns(&self, pooled: Tensor<2>) -> Tensor<2> {
        let hidden = self.hidden.iter().fold(pooled, |x, layer| {
            drop(&self.dropout, relu(layer.forward(x)))
        });
        self.output.forward(hidden)
    }

    /// The same in `graph`.
    pub(crate) fn export_columns(&self, graph: &mut Graph, pooled: &Value) -> Value {
        let hidden = self.hidden.iter().fold(pooled.clone(), |x, layer| {
            let x = graph.linear(&x, layer);
            graph.map("Relu", &x)
        });
        graph.linear(&hidden, &self.output)
    }

    /// Number of outputs, targets * outputs per target.
    pub(crate) fn outputs(&self) -> usize {
        let [_, outputs] = self.output.weight.dims();
        outputs
    }
}

impl Head for MlpHead {
    fn forward(&self, input: HeadInput) -> HeadOutput {
        HeadOutput::from_columns(self.columns(input.pooled), self.outputs_per_target)
    }

    fn export(
        &self,
        graph: &mut Graph,
        pooled: &Value,
        _: Option<&ExportedCategories>,
    ) -> Option<Value> {
        Some(self.export_columns(graph, pooled))
    }
}

aam_api::register_head!(MlpHeadConfig);

#[cfg(test)]
mod tests {
    use aam_api::HeadKind;
    use serde_json::json;

    use super::*;
    use crate::known::{assert_close, linear, matrix, refused};

    #[test]
    fn applies_relu_to_hidden_values_only() {
        let head = MlpHead {
            hidden: vec![
                linear([[1.0, -1.0], [1.0, 1.0]], [0.0, 0.5]),
                linear([[2.0], [4.0]], [-1.0]),
            ],
            dropout: DropoutConfig::new(0.5).init(),
            output: linear([[-3.0]], [1.0]),
            outputs_per_target: 1,
        };
        // [2, 1] → [3, -0.5] → [3, 0] → 6 - 1 = 5 → 5 → -15 + 1.
        assert_close(head.columns(matrix([[2.0, 1.0]])), &[-14.0]);
    }

    #[test]
    fn refuses_a_width_of_zero_and_a_dropout_of_one() {
        assert_eq!(
            refused::<HeadKind>("mlp", json!({"hidden": [4, 0]})),
            "head 'mlp', option 'hidden': expected a list of integers from 1 to 65536, found [4,0]"
        );
        assert_eq!(
            refused::<HeadKind>("mlp", json!({"dropout": 1.0})),
            "head 'mlp', option 'dropout': expected a number from 0 to below 1, found 1.0"
        );
    }
}
