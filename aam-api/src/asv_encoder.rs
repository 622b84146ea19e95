//! ASV encoders: from the tokens of distinct ASVs to one embedding each.
//!
//! The embeddings of a batch are computed without a graph, the rest of the model runs on them, and
//! with the gradient at the embeddings the encoder runs again, chunk by chunk
//! ([`Recomputation`](crate::Recomputation)). So an encoder never sees a batch of samples, memory is
//! that of one chunk, and an author need not know of it.

use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor};

use crate::{Asv, Guesses, MixedPrecision, ModelSizes, Stage};

/// What an ASV encoder is built for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AsvEncoderContext {
    /// Sizes of the model; `sizes.dim` is the width of the embeddings.
    pub sizes: ModelSizes,
    /// How many tokens there are ([`tokens`](crate::tokens)).
    pub vocabulary: usize,
    /// The most tokens of an ASV, its start included.
    pub positions: usize,
    /// Whether ambiguous bases are to be taken for padding, as in the reference implementation.
    pub ambiguous_is_padding: bool,
}

impl AsvEncoderContext {
    /// ASVs of at most `positions` tokens, in a model of `sizes`.
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
    /// Embeddings of ASVs of one length, `[ASVs, dim]`, each from its own tokens alone.
    ///
    /// `tokens` is `[ASVs, length]` with the start in front of each ASV; no place is padding. Matrix
    /// products may be computed in `precision`; the embeddings have 32 bits in any case.
    fn forward(&self, tokens: Tensor<2, Int>, precision: MixedPrecision) -> Tensor<2>;

    /// Embeddings of ASVs as studies have them, `[ASVs, dim]`, if the encoder has learnt of more than one
    /// study. Sample encoders scale by these and not by the ASVs of the study at hand, so that the models
    /// of two studies see ASVs alike.
    fn typical_asvs(&self) -> Option<Tensor<2>> {
        None
    }

    /// The encoder as one that predicts masked nucleotides, which it can be pre-trained on; `None`
    /// where it has nothing for each place of an ASV.
    fn nucleotide_predictor(&self) -> Option<&dyn NucleotidePredictor> {
        None
    }

    /// The encoder with its weights of now in a form that needs no graph, if it has a faster one for
    /// this device and precision than [`forward`](Self::forward) and its gradient.
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
    /// The embeddings that [`AsvEncoder::forward`] gives of `tokens`, `[ASVs, length]`, and logits of
    /// the token at each place.
    fn predict(&self, tokens: Tensor<2, Int>, precision: MixedPrecision) -> NucleotideOutput;
}

/// What a [`NucleotidePredictor`] makes of ASVs.
#[derive(Clone, Debug)]
pub struct NucleotideOutput {
    /// Embedding of each ASV, `[ASVs, dim]`.
    pub embeddings: Tensor<2>,
    /// Logits of the token at each place, `[ASVs, length, vocabulary]`.
    pub logits: Tensor<3>,
}

/// An ASV encoder with its weights of now that keeps no graph: it finds gradients by encoding again.
///
/// What it computes is what the encoder computes through Burn, up to rounding.
pub trait RecomputingEncoder {
    /// Embeddings of ASVs of any lengths, `[ASVs, dim]`, one after the other. In training, `seed`
    /// draws the dropout.
    fn embed(&self, asvs: &[&[u8]], seed: u64) -> Vec<f32>;

    /// The gradients of the encoder's parameters, by parameter and none for what is frozen: of the
    /// embeddings' products with [`Asv::gradient`] and of the losses of [`Asv::masked`], each of
    /// which weighs `nucleotide_weight`; and how well the masked nucleotides are predicted. `seed` is
    /// that of [`embed`](Self::embed). An encoder that is no [`NucleotidePredictor`] is not given
    /// masked nucleotides.
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
    /// The kind of [`AsvEncoder`].
    pub struct AsvEncoderKind: Kind<Context = AsvEncoderContext> {
        const NAME: &'static str = "asv-encoder";
        const SUMMARY: &'static str = "From the tokens of an ASV to its embedding";
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
