//! The way of the reference implementation from ASVs to a sample: transformers over the ASVs of
//! the sample, then attention pooling.

use burn::module::Module;
use burn::tensor::{Bool, Device, Tensor};

use super::attention_pooling::AttentionPooling;
use super::sample_encoder::SampleEncoder;
use super::transformer::Transformer;
use super::{MixedPrecision, ModelConfig, ModelInput};

/// Embeds samples by attention.
#[derive(Module, Debug)]
pub struct SampleAttention {
    sample_encoder: SampleEncoder,
    encoder: Transformer,
    pooling: AttentionPooling,
}

impl SampleAttention {
    /// Builds the transformers.
    pub fn new(config: &ModelConfig, device: &Device) -> Self {
        Self {
            sample_encoder: SampleEncoder::new(config, device),
            encoder: config.transformer(config.encoder_layers).init(device),
            pooling: AttentionPooling::new(config.dim, device),
        }
    }

    /// With matrix products of the numbers of `precision`.
    pub fn with_precision(self, precision: MixedPrecision) -> Self {
        Self {
            sample_encoder: self.sample_encoder.with_precision(precision),
            encoder: self.encoder.with_precision(precision),
            ..self
        }
    }

    /// Embeddings of the ASVs in the context of their samples, `[batch, asvs, dim]`, zero at
    /// padding, from the embeddings `[unique, dim]` of the ASVs.
    pub fn contextual(&self, asvs: Tensor<2>, input: &ModelInput) -> Tensor<3> {
        self.sample_encoder.forward(asvs, input)
    }

    /// Embeddings of the samples, `[batch, dim]`, from [`SampleAttention::contextual`].
    pub fn pool(&self, asvs: Tensor<3>, mask: Tensor<2, Bool>) -> Tensor<2> {
        let asvs = self.encoder.forward(asvs, Some(mask.clone()));
        self.pooling.forward(asvs, Some(mask))
    }
}
