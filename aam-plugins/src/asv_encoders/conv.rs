//! A convolutional network over the bases of an ASV.

use aam_api::options::Facts;
use aam_api::{
    AsvEncoder, AsvEncoderConfig, AsvEncoderContext, AsvEncoderKind, Kind, MixedPrecision,
    NucleotideOutput, NucleotidePredictor, PluginError,
};
use burn::module::Module;
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, PaddingConfig1d};
use burn::tensor::activation::gelu;
use burn::tensor::{Device, Int, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::layers::xavier_linear;

/// Residual dilated convolutions over the bases of an ASV, averaged over its positions:
/// `e = W mean(LayerNorm(x))`.
///
/// Layer `i` adds `gelu(conv(LayerNorm(x)))` to the vectors `x` `[length, dim]` of the positions, with
/// gaps of 2ⁱ positions, so that each position sees twice as far as in the layer before. A linear map
/// of a position's vector predicts its nucleotide if it is masked. Yu and Koltun, *Multi-scale context
/// aggregation by dilated convolutions*, ICLR 2016.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ConvConfig {
    /// Number of layers.
    #[schemars(range(min = 1, max = 16))]
    pub layers: usize,
    /// Number of positions that a convolution combines; an odd number.
    #[schemars(range(min = 1, max = 63), transform = Facts::new().because("a little longer than a 6-mer"))]
    pub kernel: usize,
}

impl Default for ConvConfig {
    fn default() -> Self {
        Self {
            layers: 4,
            kernel: 7,
        }
    }
}

/// The encoder that [`ConvConfig`] builds.
#[derive(Module, Debug)]
pub struct ConvEncoder {
    tokens: Embedding,
    layers: Vec<Layer>,
    norm: LayerNorm,
    output: Linear,
    nucleotides: Linear,
}

/// A residual convolution.
#[derive(Module, Debug)]
struct Layer {
    norm: LayerNorm,
    conv: Conv1d,
}

impl Layer {
    fn new(dim: usize, kernel: usize, dilation: usize, device: &Device) -> Self {
        let reach = dilation * (kernel - 1) / 2;
        Self {
            norm: LayerNormConfig::new(dim).init(device),
            conv: Conv1dConfig::new(dim, dim, kernel)
                .with_dilation(dilation)
                .with_padding(PaddingConfig1d::Explicit(reach, reach))
                .init(device),
        }
    }

    /// `x` is `[ASVs, length, dim]`.
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let channels = self.norm.forward(x.clone()).swap_dims(1, 2);
        x + gelu(self.conv.forward(channels)).swap_dims(1, 2)
    }
}

impl AsvEncoderConfig for ConvConfig {
    const NAME: &'static str = "conv";
    type AsvEncoder = ConvEncoder;

    fn init(
        &self,
        context: &AsvEncoderContext,
        device: &Device,
    ) -> Result<ConvEncoder, PluginError> {
        if self.kernel.is_multiple_of(2) {
            return Err(PluginError::bad_option(
                AsvEncoderKind::NAME,
                Self::NAME,
                "kernel",
                "an odd number".to_owned(),
                self.kernel,
            ));
        }
        let dim = context.sizes.dim;
        let layers = 0..self.layers;
        Ok(ConvEncoder {
            tokens: EmbeddingConfig::new(context.vocabulary, dim).init(device),
            layers: layers
                .map(|layer| Layer::new(dim, self.kernel, 1 << layer, device))
                .collect(),
            norm: LayerNormConfig::new(dim).init(device),
            output: xavier_linear(dim, dim, device),
            nucleotides: xavier_linear(dim, context.vocabulary, device),
        })
    }
}

impl ConvEncoder {
    /// The vector of each position, `[ASVs, length, dim]`.
    fn positions(&self, tokens: Tensor<2, Int>) -> Tensor<3> {
        let x = self.tokens.forward(tokens);
        let x = self.layers.iter().fold(x, |x, layer| layer.forward(x));
        self.norm.forward(x)
    }

    /// The embedding of each ASV, `[ASVs, dim]`, given the vectors of its positions.
    fn embedding(&self, positions: Tensor<3>, precision: MixedPrecision) -> Tensor<2> {
        precision.linear(&self.output, positions.mean_dim(1).squeeze_dim(1))
    }
}

impl AsvEncoder for ConvEncoder {
    fn forward(&self, tokens: Tensor<2, Int>, precision: MixedPrecision) -> Tensor<2> {
        self.embedding(self.positions(tokens), precision)
    }

    fn nucleotide_predictor(&self) -> Option<&dyn NucleotidePredictor> {
        Some(self)
    }
}

impl NucleotidePredictor for ConvEncoder {
    fn predict(&self, tokens: Tensor<2, Int>, precision: MixedPrecision) -> NucleotideOutput {
        let positions = self.positions(tokens);
        NucleotideOutput {
            logits: precision.linear(&self.nucleotides, positions.clone()),
            embeddings: self.embedding(positions, precision),
        }
    }
}

aam_api::register!(AsvEncoderKind, ConvConfig);

#[cfg(test)]
mod tests {
    use aam_api::ModelSizes;
    use aam_api::tokens::{FIRST_BASE, START};
    use burn::tensor::TensorData;

    use super::*;
    use crate::known::device;

    #[test]
    fn a_base_affects_only_the_receptive_field() {
        let context = AsvEncoderContext::new(ModelSizes::new(8), 100);
        let config = ConvConfig {
            layers: 3,
            kernel: 5,
        };
        let encoder = config.init(&context, &device()).unwrap();
        let positions = |changed: Option<usize>| {
            let token = |place| match place {
                0 => START,
                place if Some(place) == changed => FIRST_BASE + 1,
                _ => FIRST_BASE,
            };
            let tokens: Vec<i32> = (0..81).map(token).map(i32::from).collect();
            let tokens = Tensor::from_data(TensorData::new(tokens, [1, 81]), &device());
            encoder.positions(tokens)
        };
        let difference = (positions(None) - positions(Some(40))).abs().max_dim(2);
        let differs: Vec<bool> = difference
            .into_data()
            .iter::<f32>()
            .map(|d| d > 0.0)
            .collect();
        // Two positions to either side, with gaps of 1, 2 and 4.
        let reach = 2 + 4 + 8;
        for (place, differs) in differs.into_iter().enumerate() {
            assert_eq!(differs, place.abs_diff(40) <= reach, "{place}");
        }
    }

    #[test]
    fn an_even_kernel_is_refused() {
        let context = AsvEncoderContext::new(ModelSizes::new(8), 100);
        let config = ConvConfig {
            kernel: 4,
            ..ConvConfig::default()
        };
        let error = config.init(&context, &device()).unwrap_err().to_string();
        assert!(error.contains("an odd number"), "{error}");
    }
}
