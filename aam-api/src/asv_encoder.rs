//! ASV encoders turn the tokens of each distinct ASV into one embedding.
//!
//! The embeddings of a batch are computed without an autodiff graph, and the rest of the model runs on
//! them. Given the gradient with respect to the embeddings, the encoder then runs again, chunk by chunk
//! ([`Recomputation`](crate::Recomputation)). An encoder therefore never sees a batch of samples, memory
//! use is that of one chunk, and authors of encoders need not deal with any of this.

use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor};

use crate::{Asv, Guesses, MixedPrecision, ModelSizes, Stage};

/// What an ASV encoder is built from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AsvEncoderContext {
    /// Sizes of the model; `sizes.dim` is the width of the embeddings.
    pub sizes: ModelSizes,
    /// Number of distinct tokens ([`tokens`](crate::tokens)).
    pub vocabulary: usize,
    /// The maximum number of tokens of an ASV, including its start token.
    pub positions: usize,
    /// Whether ambiguous bases are treated as padding, as in the reference implementation.
    pub ambiguous_is_padding: bool,
}

impl AsvEncoderContext {
    /// A context for ASVs of at most `positions` tokens in a model of `sizes`.
    pub fn new(sizes: ModelSizes, positions: usize) -> Self {
        Self {
            sizes,
            vocabulary: crate::tokens::VOCABULARY,
            positions,
            ambiguous_is_padding: false,
        }
    }
}

/// An ASV encoder.
pub trait AsvEncoder {
    /// Returns embeddings of ASVs of equal length, `[ASVs, dim]`, each computed from its own tokens alone.
    ///
    /// `tokens` is `[ASVs, length]` with a start token in front of each ASV and without padding. Matrix
    /// products may be computed in `precision`; the embeddings are always 32-bit.
    fn forward(&self, tokens: Tensor<2, Int>, precision: MixedPrecision) -> Tensor<2>;

    /// Returns embeddings of typical ASVs, `[ASVs, dim]`, if the encoder was trained on more than one
    /// study. Sample encoders scale by these instead of by the ASVs of the study at hand, so that models
    /// of different studies see ASVs on the same scale.
    fn typical_asvs(&self) -> Option<Tensor<2>> {
        None
    }

    /// Returns the encoder as a predictor of masked nucleotides, which it can be pre-trained on, or
    /// `None` if it has no output for each position of an ASV.
    fn nucleotide_predictor(&self) -> Option<&dyn NucleotidePredictor> {
        None
    }

    /// Returns the encoder with its current weights in a form that needs no autodiff graph, if it has
    /// one that is faster on this device and precision than differentiating [`forward`](Self::forward).
    fn recomputing(
        &self,
        precision: MixedPrecision,
        device: &Device,
    ) -> Option<Box<dyn RecomputingEncoder + '_>> {
        let _ = (precision, device);
        None
    }
}

/// An ASV encoder that predicts masked nucleotides.
pub trait NucleotidePredictor {
    /// Returns the embeddings that [`AsvEncoder::forward`] returns for `tokens`, `[ASVs, length]`, and
    /// logits of the token at each position.
    fn predict(&self, tokens: Tensor<2, Int>, precision: MixedPrecision) -> NucleotideOutput;
}

/// The output of a [`NucleotidePredictor`].
#[derive(Clone, Debug)]
pub struct NucleotideOutput {
    /// Embedding of each ASV, `[ASVs, dim]`.
    pub embeddings: Tensor<2>,
    /// Logits of the token at each position, `[ASVs, length, vocabulary]`.
    pub logits: Tensor<3>,
}

/// An ASV encoder with its current weights and without an autodiff graph: it computes gradients by
/// encoding again.
///
/// Its results equal those of the encoder computed through Burn, up to rounding.
pub trait RecomputingEncoder {
    /// Returns embeddings of ASVs of any lengths, `[ASVs, dim]`, row by row. In training, `seed`
    /// determines the dropout, which should be a function of the seed and the ASV's tokens: ranks, which
    /// have the same seed, then drop what a single one would.
    fn embed(&self, asvs: &[&[u8]], seed: u64) -> Vec<f32>;

    /// Returns the gradients of the encoder's parameters, and how well it predicts the masked
    /// nucleotides.
    ///
    /// The gradients are those of the embeddings' products with [`Asv::gradient`] plus those of the
    /// losses of [`Asv::masked`], each weighted by `nucleotide_weight`; frozen parameters have none.
    /// `seed` is the one passed to [`embed`](Self::embed). An encoder that is not a
    /// [`NucleotidePredictor`] receives no masked nucleotides.
    fn learn(
        &self,
        asvs: &[Asv<'_>],
        nucleotide_weight: f64,
        seed: u64,
    ) -> (GradientsParams, Guesses);

    /// How well the masked nucleotides of `asvs` are predicted.
    fn guess(&self, asvs: &[Asv<'_>]) -> Guesses {
        self.learn(asvs, 0.0, 0).1
    }
}

crate::define_kind! {
    /// The kind of [`AsvEncoder`]s.
    pub struct AsvEncoderKind: Kind<Context = AsvEncoderContext> {
        const NAME: &'static str = "asv-encoder";
        const SUMMARY: &'static str = "Turns the tokens of an ASV into its embedding";
        const CHOSEN_IN: &'static [Stage] = &[Stage::Pretraining, Stage::Training];
        const PLACE: u32 = 60;
    }

    /// The options of an ASV encoder and how to build it.
    pub trait AsvEncoderConfig {
        /// What it builds.
        type AsvEncoder: AsvEncoder;
    }

    /// An ASV encoder of any type as a Burn module.
    pub type BoxedAsvEncoder = module;
}
