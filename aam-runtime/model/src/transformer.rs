//! A stack of pre-norm transformer layers: `x += drop(attention(norm(x)))`, then
//! `x += drop(down(drop(gelu(up(norm(x))))))`, and a final norm after the last layer.

use aam_api::dropout::{drop, next_draw};
use burn::module::{Module, Param};
use burn::nn::{Dropout, DropoutConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::gelu;
use burn::tensor::{Bool, DType, Device, Tensor};

use super::MixedPrecision;
use super::attention::{self, MASKED};
use super::fused::{Plan, StackShape, layers};
use super::init::{copy_with_own_parameters, linear_without_initial_bias, xavier_linear};

/// Maximum number of attention scores kept at once if no gradient is needed.
const LARGE: usize = 1 << 24;

/// The shape of a [`Transformer`].
#[derive(Clone, Debug)]
pub struct TransformerConfig {
    /// Width of the sequence.
    pub dim: usize,
    /// Attention heads; must divide `dim`.
    pub heads: usize,
    /// Number of layers; with 0, only the final norm remains.
    pub layers: usize,
    /// Width of the feed-forward layers.
    pub feed_forward: usize,
    /// Dropout of attention weights, attention output, activation and feed-forward output.
    pub dropout: f64,
    /// Whether all layers start with the same weights.
    pub identical_layers: bool,
}

/// A stack of pre-norm transformer layers.
#[derive(Module, Debug)]
pub struct Transformer {
    layers: Vec<Layer>,
    norm: LayerNorm,
    feed_forward: usize,
    heads: usize,
    #[module(skip)]
    precision: MixedPrecision,
}

#[derive(Module, Debug)]
struct Layer {
    attention_norm: LayerNorm,
    /// Concatenated queries, keys and values, `dim` to 3 × `dim`.
    qkv: Linear,
    output: Linear,
    feed_forward_norm: LayerNorm,
    expand: Linear,
    contract: Linear,
    dropout: Dropout,
    heads: usize,
}

impl TransformerConfig {
    /// Builds the stack.
    pub fn init(&self, device: &Device) -> Transformer {
        let layer = || Layer {
            attention_norm: LayerNormConfig::new(self.dim).init(device),
            qkv: xavier_linear(self.dim, 3 * self.dim, device),
            output: linear_without_initial_bias(self.dim, self.dim, device),
            feed_forward_norm: LayerNormConfig::new(self.dim).init(device),
            expand: LinearConfig::new(self.dim, self.feed_forward).init(device),
            contract: LinearConfig::new(self.feed_forward, self.dim).init(device),
            dropout: DropoutConfig::new(self.dropout).init(),
            heads: self.heads,
        };
        let mut layers: Vec<Layer> = Vec::with_capacity(self.layers);
        for _ in 0..self.layers {
            layers.push(match layers.first() {
                Some(first) if self.identical_layers => copy_with_own_parameters(first),
                _ => layer(),
            });
        }
        Transformer {
            layers,
            feed_forward: self.feed_forward,
            heads: self.heads,
            precision: MixedPrecision::None,
            norm: LayerNormConfig::new(self.dim)
                .with_epsilon(1e-6)
                .init(device),
        }
    }
}

impl Transformer {
    /// Sets the precision of matrix products.
    pub fn with_precision(self, precision: MixedPrecision) -> Self {
        Self { precision, ..self }
    }

    /// The shape of the stack.
    pub(super) fn shape(&self) -> StackShape {
        StackShape {
            dim: self.norm.gamma.dims()[0],
            heads: self.heads,
            feed_forward: self.feed_forward,
            layers: self.layers.len(),
        }
    }

    /// The dropout probability in training; 0 if disabled.
    pub(super) fn dropout(&self) -> f64 {
        let active = |dropout: &Dropout| dropout.training.is_enabled();
        let layers = self.layers.iter().map(|layer| &layer.dropout);
        layers
            .filter(|dropout| active(dropout))
            .map(|dropout| dropout.prob)
            .fold(0.0, f64::max)
    }

    /// Maps `[batch, length, dim]` to the same shape.
    ///
    /// `mask` `[batch, length]` is true at positions that others may attend to; the output at other
    /// positions is meaningless.
    pub fn forward(&self, x: Tensor<3>, mask: Option<Tensor<2, Bool>>) -> Tensor<3> {
        self.forward_in(self.precision, x, mask)
    }

    /// As [`forward`](Self::forward), with matrix products in `precision`.
    pub(super) fn forward_in(
        &self,
        precision: MixedPrecision,
        x: Tensor<3>,
        mask: Option<Tensor<2, Bool>>,
    ) -> Tensor<3> {
        let plan = (!precision.is_mixed()).then(|| self.plan(&x, mask.as_ref()));
        match plan.flatten() {
            Some(plan) => self.norm.forward(layers(x, self.parameters(), plan)),
            None => self.through_burn(precision, x, mask),
        }
    }

    /// As [`forward_in`](Self::forward_in), with operations available on every device.
    fn through_burn(
        &self,
        precision: MixedPrecision,
        x: Tensor<3>,
        mask: Option<Tensor<2, Bool>>,
    ) -> Tensor<3> {
        let bias = mask.map(|mask| {
            let [batch, length] = mask.dims();
            (mask.bool_not().float() * MASKED).reshape([batch, 1, 1, length])
        });
        let x = self
            .layers
            .iter()
            .fold(x, |x, layer| layer.forward(x, bias.as_ref(), precision));
        self.norm.forward(x)
    }

    /// The same in the precision of the stack.
    #[cfg(test)]
    pub(super) fn forward_through_burn(
        &self,
        x: Tensor<3>,
        mask: Option<Tensor<2, Bool>>,
    ) -> Tensor<3> {
        self.through_burn(self.precision, x, mask)
    }

    /// The plan by which the CPU computes all layers at once. `None` on other devices, and if the
    /// valid positions do not come first in each sequence.
    fn plan(&self, x: &Tensor<3>, mask: Option<&Tensor<2, Bool>>) -> Option<Plan> {
        let [batch, places, _] = x.dims();
        if x.device().inner() != Device::flex() || x.dtype() != DType::F32 {
            return None;
        }
        let lengths = match mask {
            None => vec![places; batch],
            Some(mask) => {
                let mask: Vec<bool> = mask.clone().into_data().iter().collect();
                let rows = mask.chunks_exact(places.max(1));
                let first = |row: &[bool]| {
                    let length = row.iter().take_while(|valid| **valid).count();
                    (!row[length..].contains(&true)).then_some(length)
                };
                rows.map(first).collect::<Option<_>>()?
            }
        };
        let active = x.device().is_autodiff() && self.dropout() > 0.0;
        let (seed, samples) = if active { next_draw() } else { (0, 0..batch) };
        Some(Plan {
            shape: self.shape(),
            lengths,
            places,
            dropout: (if active { self.dropout() } else { 0.0 }, seed),
            first: samples.start,
        })
    }

    /// The parameters of all layers in a flat vector, in the order in which Burn visits them; with
    /// adapters, the merged weights.
    pub(super) fn parameters(&self) -> Tensor<1> {
        let row: Vec<Tensor<1>> = self.layers.iter().flat_map(Layer::parameters).collect();
        match row.is_empty() {
            true => Tensor::empty([0], &self.norm.gamma.device()),
            false => Tensor::cat(row, 0),
        }
    }

    /// Whether the linear maps are trained through adapters.
    pub(super) fn is_adapted(&self) -> bool {
        let mut layers = self.layers.iter();
        layers.any(|layer| layer.qkv.weight.adapter().is_some())
    }
}

impl Layer {
    fn parameters(&self) -> Vec<Tensor<1>> {
        let norm = |norm: &LayerNorm| {
            let beta = norm.beta.as_ref().map(Param::val);
            [Some(norm.gamma.val()), beta]
        };
        let linear = |linear: &Linear| {
            let bias = linear.bias.as_ref().map(Param::val);
            [Some(linear.weight.val().flatten(0, 1)), bias]
        };
        let parts = [
            norm(&self.attention_norm),
            linear(&self.qkv),
            linear(&self.output),
            norm(&self.feed_forward_norm),
            linear(&self.expand),
            linear(&self.contract),
        ];
        parts.into_iter().flatten().flatten().collect()
    }

    fn forward(
        &self,
        x: Tensor<3>,
        bias: Option<&Tensor<4>>,
        precision: MixedPrecision,
    ) -> Tensor<3> {
        let attended = self.attend(self.attention_norm.forward(x.clone()), bias, precision);
        let x = x + drop(&self.dropout, attended);
        let hidden = precision.linear(&self.expand, self.feed_forward_norm.forward(x.clone()));
        let hidden = drop(&self.dropout, gelu(hidden));
        x + drop(&self.dropout, precision.linear(&self.contract, hidden))
    }

    fn attend(
        &self,
        x: Tensor<3>,
        bias: Option<&Tensor<4>>,
        precision: MixedPrecision,
    ) -> Tensor<3> {
        let [batch, length, dim] = x.dims();
        let width = dim / self.heads;
        let qkv = precision.linear(&self.qkv, x);
        let part = |i: usize| {
            qkv.clone()
                .slice([0..batch, 0..length, i * dim..(i + 1) * dim])
                .reshape([batch, length, self.heads, width])
                .swap_dims(1, 2)
        };
        let (query, key, value) = (part(0), part(1), part(2));
        let scores = batch * self.heads * length * length;
        // On a CPU it is also faster than the fused attention, which does not store all scores.
        let small = (scores <= LARGE || precision.is_mixed()) && qkv.device() == Device::flex();
        let attended = match qkv.is_autodiff() || small || attention::is_plain() {
            true => {
                let drop = |weights| drop(&self.dropout, weights);
                attention::plain_in(precision, query, key, value, bias, drop)
            }
            false => attention::fused_in(precision, query, key, value, bias),
        };
        let attended = attended.swap_dims(1, 2).reshape([batch, length, dim]);
        precision.linear(&self.output, attended)
    }
}
