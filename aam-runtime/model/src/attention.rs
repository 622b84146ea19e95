//! The two implementations of attention on a GPU: a single fused kernel that does not store scores,
//! or a matrix product, a softmax and another product.
//!
//! Burn has no gradient of the fused kernel, so training always uses the three operations, and the
//! choice only affects validation, prediction and frozen encoders. It is a global setting of the
//! process, like the devices themselves.

use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::module::attention;
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{DType, Device, FloatDType, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MixedPrecision;

/// Added to the score of a masked position: its weight becomes exactly 0, and rows in which all
/// positions are masked stay finite.
pub const MASKED: f64 = -1e9;

/// How a GPU computes attention during inference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttnImplementation {
    /// The fused kernel if it is correct on this device, otherwise separate operations.
    #[default]
    Auto,
    /// The fused kernel; an error if it is incorrect.
    Flash,
    /// Separate operations.
    Math,
}

static PLAIN: AtomicBool = AtomicBool::new(false);

/// Sets whether attention is computed in separate operations.
pub fn use_plain(plain: bool) {
    PLAIN.store(plain, Ordering::Relaxed);
}

/// Whether attention is computed in separate operations.
pub fn is_plain() -> bool {
    PLAIN.load(Ordering::Relaxed)
}

/// Attention with the fused kernel, for inputs `[batch, heads, length, width]`. `bias`,
/// `[batch, 1, 1, length]`, is 0 or [`MASKED`].
pub fn fused(
    query: Tensor<4>,
    key: Tensor<4>,
    value: Tensor<4>,
    bias: Option<&Tensor<4>>,
) -> Tensor<4> {
    fused_in(MixedPrecision::None, query, key, value, bias)
}

/// As [`fused`] for 32-bit inputs, computed in `precision`.
pub fn fused_in(
    precision: MixedPrecision,
    query: Tensor<4>,
    key: Tensor<4>,
    value: Tensor<4>,
    bias: Option<&Tensor<4>>,
) -> Tensor<4> {
    if let Some(narrow) = precision.narrow() {
        let [query, key, value] = [query, key, value].map(|tensor| tensor.cast(narrow));
        return one_kernel(query, key, value, bias).cast(FloatDType::F32);
    }
    one_kernel(query, key, value, bias)
}

fn one_kernel(
    query: Tensor<4>,
    key: Tensor<4>,
    value: Tensor<4>,
    bias: Option<&Tensor<4>>,
) -> Tensor<4> {
    let options = AttentionModuleOptions::default();
    let bias = match bias {
        Some(bias) if query.device() != Device::flex() || query.dtype() != DType::F32 => bias,
        bias => return attention(query, key, value, None, bias.cloned(), options),
    };
    // A bias would prevent Burn from using the fused kernel; a mask does not.
    let ([batch, heads, length, _], keys) = (query.dims(), key.dims()[2]);
    let mask = bias.clone().lower_elem(MASKED / 2.0);
    let mask = mask.expand([batch, heads, length, keys]);
    attention(query, key, value, Some(mask), None, options)
}

/// Attention in separate operations. The division by the sum of the weights comes last, on
/// `[length, width]` instead of `[length, length]`, which saves three passes over the largest
/// tensors of a training step. `drop` is applied to the weights.
pub fn plain(
    query: Tensor<4>,
    key: Tensor<4>,
    value: Tensor<4>,
    bias: Option<&Tensor<4>>,
    drop: impl Fn(Tensor<4>) -> Tensor<4>,
) -> Tensor<4> {
    plain_in(MixedPrecision::None, query, key, value, bias, drop)
}

/// As [`plain`] for 32-bit inputs, with both products in `precision`.
pub fn plain_in(
    precision: MixedPrecision,
    query: Tensor<4>,
    key: Tensor<4>,
    value: Tensor<4>,
    bias: Option<&Tensor<4>>,
    drop: impl Fn(Tensor<4>) -> Tensor<4>,
) -> Tensor<4> {
    let scale = 1.0 / (query.dims()[3] as f64).sqrt();
    let mut scores = precision.product(query * scale, key.swap_dims(2, 3));
    if let Some(bias) = bias {
        scores = scores + bias.clone();
    }
    let highest = scores.clone().detach().max_dim(3);
    let weights = (scores - highest).exp();
    let sums = weights.clone().sum_dim(3);
    match precision.is_mixed() {
        // Weights that sum to 1 keep the product within the range of half precision.
        true => precision.product(drop(weights / sums), value),
        false => drop(weights).matmul(value) / sums,
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;

    #[test]
    fn both_implementations_agree() {
        let device = Device::flex();
        let random = || Tensor::<4>::random([2, 2, 5, 4], Distribution::Normal(0.0, 3.0), &device);
        let (query, key, value) = (random(), random(), random());
        let bias = Tensor::<4>::from_data(
            [
                [[[0.0, 0.0, MASKED, 0.0, MASKED]]],
                [[[MASKED, 0.0, 0.0, 0.0, 0.0]]],
            ],
            &device,
        );
        for bias in [None, Some(bias)] {
            let (q, k, v) = (query.clone(), key.clone(), value.clone());
            let found = plain(q.clone(), k.clone(), v.clone(), bias.as_ref(), |weights| {
                weights
            });
            let expected = fused(q, k, v, bias.as_ref());
            let error: f32 = (found - expected).abs().max().into_scalar();
            assert!(error < 1e-5, "{error}");
        }
    }
}
