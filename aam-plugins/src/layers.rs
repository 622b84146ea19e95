//! Building blocks and option checks shared by several components.

use aam_api::PluginError;
use burn::module::Module;
use burn::nn::attention::{MultiHeadAttention, MultiHeadAttentionConfig};
use burn::nn::{Initializer, Linear};
use burn::tensor::{Device, Tensor};

/// A linear layer with Xavier-uniform weights and a zero bias.
///
/// Glorot and Bengio, *Understanding the difficulty of training deep feedforward neural
/// networks*, AISTATS 2010.
pub(crate) fn xavier_linear(inputs: usize, outputs: usize, device: &Device) -> Linear {
    scaled_linear(1.0, inputs, outputs, device)
}

/// The last layer of a head: small weights, so that it initially predicts the mean of the target or equal
/// probabilities. Training corrects the initial predictions only as far as training samples contradict
/// them; the rest would stay in the predictions as noise.
pub(crate) fn output_linear(inputs: usize, outputs: usize, device: &Device) -> Linear {
    scaled_linear(0.01, inputs, outputs, device)
}

fn scaled_linear(gain: f64, inputs: usize, outputs: usize, device: &Device) -> Linear {
    let xavier = Initializer::XavierUniform { gain };
    Linear {
        weight: xavier.init_with([inputs, outputs], Some(inputs), Some(outputs), device),
        bias: Some(Initializer::Zeros.init([outputs], device)),
    }
}

/// Feature-wise linear modulation: a scale and a shift per feature, linear in a condition.
///
/// Perez et al., *FiLM: Visual reasoning with a general conditioning layer*, AAAI 2018.
#[derive(Module, Debug)]
pub(crate) struct Modulation {
    pub(crate) scale: Linear,
    pub(crate) shift: Linear,
}

impl Modulation {
    /// Scales of one and shifts of zero for every condition of width `width`.
    pub(crate) fn identity(width: usize, features: usize, device: &Device) -> Self {
        let constant = |bias: Initializer| Linear {
            weight: Initializer::Zeros.init([width, features], device),
            bias: Some(bias.init([features], device)),
        };
        Self {
            scale: constant(Initializer::Ones),
            shift: constant(Initializer::Zeros),
        }
    }

    /// Returns scales and shifts, each `[batch, features]`, for conditions `[batch, width]`.
    pub(crate) fn forward(&self, condition: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let scale = self.scale.forward(condition.clone());
        (scale, self.shift.forward(condition))
    }
}

/// Multi-head attention with Xavier-uniform projections and zero biases.
///
/// The initialisation is that of one packed projection `[dim, 3 dim]` for query, key and value,
/// whose bound is `sqrt(6 / (dim + 3 dim))`.
pub(crate) fn attention(
    dim: usize,
    heads: usize,
    dropout: f64,
    device: &Device,
) -> MultiHeadAttention {
    let mut attention = MultiHeadAttentionConfig::new(dim, heads)
        .with_dropout(dropout)
        .init(device);
    let xavier = Initializer::XavierUniform { gain: 1.0 };
    for projection in [
        &mut attention.query,
        &mut attention.key,
        &mut attention.value,
    ] {
        projection.weight = xavier.init_with([dim, dim], Some(dim), Some(3 * dim), device);
        projection.bias = Some(Initializer::Zeros.init([dim], device));
    }
    attention.output.bias = Some(Initializer::Zeros.init([dim], device));
    attention
}

/// Checks that `heads` attention heads divide `dim`.
pub(crate) fn check_heads(
    kind: &'static str,
    component: &str,
    heads: usize,
    dim: usize,
) -> Result<(), PluginError> {
    if dim.is_multiple_of(heads) {
        return Ok(());
    }
    let expected = format!("a divisor of the embedding's width, {dim}");
    Err(PluginError::bad_option(
        kind, component, "heads", expected, heads,
    ))
}
