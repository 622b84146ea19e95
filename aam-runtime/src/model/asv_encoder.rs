//! From the tokens of ASVs to one embedding each, and to logits of their nucleotides.

use burn::module::Module;
use burn::nn::{Embedding, EmbeddingConfig, Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

use super::attention_pooling::AttentionPooling;
use super::fused::EncoderShape;
use super::transformer::Transformer;
use super::{MixedPrecision, ModelConfig};
use crate::data::tokens::{AMBIGUOUS, PAD};

/// Embeds ASVs: tokens and positions, a transformer over the bases, attention pooling.
#[derive(Module, Debug)]
pub struct AsvEncoder {
    tokens: Embedding,
    positions: Embedding,
    transformer: Transformer,
    pooling: AttentionPooling,
    nucleotides: Linear,
    padded: bool,
}

/// What [`AsvEncoder::forward`] makes of a group of ASVs.
#[derive(Clone, Debug)]
pub struct AsvOutput {
    /// Embedding of each ASV, `[unique, dim]`.
    pub embeddings: Tensor<2>,
    /// Vector of each position, `[unique, length, dim]`, for [`AsvEncoder::nucleotide_logits`].
    pub positions: Tensor<3>,
}

impl AsvEncoder {
    /// Builds the encoder.
    pub fn new(config: &ModelConfig, device: &Device) -> Self {
        let dim = config.dim;
        Self {
            tokens: EmbeddingConfig::new(config.vocabulary, dim).init(device),
            positions: EmbeddingConfig::new(config.max_bp + 1, dim).init(device),
            transformer: config.transformer(config.asv_layers).init(device),
            pooling: AttentionPooling::new(dim, device),
            nucleotides: LinearConfig::new(dim, config.vocabulary).init(device),
            padded: config.compatibility.ambiguous_is_padding,
        }
    }

    /// With matrix products of the numbers of `precision`.
    pub fn with_precision(self, precision: MixedPrecision) -> Self {
        Self {
            transformer: self.transformer.with_precision(precision),
            ..self
        }
    }

    /// Embeds ASVs of one length; `tokens` is `[unique, length]`, at most `max_bp` + 1 long.
    ///
    /// No position is padding, so nothing is masked, unless the model is one that takes
    /// ambiguous bases for padding.
    pub fn forward(&self, tokens: Tensor<2, Int>) -> AsvOutput {
        self.forward_in(self.precision(), tokens)
    }

    /// As [`forward`](Self::forward), with products of the numbers of `precision`.
    pub(super) fn forward_in(
        &self,
        precision: MixedPrecision,
        tokens: Tensor<2, Int>,
    ) -> AsvOutput {
        self.forward_by(tokens, |transformer, x, mask| {
            transformer.forward_in(precision, x, mask)
        })
    }

    /// What its matrix products are computed in.
    pub(super) fn precision(&self) -> MixedPrecision {
        self.transformer.precision()
    }

    /// As [`forward`](Self::forward), with another way through the transformer.
    pub(super) fn forward_by(
        &self,
        tokens: Tensor<2, Int>,
        transform: impl Fn(&Transformer, Tensor<3>, Option<Tensor<2, Bool>>) -> Tensor<3>,
    ) -> AsvOutput {
        let [_, length] = tokens.dims();
        let tokens = match self.padded {
            true => tokens.clone().mask_fill(tokens.equal_elem(AMBIGUOUS), PAD),
            false => tokens,
        };
        let mask = self.padded.then(|| tokens.clone().greater_elem(PAD));
        let positions = self.positions.weight.val().slice(0..length);
        let x = rows_of(&self.tokens, tokens) + positions.unsqueeze_dim(0);
        let positions = transform(&self.transformer, x, mask.clone());
        AsvOutput {
            embeddings: self.pooling.forward(positions.clone(), mask),
            positions,
        }
    }

    /// The shape, where no position is masked.
    pub(super) fn fused_shape(&self) -> Option<EncoderShape> {
        let [vocabulary, _] = self.tokens.weight.dims();
        let [positions, _] = self.positions.weight.dims();
        (!self.padded).then(|| EncoderShape {
            vocabulary,
            positions,
            stack: self.transformer.shape(),
        })
    }

    /// Whether the transformer learns through adapters, and nothing else does.
    pub(super) fn is_adapted(&self) -> bool {
        self.transformer.is_adapted()
    }

    /// The gradients of the adapters, given those of all weights in the order in which Burn visits
    /// them without adapters.
    pub(super) fn adapter_gradients(&self, gradients: &[f32]) -> GradientsParams {
        let embeddings = [&self.tokens.weight, &self.positions.weight];
        let before: usize = embeddings
            .map(|weight| weight.shape().num_elements())
            .iter()
            .sum();
        let weights = self.transformer.parameters();
        let shape = weights.dims();
        let gradients = gradients[before..before + shape[0]].to_vec();
        let gradients = Tensor::from_data(TensorData::new(gradients, shape), &weights.device());
        GradientsParams::from_grads((weights * gradients).sum().backward(), self)
    }

    /// Probability of dropout in training.
    pub(super) fn dropout(&self) -> f64 {
        self.transformer.dropout()
    }

    /// Logits of the token at each position, `[unique, length, vocabulary]`.
    pub fn nucleotide_logits(&self, positions: Tensor<3>) -> Tensor<3> {
        self.precision().linear(&self.nucleotides, positions)
    }
}

/// The rows of `table` for `tokens`, `[unique, length, dim]`. A GPU that is to learn them multiplies:
/// Burn's gradient of a look-up adds up all positions one after the other there, on one thread for
/// each column, which takes as long as the transformer.
fn rows_of(table: &Embedding, tokens: Tensor<2, Int>) -> Tensor<3> {
    let weight = table.weight.val();
    match weight.device().inner() == Device::flex() || !weight.is_require_grad() {
        true => table.forward(tokens),
        false => rows_by_product(weight, tokens),
    }
}

fn rows_by_product(weight: Tensor<2>, tokens: Tensor<2, Int>) -> Tensor<3> {
    let ([unique, length], [vocabulary, dim]) = (tokens.dims(), weight.dims());
    let all = Tensor::<1, Int>::arange(0..vocabulary as i64, &tokens.device());
    let tokens = tokens.reshape([unique * length, 1]);
    let chosen = tokens.equal(all.unsqueeze_dim(0)).float();
    let rows = chosen.cast(weight.dtype()).matmul(weight);
    rows.reshape([unique, length, dim])
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;

    #[test]
    fn a_product_is_a_look_up() {
        let device = Device::flex().autodiff();
        let table = EmbeddingConfig::new(6, 4).init(&device);
        let tokens = Tensor::<2, Int>::from_data([[5, 1, 1], [2, 0, 5]], &device);
        let weights = Tensor::<3>::random([2, 3, 4], Distribution::Default, &device);
        let found = rows_by_product(table.weight.val(), tokens.clone());
        let expected = table.forward(tokens);
        let gradient = |of: &Tensor<3>| {
            let gradients = (of.clone() * weights.clone()).sum().backward();
            table.weight.val().grad(&gradients).unwrap()
        };
        let error = (gradient(&found) - gradient(&expected)).abs().max();
        assert!(error.into_scalar::<f32>() < 1e-6);
        assert_eq!(found.into_data(), expected.into_data());
    }
}
