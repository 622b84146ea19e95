//! Options to follow the reference implementation where this implementation differs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Behaviours of the reference implementation that change results and are off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Compatibility {
    /// All layers of a transformer start with the same weights.
    pub identical_layers: bool,
    /// Learned positions of the ASVs of a sample, which have no order.
    pub sample_positions: bool,
    /// Ambiguous bases are treated as padding: no attention, and ASVs of several lengths in one
    /// group.
    pub ambiguous_is_padding: bool,
    /// Sample embeddings are computed from ASVs with masked bases.
    pub masked_embeddings: bool,
    /// Validation predicts bases that are not masked.
    pub unmasked_validation: bool,
    /// The start token counts as a base to predict if nothing is masked.
    pub start_in_nucleotide_loss: bool,
    /// A frozen base keeps its dropout.
    pub frozen_base_dropout: bool,
}

/// The fields of [`Compatibility`] by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Quirk {
    /// All fields.
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
    /// Enables all behaviours of the reference implementation.
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

    /// Enables one behaviour of the reference implementation.
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
