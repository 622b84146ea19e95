//! The shape of a model: widths, depths, and what differs from the reference implementation.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ModelError;
use super::transformer::TransformerConfig;

/// The shape of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ModelConfig {
    /// Width of the embeddings of bases, ASVs and samples.
    pub dim: usize,
    /// Attention heads of every transformer; they divide `dim`.
    pub heads: usize,
    /// Transformer layers over the bases of an ASV.
    pub asv_layers: usize,
    /// Transformer layers over the ASVs of a sample.
    pub sample_layers: usize,
    /// Further layers over the ASVs, before the pooling that gives a sample's embedding.
    pub encoder_layers: usize,
    /// Layers of the target's branch.
    pub target_layers: usize,
    /// Layers of the count branch.
    pub count_layers: usize,
    /// Width of the feed-forward part of a layer; 4 × `dim` if not given.
    pub feed_forward: Option<usize>,
    /// Dropout of every transformer, in [0, 1).
    pub dropout: f64,
    /// Dropout of the embeddings of categories, in [0, 1).
    pub category_dropout: f64,
    /// The longest ASV, in bases.
    pub max_bp: usize,
    /// The most ASVs of a sample that the model looks at.
    pub token_limit: usize,
    /// How many tokens there are, padding, start and mask included.
    pub vocabulary: usize,
    /// How the ASVs of a sample become one vector.
    pub pooling: SamplePooling,
    /// Features of the profile that abundance pooling makes of a sample, for each weighting.
    pub profile_features: usize,
    /// Width of the vector that fusion and head see of a profile.
    pub sample_dim: usize,
    /// Dropout of that vector, in [0, 1).
    pub sample_dropout: f64,
    /// How the abundance of an ASV joins its embedding, before attention.
    pub count_embedding: CountEmbedding,
    /// What is taken for the abundance of an ASV.
    pub count_scale: CountScale,
    /// What distances between embeddings are measured in.
    pub distance_scale: DistanceScale,
    /// Values per sample that pre-training predicts directly (1 for Faith's PD).
    pub sample_values: usize,
    /// Ways of the reference implementation that are off by default.
    pub compatibility: Compatibility,
}

/// How the ASVs of a sample become one vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SamplePooling {
    /// By sums over features of the ASVs, weighted by abundance. Learns from a few dozen samples.
    #[default]
    Abundance,
    /// By transformers over the ASVs and attention, as in the reference implementation. Wants
    /// thousands of samples.
    Attention,
}

/// How the abundance of an ASV joins its embedding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CountEmbedding {
    /// Not at all.
    None,
    /// A linear map of it is added.
    #[default]
    Add,
    /// A linear map of it stands beside the embedding, and both are projected back.
    Concat,
    /// It scales and shifts the embedding.
    Film,
}

/// What is taken for the abundance of an ASV.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CountScale {
    /// ln(1 + reads).
    #[default]
    Count,
    /// ln(1 + 10,000 × share of the sample's reads), which does not depend on sequencing depth.
    Relative,
}

/// What distances between embeddings are measured in before tanh maps them into [0, 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DistanceScale {
    /// √dim, the length of a normalized embedding, so that every width reaches the same range.
    #[default]
    Relative,
    /// √dim times a learned factor that starts at 1.
    Learnable,
    /// 10 whatever the width.
    Fixed,
}

/// Ways of the reference implementation that change results and are off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Compatibility {
    /// All layers of a transformer start with the same weights.
    pub identical_layers: bool,
    /// Learned positions over the ASVs of a sample, which have no order.
    pub sample_positions: bool,
    /// Ambiguous bases are padding: no attention, and ASVs of several lengths in one group.
    pub ambiguous_is_padding: bool,
    /// The sample's embedding is computed from ASVs with masked bases.
    pub masked_embeddings: bool,
    /// Validation guesses bases that are not masked.
    pub unmasked_validation: bool,
    /// The start token counts as a base to guess where nothing is masked.
    pub start_in_nucleotide_loss: bool,
    /// A frozen base keeps its dropout.
    pub frozen_base_dropout: bool,
}

/// The fields of [`Compatibility`] by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Quirk {
    /// All of them.
    Reference,
    /// [`Compatibility::identical_layers`].
    IdenticalLayers,
    /// [`Compatibility::sample_positions`].
    SamplePositions,
    /// [`Compatibility::ambiguous_is_padding`].
    AmbiguousIsPadding,
    /// [`Compatibility::masked_embeddings`].
    MaskedEmbeddings,
    /// [`Compatibility::unmasked_validation`].
    UnmaskedValidation,
    /// [`Compatibility::start_in_nucleotide_loss`].
    StartInNucleotideLoss,
    /// [`Compatibility::frozen_base_dropout`].
    FrozenBaseDropout,
}

impl Compatibility {
    /// Everything as the reference implementation does it.
    pub fn reference() -> Self {
        Self {
            identical_layers: true,
            sample_positions: true,
            ambiguous_is_padding: true,
            masked_embeddings: true,
            unmasked_validation: true,
            start_in_nucleotide_loss: true,
            frozen_base_dropout: true,
        }
    }

    /// With another way of the reference implementation.
    pub fn with(mut self, quirk: Quirk) -> Self {
        match quirk {
            Quirk::Reference => return Self::reference(),
            Quirk::IdenticalLayers => self.identical_layers = true,
            Quirk::SamplePositions => self.sample_positions = true,
            Quirk::AmbiguousIsPadding => self.ambiguous_is_padding = true,
            Quirk::MaskedEmbeddings => self.masked_embeddings = true,
            Quirk::UnmaskedValidation => self.unmasked_validation = true,
            Quirk::StartInNucleotideLoss => self.start_in_nucleotide_loss = true,
            Quirk::FrozenBaseDropout => self.frozen_base_dropout = true,
        }
        self
    }
}

/// Sizes to choose from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// A few ten thousand parameters, for a few hundred samples on a laptop.
    #[default]
    Tiny,
    /// A few hundred thousand parameters.
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
            vocabulary: crate::data::tokens::VOCABULARY,
            pooling: SamplePooling::Abundance,
            profile_features: 512,
            sample_dim: 256,
            sample_dropout: 0.1,
            count_embedding: CountEmbedding::default(),
            count_scale: CountScale::default(),
            distance_scale: DistanceScale::Learnable,
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
                sample_dim: 512,
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
                pooling: SamplePooling::Attention,
                distance_scale: DistanceScale::Relative,
                ..common
            },
        }
    }

    /// Checks that a model can be built.
    ///
    /// # Errors
    /// The first option out of range.
    pub fn validate(&self) -> Result<(), ModelError> {
        let positive = [
            ("dim", self.dim),
            ("heads", self.heads),
            ("feed-forward", self.feed_forward.unwrap_or(1)),
            ("max-bp", self.max_bp),
            ("profile-features", self.profile_features),
            ("sample-dim", self.sample_dim),
            ("token-limit", self.token_limit),
        ];
        if let Some((option, value)) = positive.into_iter().find(|(_, value)| *value == 0) {
            return Err(ModelError::option(option, "at least 1", value));
        }
        if !self.dim.is_multiple_of(self.heads) {
            let expected = format!("a divisor of dim ({})", self.dim);
            return Err(ModelError::option("heads", expected, self.heads));
        }
        if self.vocabulary < 6 {
            let expected = "at least 6 (padding, four bases, start)";
            return Err(ModelError::option("vocabulary", expected, self.vocabulary));
        }
        let rates = [
            ("dropout", self.dropout),
            ("categorical-dropout", self.category_dropout),
            ("sample-dropout", self.sample_dropout),
        ];
        for (option, rate) in rates {
            if !(0.0..1.0).contains(&rate) {
                let expected = "a number from 0 up to, not including, 1";
                return Err(ModelError::option(option, expected, rate));
            }
        }
        Ok(())
    }

    /// A transformer of this model with `layers` layers.
    pub(crate) fn transformer(&self, layers: usize) -> TransformerConfig {
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
