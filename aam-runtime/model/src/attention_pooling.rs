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
        self.forward_with_weights(x, mask).0
    }

    /// As [`forward`](Self::forward), with the weights of the positions, `[batch, length]`, which
    /// sum to 1 and are 0 where `mask` is false.
    pub fn forward_with_weights(
        &self,
        x: Tensor<3>,
        mask: Option<Tensor<2, Bool>>,
    ) -> (Tensor<2>, Tensor<2>) {
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
        let pooled = weights.clone().reshape([batch, 1, length]).matmul(x);
        (self.norm.forward(pooled.reshape([batch, dim])), weights)
    }
}

/// The mean over the positions where `mask` is true, for a fusion that declares pooling but does
/// not provide it.
pub(super) fn mean(asvs: Tensor<3>, mask: Tensor<2, Bool>) -> Tensor<2> {
    let [batch, _, dim] = asvs.dims();
    let valid: Tensor<3> = mask.float().unsqueeze_dim(2);
    let number = valid.clone().sum_dim(1).clamp_min(1.0);
    ((asvs * valid).sum_dim(1) / number).reshape([batch, dim])
}
