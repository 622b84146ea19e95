//! From embeddings of ASVs to their embeddings in the context of each sample.

use burn::module::Module;
use burn::nn::{Embedding, EmbeddingConfig};
use burn::tensor::{Device, Tensor};

use super::count_embedding::CountEmbedder;
use super::transformer::Transformer;
use super::{MixedPrecision, ModelConfig, ModelInput};

/// A transformer over the ASVs of a sample, with their abundances.
#[derive(Module, Debug)]
pub struct SampleEncoder {
    counts: Option<CountEmbedder>,
    positions: Option<Embedding>,
    transformer: Transformer,
}

impl SampleEncoder {
    /// Builds the encoder.
    pub fn new(config: &ModelConfig, device: &Device) -> Self {
        Self {
            counts: CountEmbedder::new(config, device),
            // The reference's table has five rows to spare, so that its weights fit.
            positions: config
                .compatibility
                .sample_positions
                .then(|| EmbeddingConfig::new(config.token_limit + 5, config.dim).init(device)),
            transformer: config.transformer(config.sample_layers).init(device),
        }
    }

    /// With matrix products of the numbers of `precision`.
    pub fn with_precision(self, precision: MixedPrecision) -> Self {
        Self {
            transformer: self.transformer.with_precision(precision),
            ..self
        }
    }

    /// `[batch, asvs, dim]`, zero at padding, from the embeddings `[unique, dim]` of the ASVs.
    pub fn forward(&self, asvs: Tensor<2>, input: &ModelInput) -> Tensor<3> {
        let [batch, slots] = input.index.dims();
        let [_, dim] = asvs.dims();
        let valid: Tensor<3> = input.mask.clone().float().unsqueeze_dim(2);
        let rows = input.index.clone().reshape([batch * slots]);
        let mut x = asvs.select(0, rows).reshape([batch, slots, dim]) * valid.clone();
        if let Some(counts) = &self.counts {
            x = counts.forward(x, input.counts.clone()) * valid.clone();
        }
        if let Some(positions) = &self.positions {
            x = x + positions.weight.val().slice(0..slots).unsqueeze_dim(0);
        }
        self.transformer.forward(x, Some(input.mask.clone())) * valid
    }
}
