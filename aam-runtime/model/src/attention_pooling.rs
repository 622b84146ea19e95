//! Attention pooling: a learned weighted mean over positions, then a norm.

use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::softmax;
use burn::tensor::{Bool, Device, Tensor};

use super::attention::MASKED;

/// Attention pooling.
#[derive(Module, Debug)]
pub struct AttentionPooling {
    query: Linear,
    norm: LayerNorm,
}

impl AttentionPooling {
    /// Creates a pooling of vectors of width `dim`.
    pub fn new(dim: usize, device: &Device) -> Self {
        Self {
            query: LinearConfig::new(dim, 1).with_bias(false).init(device),
            norm: LayerNormConfig::new(dim).init(device),
        }
    }

    /// Pools `[batch, length, dim]` to `[batch, dim]` over the positions where `mask`
    /// `[batch, length]` is true. A row without such positions gives the same as a row of zeros.
    pub fn forward(&self, x: Tensor<3>, mask: Option<Tensor<2, Bool>>) -> Tensor<2> {
        let [batch, length, dim] = x.dims();
        let scores = self.query.forward(x.clone()).reshape([batch, length]);
        let scores = scores / (dim as f64).sqrt();
        let weights = match mask {
            None => softmax(scores, 1),
            Some(mask) => {
                let valid = mask.float();
                let scores = scores + (valid.clone() - 1.0) * -MASKED;
                let weights = softmax(scores, 1) * valid;
                let sums = weights.clone().sum_dim(1) + 1e-8;
                weights / sums
            }
        };
        let pooled = weights.reshape([batch, 1, length]).matmul(x);
        self.norm.forward(pooled.reshape([batch, dim]))
    }
}
