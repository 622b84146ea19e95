//! The auxiliary task of predicting the abundance of each ASV of a sample.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::activation::sigmoid;
use burn::tensor::{Bool, Device, Tensor};

use super::init::xavier_linear;
use super::transformer::Transformer;
use super::{MixedPrecision, ModelConfig};

/// Predicts abundances in (0, 1).
#[derive(Module, Debug)]
pub struct CountBranch {
    transformer: Transformer,
    head: Linear,
}

impl CountBranch {
    /// Builds the branch.
    pub fn new(config: &ModelConfig, device: &Device) -> Self {
        Self {
            transformer: config.transformer(config.count_layers).init(device),
            head: xavier_linear(config.dim, 1, device),
        }
    }

    /// Sets the precision of matrix products.
    pub fn with_precision(self, precision: MixedPrecision) -> Self {
        Self {
            transformer: self.transformer.with_precision(precision),
            ..self
        }
    }

    /// The predictions in (0, 1), `[batch, asvs]`, from embeddings `[batch, asvs, dim]`.
    pub fn forward(&self, asvs: Tensor<3>, mask: Tensor<2, Bool>) -> Tensor<2> {
        let [batch, slots, _] = asvs.dims();
        let asvs = self.transformer.forward(asvs, Some(mask));
        sigmoid(self.head.forward(asvs).reshape([batch, slots]))
    }
}
