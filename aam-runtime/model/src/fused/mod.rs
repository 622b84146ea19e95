//! Transformers on a CPU: one sequence at a time through all layers, so that intermediate results
//! stay in the cache of a core. Threads share the sequences; each matrix product is
//! single-threaded.
//!
//! [`layers`] is an operation within Burn's graph, used by [`Transformer`](super::Transformer).
//! [`FusedEncoder`] is the entire ASV transformer without a graph, forward and backward.
//! Intermediate results for the backward pass are kept for one ASV only, so memory use depends
//! neither on the batch size nor on the number of ASVs.
//!
//! Other devices, and models that mask inner positions, use Burn's own operations; tests check that
//! both agree.

mod dropout;
mod encoder;
mod linear;
mod operation;
mod parameters;
mod parts;
mod pooling;
mod product;
mod shape;
mod stack;
#[cfg(test)]
mod tests;
mod vector;

use aam_api::{Asv, Guesses, MixedPrecision, RecomputingEncoder};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Device;
use pulp::{Arch, Simd, WithSimd};

use super::asv_encoder::AsvTransformer;
use dropout::Dropout;
use encoder::{Encoder, EncoderRoom};
use parts::in_order;

pub(crate) use encoder::EncoderShape;
pub(crate) use operation::{Plan, layers};
pub(crate) use shape::StackShape;

/// Number of ASVs per work item.
const PART: usize = 4;

/// An ASV transformer with the weights of a Burn module, for one training step or for inference.
#[derive(Clone, Debug)]
pub(super) struct FusedEncoder<'a> {
    module: &'a AsvTransformer,
    encoder: Encoder,
    dropout: f64,
}

impl<'a> FusedEncoder<'a> {
    /// Creates the encoder of `module`, which is on `device`, with matrix products in `precision`.
    /// `None` if only Burn can compute it.
    pub(super) fn new(
        module: &'a AsvTransformer,
        precision: MixedPrecision,
        device: &Device,
    ) -> Option<Self> {
        if device.clone().inner() != Device::flex() || precision.is_mixed() {
            return None;
        }
        let shape = module.fused_shape()?;
        let merged = module.clone().materialize();
        let encoder = Encoder::new(shape, parameters::values(&merged)?)?;
        let dropout = if device.is_autodiff() {
            module.dropout()
        } else {
            0.0
        };
        Some(Self {
            module,
            encoder,
            dropout,
        })
    }

    /// Assigns a flat vector of gradients to the parameters.
    fn by_parameter(&self, gradients: &[f32]) -> GradientsParams {
        match self.module.is_adapted() {
            true => self.module.adapter_gradients(gradients),
            false => parameters::gradients(self.module, gradients),
        }
    }

    /// As [`learn`](RecomputingEncoder::learn), with the gradients in the order in which Burn
    /// visits the parameters.
    fn learn_row(
        &self,
        asvs: &[Asv<'_>],
        nucleotide_weight: f64,
        seed: u64,
    ) -> (Vec<f32>, Guesses) {
        let mut sum = vec![0.0; self.encoder.parameters()];
        let mut guesses = Guesses::default();
        let length = longest(asvs.iter().map(|asv| asv.tokens));
        in_order(
            asvs.len().div_ceil(PART),
            || {
                let gradients = vec![0.0; self.encoder.parameters()];
                (
                    self.encoder.room(length, true),
                    gradients,
                    Guesses::default(),
                )
            },
            |part, (room, gradients, found)| {
                gradients.fill(0.0);
                *found = Guesses::default();
                for asv in asvs.iter().skip(part * PART).take(PART) {
                    *found += Arch::new().dispatch(Learn {
                        encoder: &self.encoder,
                        asv: *asv,
                        nucleotide_weight: nucleotide_weight as f32,
                        room,
                        dropout: self.dropout(seed, asv.tokens),
                        gradients,
                    });
                }
            },
            |_, (_, gradients, found)| {
                for (sum, gradient) in sum.iter_mut().zip(gradients) {
                    *sum += *gradient;
                }
                guesses += *found;
            },
        );
        self.encoder.unfold(&mut sum);
        (sum, guesses)
    }

    /// The dropout of the ASV with these `tokens`: the same wherever it is in the batch, and on
    /// whichever rank.
    fn dropout(&self, seed: u64, tokens: &[u8]) -> Option<Dropout> {
        let dropout = Dropout::new(self.dropout, seed)?;
        // FNV-1a.
        let hash = tokens
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &token| {
                (hash ^ u64::from(token)).wrapping_mul(0x0100_0000_01b3)
            });
        Some(dropout.at(hash as usize))
    }
}

impl RecomputingEncoder for FusedEncoder<'_> {
    fn embed(&self, asvs: &[&[u8]], seed: u64) -> Vec<f32> {
        let dim = self.encoder.dim();
        let mut embeddings = vec![0.0; asvs.len() * dim];
        let length = longest(asvs.iter().copied());
        in_order(
            asvs.len().div_ceil(PART),
            || (self.encoder.room(length, false), vec![0.0; PART * dim]),
            |part, (room, found)| {
                for (i, embedding) in found.chunks_exact_mut(dim).enumerate() {
                    let number = part * PART + i;
                    if let Some(tokens) = asvs.get(number) {
                        Arch::new().dispatch(Embed {
                            encoder: &self.encoder,
                            tokens,
                            room,
                            dropout: self.dropout(seed, tokens),
                            embedding,
                        });
                    }
                }
            },
            |part, (_, found)| {
                let target = embeddings.chunks_mut(PART * dim).nth(part);
                for (target, found) in target.into_iter().flatten().zip(found) {
                    *target = *found;
                }
            },
        );
        embeddings
    }

    fn guess(&self, asvs: &[Asv<'_>]) -> Guesses {
        let mut sum = Guesses::default();
        let length = longest(asvs.iter().map(|asv| asv.tokens));
        in_order(
            asvs.len().div_ceil(PART),
            || (self.encoder.room(length, false), Guesses::default()),
            |part, (room, found)| {
                *found = Guesses::default();
                for asv in asvs.iter().skip(part * PART).take(PART) {
                    *found += Arch::new().dispatch(Guess {
                        encoder: &self.encoder,
                        asv: *asv,
                        room,
                    });
                }
            },
            |_, (_, found)| sum += *found,
        );
        sum
    }

    fn learn(
        &self,
        asvs: &[Asv<'_>],
        nucleotide_weight: f64,
        seed: u64,
    ) -> (GradientsParams, Guesses) {
        let (gradients, guesses) = self.learn_row(asvs, nucleotide_weight, seed);
        (self.by_parameter(&gradients), guesses)
    }
}

fn longest<'a>(asvs: impl Iterator<Item = &'a [u8]>) -> usize {
    asvs.map(<[u8]>::len).max().unwrap_or(1)
}

// Each function is compiled for several instruction sets, and the best one available is used; its
// callees are inlined for that.

struct Embed<'a> {
    encoder: &'a Encoder,
    tokens: &'a [u8],
    room: &'a mut EncoderRoom,
    dropout: Option<Dropout>,
    embedding: &'a mut [f32],
}

impl WithSimd for Embed<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.encoder
            .embed(self.tokens, self.room, self.dropout, self.embedding);
    }
}

struct Guess<'a> {
    encoder: &'a Encoder,
    asv: Asv<'a>,
    room: &'a mut EncoderRoom,
}

impl WithSimd for Guess<'_> {
    type Output = Guesses;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Guesses {
        self.encoder.guess(self.asv, self.room)
    }
}

struct Learn<'a> {
    encoder: &'a Encoder,
    asv: Asv<'a>,
    nucleotide_weight: f32,
    room: &'a mut EncoderRoom,
    dropout: Option<Dropout>,
    gradients: &'a mut [f32],
}

impl WithSimd for Learn<'_> {
    type Output = Guesses;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Guesses {
        self.encoder.learn(
            self.asv,
            self.nucleotide_weight,
            self.room,
            self.dropout,
            self.gradients,
        )
    }
}
