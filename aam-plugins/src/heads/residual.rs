//! The sum of a linear layer and a multi-layer perceptron.

use aam_api::export::{ExportedCategories, Graph, Value};
use aam_api::options::Facts;
use aam_api::{Head, HeadConfig, HeadContext, HeadInput, HeadOutput, PluginError};
use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::heads::mlp::{MlpHead, MlpHeadConfig};
use crate::layers::output_linear;

/// The sum of a linear layer and a perceptron: `y = x W + b + MLP(x)`.
///
/// `x` is a sample's embedding `[dim]`, `y` `[outputs]`; the perceptron is the `mlp` head. The linear
/// path lets the gradient bypass the hidden layers, like the shortcuts in He et al., *Deep residual
/// learning for image recognition*, CVPR 2016.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(transform = Facts::new().switch("residual-regression-head", "residual"))]
pub struct ResidualHeadConfig {
    /// Widths of the hidden layers of the perceptron, from the embedding to the output.
    #[schemars(inner(range(min = 1, max = 65_536)))]
    pub hidden: Vec<usize>,
    /// Probability that a hidden value is dropped in training, in [0, 1).
    #[schemars(
        range(min = 0.0), extend("exclusiveMaximum" = 1),
        transform = Facts::new().search(0.0, 0.5)
    )]
    pub dropout: f64,
}

impl Default for ResidualHeadConfig {
    fn default() -> Self {
        let MlpHeadConfig { hidden, dropout } = MlpHeadConfig::default();
        Self { hidden, dropout }
    }
}

/// The head that [`ResidualHeadConfig`] builds.
#[derive(Module, Debug)]
pub struct ResidualHead {
    skip: Linear,
    mlp: MlpHead,
    outputs_per_target: usize,
}

impl HeadConfig for ResidualHeadConfig {
    const NAME: &'static str = "residual";
    type Head = ResidualHead;

    fn init(&self, context: &HeadContext, device: &Device) -> Result<ResidualHead, PluginError> {
        let mlp = MlpHeadConfig {
            hidden: self.hidden.clone(),
            dropout: self.dropout,
        };
        Ok(ResidualHead {
            skip: output_linear(context.dim, context.outputs(), device),
            mlp: mlp.init(context, device)?,
            outputs_per_target: context.outputs_per_target,
        })
    }
}

impl Head for ResidualHead {
    fn forward(&self, input: HeadInput) -> HeadOutput {
        let skip = self.skip.forward(input.pooled.clone());
        let columns = skip + self.mlp.columns(input.pooled);
        HeadOutput::from_columns(columns, self.outputs_per_target)
    }

    fn export(
        &self,
        graph: &mut Graph,
        pooled: &Value,
        _: Option<&ExportedCategories>,
    ) -> Option<Value> {
        let skip = graph.linear(pooled, &self.skip);
        let mlp = self.mlp.export_columns(graph, pooled);
        Some(graph.add(&skip, &mlp))
    }
}

aam_api::register_head!(ResidualHeadConfig);

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;

    use super::*;
    use crate::known::{assert_close, device, linear, matrix};

    #[test]
    fn adds_the_linear_layer_and_the_perceptron() {
        let context = HeadContext::new(2, 1, 2);
        let mut head = ResidualHeadConfig::default()
            .init(&context, &device())
            .expect("the defaults are in range");
        head.skip = linear([[1.0, 2.0], [3.0, 4.0]], [0.5, -1.0]);
        let pooled = matrix([[1.0, -1.0]]);
        let mlp = head.mlp.columns(pooled.clone());
        let output = head.forward(HeadInput::new(pooled, None));
        let values: Tensor<2> = output.values.squeeze_dim(1);
        assert_close(values - mlp, &[-1.5, -3.0]);
    }
}
