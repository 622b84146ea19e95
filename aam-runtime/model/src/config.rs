//! The shape of a model: widths, depths, and differences from the reference implementation.

use std::str::FromStr;

use aam_api::options;
use aam_api::{
    AsvEncoderConfig, AsvEncoderContext, AsvEncoderKind, BoxedAsvEncoder, BoxedSampleEncoder,
    CountScale, Kind, ModelSizes, PluginError, Registry, Resolved, SampleEncoderConfig,
    SampleEncoderContext, SampleEncoderKind, ViewShape,
};
use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::asv_encoder::AsvTransformerConfig;
use super::compatibility::Compatibility;
use super::sample_abundance::AbundanceConfig;
use super::sample_attention::AttentionConfig;
use super::transformer::TransformerConfig;
use super::{ModelError, component};

/// The default ASV encoder, which has pre-trained weights.
pub const TRAINED_ENCODER: &str = "greengenes";
/// The maximum width of its embeddings.
pub const TRAINED_WIDTH: usize = 128;

/// The ASV encoder of features without sequences.
pub const LINEAGE_ENCODER: &str = "lineage";

/// The shape of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ModelConfig {
    /// Width of the embeddings of bases, ASVs and samples.
    #[schemars(range(min = 1, max = 16_384))]
    pub dim: usize,
    /// Attention heads of every transformer; must divide `dim`.
    #[schemars(range(min = 1, max = 1_024))]
    pub heads: usize,
    /// Transformer layers over the bases of an ASV.
    #[schemars(range(max = 1_000))]
    pub asv_layers: usize,
    /// Transformer layers over the ASVs of a sample.
    #[schemars(range(max = 1_000))]
    pub sample_layers: usize,
    /// Additional layers over the ASVs, before the pooling that gives the sample embedding.
    #[schemars(range(max = 1_000))]
    pub encoder_layers: usize,
    /// Layers of the target branch.
    #[schemars(range(max = 1_000))]
    pub target_layers: usize,
    /// Layers of the count branch.
    #[schemars(range(max = 1_000))]
    pub count_layers: usize,
    /// Width of the feed-forward layers. Default: 4 × `dim`.
    #[schemars(range(min = 1, max = 65_536))]
    pub feed_forward: Option<usize>,
    /// Dropout of every transformer, in [0, 1).
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1))]
    pub dropout: f64,
    /// Dropout of the category embeddings, in [0, 1).
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1))]
    pub category_dropout: f64,
    /// The longest ASV, in bases.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_bp: usize,
    /// The maximum number of ASVs per sample that the model uses.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub token_limit: usize,
    /// The number of tokens, including padding, start and mask.
    #[schemars(range(min = 6, max = 65_536))]
    pub vocabulary: usize,
    /// The component that maps the tokens of an ASV to its embedding.
    #[serde(
        default = "component::unnamed_asv_encoder",
        skip_serializing_if = "component::is_unnamed_asv_encoder"
    )]
    #[schemars(skip)]
    pub asv_encoder: Resolved,
    /// The component that combines the ASVs of a sample into one vector.
    #[serde(rename = "pooling", with = "component")]
    #[schemars(skip)]
    pub sample_encoder: Resolved,
    /// Number of features per weighting of the profile from which abundance pooling predicts
    /// distances.
    #[schemars(range(min = 1, max = 65_536))]
    pub profile_features: usize,
    /// Number of composition features of a sample with abundance pooling; the head sees the cosine and the
    /// sine of each.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub composition_features: usize,
    /// Width to which these are reduced for a fusion, and if there are categories.
    #[schemars(range(min = 1, max = 65_536))]
    pub sample_dim: usize,
    /// The component that combines the abundance of an ASV with its embedding, before attention.
    #[serde(with = "component")]
    #[schemars(skip)]
    pub count_embedding: Resolved,
    /// The abundance measure.
    pub count_scale: CountScale,
    /// The scale of distances between embeddings.
    pub distance_scale: DistanceScale,
    /// Kinds of distance between samples that pre-training predicts, each on its own scale.
    #[schemars(range(min = 1, max = 65_536))]
    pub sample_distances: usize,
    /// Values per sample that pre-training predicts directly (1 for Faith's PD).
    #[schemars(range(max = 65_536))]
    pub sample_values: usize,
    /// Behaviours of the reference implementation that are off by default.
    pub compatibility: Compatibility,
}

/// The scale by which distances between embeddings are divided before tanh maps them to [0, 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DistanceScale {
    /// √dim, the norm of a normalised embedding, so that every width has the same range.
    #[default]
    Relative,
    /// √dim times a learned factor that starts at 1.
    Learnable,
    /// 10 for every width.
    Fixed,
}

/// The requirements of a sample encoder ([`aam_api::SampleEncoder`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleWays {
    /// Whether it is fitted to samples and to ASVs, whose embeddings are then fixed.
    pub is_fitted: bool,
    /// What a predictor sees.
    pub view: ViewShape,
}

/// Predefined sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Tens of thousands of parameters, for a few hundred samples on a laptop.
    #[default]
    Tiny,
    /// Hundreds of thousands of parameters.
    Small,
    /// The size of the reference implementation, for a GPU.
    Base,
}

impl FromStr for Preset {
    type Err = ModelError;

    fn from_str(name: &str) -> Result<Self, ModelError> {
        match name {
            "tiny" => Ok(Self::Tiny),
            "small" => Ok(Self::Small),
            "base" => Ok(Self::Base),
            other => Err(ModelError::option("preset", "tiny, small or base", other)),
        }
    }
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self::preset(Preset::default())
    }
}

impl ModelConfig {
    /// The configuration of a preset.
    pub fn preset(preset: Preset) -> Self {
        let common = Self {
            dim: 48,
            heads: 4,
            asv_layers: 2,
            sample_layers: 1,
            encoder_layers: 1,
            target_layers: 1,
            count_layers: 1,
            feed_forward: Some(96),
            dropout: 0.0,
            category_dropout: 0.1,
            max_bp: 150,
            token_limit: 1024,
            vocabulary: aam_data::tokens::VOCABULARY,
            asv_encoder: Resolved::built_in(TRAINED_ENCODER),
            sample_encoder: Resolved::built_in(AbundanceConfig::NAME),
            profile_features: 512,
            composition_features: 4096,
            sample_dim: 256,
            count_embedding: Resolved::built_in("add"),
            count_scale: CountScale::default(),
            distance_scale: DistanceScale::Learnable,
            sample_distances: 1,
            sample_values: 0,
            compatibility: Compatibility::default(),
        };
        match preset {
            Preset::Tiny => common,
            Preset::Small => Self {
                dim: 64,
                asv_layers: 3,
                sample_layers: 2,
                encoder_layers: 2,
                target_layers: 2,
                count_layers: 2,
                feed_forward: Some(256),
                profile_features: 1024,
                ..common
            },
            Preset::Base => Self {
                dim: 128,
                asv_layers: 4,
                sample_layers: 4,
                encoder_layers: 4,
                target_layers: 4,
                count_layers: 4,
                feed_forward: None,
                dropout: 0.1,
                sample_encoder: Resolved::built_in(AttentionConfig::NAME),
                distance_scale: DistanceScale::Relative,
                ..common
            }
            .with_transformer(),
        }
    }

    /// Uses the ASV encoder that learns masked nucleotides.
    pub fn with_transformer(self) -> Self {
        Self {
            asv_encoder: component::unnamed_asv_encoder(),
            ..self
        }
    }

    /// Checks that a model can be built.
    ///
    /// # Errors
    /// The first option out of range.
    pub fn validate(&self) -> Result<(), ModelError> {
        options::check_all(self)?;
        if !self.dim.is_multiple_of(self.heads) {
            let expected = format!("a divisor of the width of embeddings, {}", self.dim);
            return Err(ModelError::option("attention-heads", expected, self.heads));
        }
        Ok(())
    }

    /// The sizes used by components of the model.
    pub fn sizes(&self) -> ModelSizes {
        let mut sizes = ModelSizes::new(self.dim);
        sizes.heads = self.heads;
        sizes.asv_layers = self.asv_layers;
        sizes.sample_layers = self.sample_layers;
        sizes.encoder_layers = self.encoder_layers;
        sizes.feed_forward = self.feed_forward.unwrap_or(4 * self.dim);
        sizes.profile_features = self.profile_features;
        sizes.composition_features = self.composition_features;
        sizes.dropout = self.dropout;
        sizes.identical_layers = self.compatibility.identical_layers;
        sizes
    }

    /// The context in which the ASV encoder is built.
    pub(crate) fn asv_context(&self) -> AsvEncoderContext {
        let mut context = AsvEncoderContext::new(self.sizes(), self.max_bp + 1);
        context.vocabulary = self.vocabulary;
        context.ambiguous_is_padding = self.compatibility.ambiguous_is_padding;
        context
    }

    /// Builds the ASV encoder.
    ///
    /// # Errors
    /// A component that is not linked, or an error of the component.
    pub(crate) fn build_asv_encoder(&self, device: &Device) -> Result<BoxedAsvEncoder, ModelError> {
        let registry = Registry::<AsvEncoderKind>::load()?;
        Ok(registry.build(&self.asv_encoder, &self.asv_context(), device)?)
    }

    /// Builds the sample encoder.
    ///
    /// # Errors
    /// A component that is not linked, or an error of the component.
    pub(crate) fn build_sample_encoder(
        &self,
        device: &Device,
    ) -> Result<BoxedSampleEncoder, ModelError> {
        let mut context = SampleEncoderContext::new(self.sizes(), self.count_embedding.clone());
        context.count_scale = self.count_scale;
        // The table of the reference has five spare rows; the same size allows loading its weights.
        context.asv_positions = self
            .compatibility
            .sample_positions
            .then_some(self.token_limit + 5);
        let registry = Registry::<SampleEncoderKind>::load()?;
        Ok(registry.build(&self.sample_encoder, &context, device)?)
    }

    /// The requirements of the sample encoder, which determine how a model is trained.
    ///
    /// # Errors
    /// A component that is not linked, or an error of the component.
    pub fn sample_ways(&self) -> Result<SampleWays, ModelError> {
        // Parameters are initialised lazily, so nothing is computed here.
        let encoder = self.build_sample_encoder(&Device::flex())?;
        Ok(SampleWays {
            is_fitted: encoder.is_fitted(),
            view: encoder.view_shape(),
        })
    }

    /// Checks that the ASV encoder predicts masked nucleotides.
    ///
    /// # Errors
    /// It does not, or a component that is not linked, or an error of the component.
    pub fn expect_nucleotides(&self) -> Result<(), ModelError> {
        let encoder = self.build_asv_encoder(&Device::flex())?;
        if encoder.nucleotide_predictor().is_some() {
            return Ok(());
        }
        let component = format!("{} '{}'", AsvEncoderKind::NAME, self.asv_encoder.name);
        let error = PluginError::cannot(
            component,
            "be pre-trained on masked nucleotides, because it has no output per position of an ASV; \
             disable their loss with --nucleotide-weight 0, or use --asv-encoder transformer",
        );
        Err(error.into())
    }

    /// The minimum number of parameters of a model of this shape, as far as its encoders are
    /// built-in ones.
    pub fn fewest_parameters(&self) -> f64 {
        // A damaged checkpoint may contain sizes whose product overflows any integer.
        let option = |component: &Resolved, name: &str, otherwise: f64| {
            let value = component.options.get(name).and_then(Value::as_f64);
            value.unwrap_or(otherwise)
        };
        let dim = self.dim as f64;
        let mut parameters = 0.0;
        if self.asv_encoder.name == AsvTransformerConfig::NAME {
            let layers = option(&self.asv_encoder, "layers", self.asv_layers as f64);
            let hidden = self.feed_forward.map_or(4.0 * dim, |hidden| hidden as f64);
            let hidden = option(&self.asv_encoder, "feed-forward", hidden);
            let embeddings = self.max_bp as f64 + self.vocabulary as f64;
            parameters += dim * (embeddings + layers * (4.0 * dim + 2.0 * hidden));
        }
        if self.sample_encoder.name == AbundanceConfig::NAME {
            parameters += dim
                * option(
                    &self.sample_encoder,
                    "features",
                    self.profile_features as f64,
                );
        }
        parameters
    }

    /// A transformer of this model with `layers` layers.
    pub fn transformer(&self, layers: usize) -> TransformerConfig {
        TransformerConfig {
            dim: self.dim,
            heads: self.heads,
            layers,
            feed_forward: self.feed_forward.unwrap_or(4 * self.dim),
            dropout: self.dropout,
            identical_layers: self.compatibility.identical_layers,
        }
    }
}
