//! The sample encoder of the reference implementation: transformers over the ASVs of a sample,
//! followed by attention pooling.

use aam_api::{
    BoxedCountEmbedding, CountEmbeddingContext, CountEmbeddingKind, CountScale, MixedPrecision,
    PluginError, Registry, SampleAsvs, SampleEncoder, SampleEncoderConfig, SampleEncoderContext,
    SampleEncoderKind, SampleView, ViewShape,
};
use burn::module::Module;
use burn::nn::{Embedding, EmbeddingConfig};
use burn::tensor::{Bool, Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::attention_pooling::AttentionPooling;
use super::transformer::{Transformer, TransformerConfig};

/// Transformers over the ASVs of a sample and attention pooling, as in the reference
/// implementation. Requires thousands of samples.
///
/// The count embedding combines an ASV's embedding and its abundance. A first transformer puts the
/// ASVs in the context of their sample; its output is what the predictor sees. A second transformer
/// and attention pooling compute the sample embedding, from which distances are predicted.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct AttentionConfig {
    /// Layers of the first transformer. Default: as in the other transformers of the model.
    #[schemars(range(max = 1_000))]
    pub layers: Option<usize>,
    /// Layers of the second transformer. Default: as in the other transformers of the model.
    #[schemars(range(max = 1_000))]
    pub pooling_layers: Option<usize>,
}

/// The encoder that [`AttentionConfig`] builds.
#[derive(Module, Debug)]
pub struct AttentionEncoder {
    attention: SampleAttention,
}

#[derive(Module, Debug)]
struct SampleAttention {
    sample_encoder: ContextEncoder,
    encoder: Transformer,
    pooling: AttentionPooling,
}

/// A transformer over the ASVs of a sample, with their abundances.
#[derive(Module, Debug)]
struct ContextEncoder {
    counts: BoxedCountEmbedding,
    positions: Option<Embedding>,
    transformer: Transformer,
    #[module(skip)]
    scale: CountScale,
}

impl SampleEncoderConfig for AttentionConfig {
    const NAME: &'static str = "attention";
    const PUBLISHES_ATTENTION: bool = true;
    type SampleEncoder = AttentionEncoder;

    fn init(
        &self,
        context: &SampleEncoderContext,
        device: &Device,
    ) -> Result<AttentionEncoder, PluginError> {
        let sizes = &context.sizes;
        let dim = sizes.dim;
        let transformer = |layers| {
            TransformerConfig {
                dim,
                heads: sizes.heads,
                layers,
                feed_forward: sizes.feed_forward,
                dropout: sizes.dropout,
                identical_layers: sizes.identical_layers,
            }
            .init(device)
        };
        let counts = Registry::<CountEmbeddingKind>::load()?.build(
            &context.count_embedding,
            &CountEmbeddingContext::new(dim),
            device,
        )?;
        Ok(AttentionEncoder {
            attention: SampleAttention {
                sample_encoder: ContextEncoder {
                    counts,
                    positions: context
                        .asv_positions
                        .map(|rows| EmbeddingConfig::new(rows, dim).init(device)),
                    transformer: transformer(self.layers.unwrap_or(sizes.sample_layers)),
                    scale: context.count_scale,
                },
                encoder: transformer(self.pooling_layers.unwrap_or(sizes.encoder_layers)),
                pooling: AttentionPooling::new(dim, device),
            },
        })
    }
}

impl SampleEncoder for AttentionEncoder {
    fn view(&self, asvs: Tensor<2>, samples: &SampleAsvs, precision: MixedPrecision) -> SampleView {
        SampleView::Asvs(self.contextual(asvs, samples, precision))
    }

    fn view_shape(&self) -> ViewShape {
        ViewShape::Asvs
    }

    fn embed(&self, asvs: Tensor<2>, samples: &SampleAsvs, precision: MixedPrecision) -> Tensor<2> {
        let contextual = self.contextual(asvs, samples, precision);
        self.pool(contextual, samples.mask.clone(), precision)
    }

    fn embed_view(
        &self,
        view: SampleView,
        asvs: Tensor<2>,
        samples: &SampleAsvs,
        precision: MixedPrecision,
    ) -> Tensor<2> {
        match view {
            SampleView::Asvs(contextual) => self.pool(contextual, samples.mask.clone(), precision),
            SampleView::Profiles(_) => self.embed(asvs, samples, precision),
        }
    }
}

aam_api::register!(SampleEncoderKind, AttentionConfig);

impl AttentionEncoder {
    /// The embeddings of the ASVs in the context of their samples, `[batch, asvs, dim]`, zero at
    /// padding, from the ASV embeddings `[unique, dim]`.
    fn contextual(
        &self,
        asvs: Tensor<2>,
        samples: &SampleAsvs,
        precision: MixedPrecision,
    ) -> Tensor<3> {
        let encoder = &self.attention.sample_encoder;
        let [batch, slots] = samples.index.dims();
        let valid = samples.present();
        let abundance = encoder.scale.abundance(samples.counts.clone());
        let abundance = abundance.reshape([batch, slots, 1]);
        let mut x = encoder.counts.forward(samples.gather(asvs), abundance) * valid.clone();
        if let Some(positions) = &encoder.positions {
            x = x + positions.weight.val().slice(0..slots).unsqueeze_dim(0);
        }
        let mask = Some(samples.mask.clone());
        encoder.transformer.forward_in(precision, x, mask) * valid
    }

    /// The sample embeddings, `[batch, dim]`, from [`contextual`](Self::contextual).
    fn pool(&self, asvs: Tensor<3>, mask: Tensor<2, Bool>, precision: MixedPrecision) -> Tensor<2> {
        let encoder = &self.attention.encoder;
        let asvs = encoder.forward_in(precision, asvs, Some(mask.clone()));
        self.attention.pooling.forward(asvs, Some(mask))
    }
}
