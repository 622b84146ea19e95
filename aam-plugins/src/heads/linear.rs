//! One linear layer.

use aam_api::export::{ExportedCategories, Graph, Value};
use aam_api::options::Facts;
use aam_api::{Head, HeadConfig, HeadContext, HeadInput, HeadOutput, PluginError};
use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::layers::output_linear;

/// One linear layer: `y = x W + b`.
///
/// `x` is a sample's embedding `[dim]`, `W` `[dim, outputs]`, `y` `[outputs]` with the outputs of each
/// target adjacent. Weights start small, the bias at zero. It has the fewest parameters, so try it first
/// on a few hundred samples.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(transform = Facts::new()
    .because("no head is reliably better on small studies, see learning.md"))]
pub struct LinearHeadConfig {}

/// The head that [`LinearHeadConfig`] builds.
#[derive(Module, Debug)]
pub struct LinearHead {
    output: Linear,
    outputs_per_target: usize,
}

impl HeadConfig for LinearHeadConfig {
    const NAME: &'static str = "linear";
    type Head = LinearHead;

    fn init(&self, context: &HeadContext, device: &Device) -> Result<LinearHead, PluginError> {
        Ok(LinearHead {
            output: output_linear(context.dim, context.outputs(), device),
            outputs_per_target: context.outputs_per_target,
        })
    }
}

impl Head for LinearHead {
    fn forward(&self, input: HeadInput) -> HeadOutput {
        HeadOutput::from_columns(self.output.forward(input.pooled), self.outputs_per_target)
    }

    fn export(
        &self,
        graph: &mut Graph,
        pooled: &Value,
        _: Option<&ExportedCategories>,
    ) -> Option<Value> {
        Some(graph.linear(pooled, &self.output))
    }
}

aam_api::register_head!(LinearHeadConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::{assert_close, linear, matrix};

    #[test]
    fn is_a_matrix_product_with_adjacent_outputs_per_target() {
        let head = LinearHead {
            output: linear(
                [[1.0, 2.0, 0.0, 1.0], [3.0, 4.0, 1.0, 0.0]],
                [0.5, -1.0, 0.0, 2.0],
            ),
            outputs_per_target: 2,
        };
        let output = head.forward(HeadInput::new(matrix([[1.0, -1.0]]), None));
        assert_eq!(output.values.dims(), [1, 2, 2]);
        assert_close(output.values, &[-1.5, -3.0, -1.0, 3.0]);
    }
}
