//! Building blocks and option checks shared by several components.

use aam_api::PluginError;
use aam_api::export::{Graph, Value};
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

    /// Scales and shifts `x`, `[samples, features]`, in `graph`.
    pub(crate) fn export(&self, graph: &mut Graph, x: &Value, condition: &Value) -> Value {
        let scale = graph.linear(condition, &self.scale);
        let shift = graph.linear(condition, &self.shift);
        let scaled = graph.mul(x, &scale);
        graph.add(&scaled, &shift)
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

/// The context of `attention` in `graph`, without padding, for queries `[batch, queries, dim]` and keys,
/// which are the values, too, `[batch, keys, dim]`. A batch of one is repeated.
pub(crate) fn export_attention(
    graph: &mut Graph,
    attention: &MultiHeadAttention,
    queries: &Value,
    keys: &Value,
) -> Value {
    let [heads, width, dim] = [attention.n_heads, attention.d_k, attention.d_model];
    let [heads, wide, dim] = [heads, width, dim].map(|length| length as i64);
    let split = |graph: &mut Graph, x: &Value, layer: &Linear, axes: [i64; 4]| {
        let x = graph.linear(x, layer);
        let x = graph.reshape(&x, &[0, 0, heads, wide]);
        graph.transpose(&x, &axes)
    };
    let query = split(graph, queries, &attention.query, [0, 2, 1, 3]);
    let key = split(graph, keys, &attention.key, [0, 2, 3, 1]);
    let value = split(graph, keys, &attention.value, [0, 2, 1, 3]);
    let scores = graph.matmul(&query, &key);
    let scale = graph.scalar((width as f32).sqrt());
    let scores = graph.div(&scores, &scale);
    let weights = graph.softmax(&scores);
    let context = graph.matmul(&weights, &value);
    let context = graph.transpose(&context, &[0, 2, 1, 3]);
    let context = graph.reshape(&context, &[0, 0, dim]);
    graph.linear(&context, &attention.output)
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
