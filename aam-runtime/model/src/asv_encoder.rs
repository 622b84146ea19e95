//! The transformer that embeds ASVs and predicts their masked nucleotides.

use aam_api::{
    AsvEncoder, AsvEncoderConfig, AsvEncoderContext, AsvEncoderKind, Kind, MixedPrecision,
    NucleotideOutput, NucleotidePredictor, PluginError, RecomputingEncoder,
};
use burn::module::Module;
use burn::nn::{Embedding, EmbeddingConfig, Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::attention_pooling::AttentionPooling;
use super::fused::{EncoderShape, FusedEncoder};
use super::transformer::{Transformer, TransformerConfig};
use aam_api::tokens::{AMBIGUOUS, PAD};

/// A transformer over the bases of an ASV, followed by attention pooling: `e = LayerNorm(Σ w x)`.
///
/// `x` `[length, dim]` are the output vectors of the transformer, whose input are token and learned
/// position embeddings; `w` is the softmax over positions of their products with a learned query. A
/// linear map of a position's vector predicts its nucleotide if it is masked. On a CPU, embeddings
/// and gradients are computed for one ASV at a time, through all layers. Vaswani and others,
/// *Attention is all you need*, NeurIPS 2017; Devlin and others, *BERT*, NAACL 2019.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct AsvTransformerConfig {
    /// Number of layers. Default: as in the other transformers of the model.
    #[schemars(range(max = 1_000))]
    pub layers: Option<usize>,
    /// Number of attention heads, which must divide the embedding width. Default: as in the model.
    #[schemars(range(min = 1, max = 1_024))]
    pub heads: Option<usize>,
    /// Width of the feed-forward layers. Default: as in the model.
    #[schemars(range(min = 1, max = 65_536))]
    pub feed_forward: Option<usize>,
    /// Dropout of attention and feed-forward layers, in [0, 1). Default: as in the model.
    pub dropout: Option<f64>,
}

/// The encoder that [`AsvTransformerConfig`] builds.
#[derive(Module, Debug)]
pub struct AsvTransformer {
    tokens: Embedding,
    positions: Embedding,
    transformer: Transformer,
    pooling: AttentionPooling,
    nucleotides: Linear,
    padded: bool,
}

/// The output of [`AsvTransformer::forward_by`] for a group of ASVs.
#[derive(Clone, Debug)]
pub(super) struct AsvOutput {
    /// The embedding of each ASV, `[unique, dim]`.
    pub(super) embeddings: Tensor<2>,
    /// The vector of each position, `[unique, length, dim]`.
    pub(super) positions: Tensor<3>,
}

impl AsvEncoderConfig for AsvTransformerConfig {
    const NAME: &'static str = "transformer";
    type AsvEncoder = AsvTransformer;

    fn init(
        &self,
        context: &AsvEncoderContext,
        device: &Device,
    ) -> Result<AsvTransformer, PluginError> {
        let sizes = &context.sizes;
        let dim = sizes.dim;
        let heads = self.heads.unwrap_or(sizes.heads);
        let wrong = |option, expected: String, found: &dyn std::fmt::Debug| {
            PluginError::bad_option(AsvEncoderKind::NAME, Self::NAME, option, expected, found)
        };
        if heads == 0 || !dim.is_multiple_of(heads) {
            return Err(wrong("heads", format!("a divisor of {dim}"), &heads));
        }
        let dropout = self.dropout.unwrap_or(sizes.dropout);
        if !(0.0..1.0).contains(&dropout) {
            let expected = "a number from 0 up to, not including, 1".to_owned();
            return Err(wrong("dropout", expected, &dropout));
        }
        let transformer = TransformerConfig {
            dim,
            heads,
            layers: self.layers.unwrap_or(sizes.asv_layers),
            feed_forward: self.feed_forward.unwrap_or(sizes.feed_forward),
            dropout,
            identical_layers: sizes.identical_layers,
        };
        Ok(AsvTransformer {
            tokens: EmbeddingConfig::new(context.vocabulary, dim).init(device),
            positions: EmbeddingConfig::new(context.positions, dim).init(device),
            transformer: transformer.init(device),
            pooling: AttentionPooling::new(dim, device),
            nucleotides: LinearConfig::new(dim, context.vocabulary).init(device),
            padded: context.ambiguous_is_padding,
        })
    }
}

impl AsvEncoder for AsvTransformer {
    fn forward(&self, tokens: Tensor<2, Int>, precision: MixedPrecision) -> Tensor<2> {
        self.forward_in(precision, tokens).embeddings
    }

    fn nucleotide_predictor(&self) -> Option<&dyn NucleotidePredictor> {
        Some(self)
    }

    fn recomputing(
        &self,
        precision: MixedPrecision,
        device: &Device,
    ) -> Option<Box<dyn RecomputingEncoder + '_>> {
        let encoder = FusedEncoder::new(self, precision, device)?;
        Some(Box::new(encoder))
    }
}

impl NucleotidePredictor for AsvTransformer {
    fn predict(&self, tokens: Tensor<2, Int>, precision: MixedPrecision) -> NucleotideOutput {
        let AsvOutput {
            embeddings,
            positions,
        } = self.forward_in(precision, tokens);
        NucleotideOutput {
            embeddings,
            logits: precision.linear(&self.nucleotides, positions),
        }
    }
}

aam_api::register!(AsvEncoderKind, AsvTransformerConfig);

impl AsvTransformer {
    /// Applies the transformer in `precision`. No position is padding, so nothing is masked, except
    /// in models that treat ambiguous bases as padding.
    fn forward_in(&self, precision: MixedPrecision, tokens: Tensor<2, Int>) -> AsvOutput {
        self.forward_by(tokens, |transformer, x, mask| {
            transformer.forward_in(precision, x, mask)
        })
    }

    /// As [`forward`](AsvEncoder::forward), with a given implementation of the transformer.
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

    /// The token logits at each position, `[unique, length, vocabulary]`.
    #[cfg(test)]
    pub(super) fn logits(&self, positions: Tensor<3>) -> Tensor<3> {
        self.nucleotides.forward(positions)
    }

    /// The shape for the fused encoder, if no position is masked.
    pub(super) fn fused_shape(&self) -> Option<EncoderShape> {
        let [vocabulary, _] = self.tokens.weight.dims();
        let [positions, _] = self.positions.weight.dims();
        (!self.padded).then(|| EncoderShape {
            vocabulary,
            positions,
            stack: self.transformer.shape(),
        })
    }

    /// Whether only the adapters of the transformer are trained.
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

    /// The dropout probability in training.
    pub(super) fn dropout(&self) -> f64 {
        self.transformer.dropout()
    }
}

/// Looks up the rows of `table` for `tokens`, `[unique, length, dim]`. If a GPU has to train them,
/// this is a matrix product, because the gradient of Burn's look-up adds all positions sequentially
/// on a GPU, with one thread per column, which takes as long as the transformer.
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
    fn a_product_equals_a_look_up() {
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
