//! What pre-training learns: embeddings of ASVs and samples, distances, nucleotides.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Bool, Device, Int, Tensor};

use super::asv_encoder::{AsvEncoder, AsvOutput};
use super::pooling::AttentionPooling;
use super::sample_encoder::SampleEncoder;
use super::transformer::Transformer;
use super::unifrac_head::UnifracHead;
use super::{ModelConfig, ModelError, ModelInput};

/// The pre-trained part of every model.
#[derive(Module, Debug)]
pub struct Base {
    asv_encoder: AsvEncoder,
    sample_encoder: SampleEncoder,
    encoder: Transformer,
    pooling: AttentionPooling,
    unifrac: UnifracHead,
    values: Option<Linear>,
    dim: usize,
}

impl Base {
    /// Builds the base.
    ///
    /// # Errors
    /// An option out of range.
    pub fn init(config: &ModelConfig, device: &Device) -> Result<Self, ModelError> {
        config.validate()?;
        let values = config.sample_values;
        Ok(Self {
            asv_encoder: AsvEncoder::new(config, device),
            sample_encoder: SampleEncoder::new(config, device),
            encoder: config.transformer(config.encoder_layers).init(device),
            pooling: AttentionPooling::new(config.dim, device),
            unifrac: UnifracHead::new(config, device),
            values: (values > 0).then(|| LinearConfig::new(config.dim, values).init(device)),
            dim: config.dim,
        })
    }

    /// Embeddings of all distinct ASVs of a batch, `[unique, dim]`, from their tokens in groups of
    /// one length.
    pub fn encode_asvs(&self, groups: &[Tensor<2, Int>]) -> Tensor<2> {
        let mut embeddings: Vec<Tensor<2>> = groups
            .iter()
            .map(|tokens| self.encode_tokens(tokens.clone()).embeddings)
            .collect();
        match embeddings.len() {
            1 => embeddings.remove(0),
            _ => Tensor::cat(embeddings, 0),
        }
    }

    /// Embeddings of ASVs of one length, and of their positions, from tokens `[unique, length]`.
    pub fn encode_tokens(&self, tokens: Tensor<2, Int>) -> AsvOutput {
        self.asv_encoder.forward(tokens)
    }

    /// Logits of the token at each position, `[unique, length, vocabulary]`, from
    /// [`AsvOutput::positions`].
    pub fn nucleotide_logits(&self, positions: Tensor<3>) -> Tensor<3> {
        self.asv_encoder.nucleotide_logits(positions)
    }

    /// Embeddings of the ASVs in the context of their samples, `[batch, asvs, dim]`, zero at
    /// padding, from the embeddings `[unique, dim]` of the ASVs.
    pub fn encode_samples(&self, asvs: Tensor<2>, input: &ModelInput) -> Tensor<3> {
        self.sample_encoder.forward(asvs, input)
    }

    /// Embeddings of the samples, `[batch, dim]`, from [`Base::encode_samples`].
    pub fn embed_samples(&self, asvs: Tensor<3>, mask: Tensor<2, Bool>) -> Tensor<2> {
        let asvs = self.encoder.forward(asvs, Some(mask.clone()));
        self.pooling.forward(asvs, Some(mask))
    }

    /// Predicted UniFrac distances, `[batch, batch]`, zero on the diagonal, from
    /// [`Base::embed_samples`].
    pub fn distances(&self, samples: Tensor<2>) -> Tensor<2> {
        self.unifrac.forward(samples)
    }

    /// Values predicted for each sample, `[batch, sample_values]`, of a model that has any.
    pub fn sample_values(&self, samples: Tensor<2>) -> Option<Tensor<2>> {
        self.values.as_ref().map(|values| values.forward(samples))
    }

    /// Width of the embeddings.
    pub fn dim(&self) -> usize {
        self.dim
    }
}
