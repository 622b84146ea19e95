//! ASV embeddings with gradients, without a graph over the encoder.
//!
//! The nucleotide transformer is nearly all of the cost and the memory. Its embeddings are
//! computed without a graph, the rest of the model runs on them, and with the gradient at the
//! embeddings the encoder runs again, there and back: one ASV at a time on the CPU
//! ([`FusedEncoder`]), else one chunk of ASVs with a graph of its own. Memory is that of one ASV or
//! one chunk, gradients are those of the whole, and what stays in the cache makes up for the second
//! pass.

use std::ops::Range;

use aam_api::{Alone, Communicator};
use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData};

use super::masked_chunk::MaskedChunk;
use super::scalars::scalars;
use crate::batch::{AsvGroups, Batcher, token_tensor};
use crate::data::TokenizedSequences;
use crate::error::RunError;
use crate::model::{Asv, AsvOutput, Base, FusedEncoder};
use crate::parallel::share::{Share, gather};

/// Tokens of some ASVs of one length, `[ASVs, length]`, on the host.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// The tokens, one ASV after the other.
    pub tokens: Vec<u8>,
    /// Tokens of each ASV.
    pub length: usize,
}

impl Chunk {
    /// The tokens of each group.
    pub fn of(groups: &AsvGroups, sequences: &TokenizedSequences) -> Vec<Self> {
        let groups = groups.0.iter();
        groups
            .map(|group| Self {
                tokens: group.tokens(sequences),
                length: group.length,
            })
            .collect()
    }

    /// The ASVs at some places of `chunks`, counted over all of them.
    pub fn part(chunks: &[Self], asvs: Range<usize>) -> Vec<Self> {
        let mut start = 0;
        let mut parts = Vec::new();
        for chunk in chunks {
            let end = start + chunk.asvs();
            let (first, last) = (asvs.start.max(start), asvs.end.min(end));
            if first < last {
                let places = (first - start) * chunk.length..(last - start) * chunk.length;
                parts.push(Self {
                    tokens: chunk.tokens[places].to_vec(),
                    length: chunk.length,
                });
            }
            start = end;
        }
        parts
    }

    /// Number of ASVs.
    pub fn asvs(&self) -> usize {
        self.tokens.len() / self.length
    }

    /// The tokens of each ASV.
    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.tokens.chunks_exact(self.length)
    }

    fn encode(&self, base: &Base, device: &Device) -> AsvOutput {
        base.encode_to_embed(token_tensor(&self.tokens, self.length, device))
    }
}

/// Embeddings of `chunks` through the fused encoder, `[ASVs, dim]`, without a graph.
fn fused_embeddings(
    fused: &FusedEncoder,
    chunks: &[Chunk],
    seed: u64,
    device: &Device,
) -> Tensor<2> {
    let rows: Vec<&[u8]> = chunks.iter().flat_map(Chunk::rows).collect();
    let values = fused.embed(&rows, seed);
    let shape = [rows.len(), values.len() / rows.len()];
    Tensor::from_data(TensorData::new(values, shape), &device.clone().inner())
}

/// The embeddings of a batch's ASVs as a leaf of the graph, and what is needed to replay them.
pub struct Encoding<'a> {
    chunks: &'a [Chunk],
    seed: u64,
    device: &'a Device,
    fused: Option<FusedEncoder>,
    /// `[ASVs, dim]`, requiring a gradient.
    pub embeddings: Tensor<2>,
}

impl<'a> Encoding<'a> {
    /// Encodes every ASV once. `seed` draws the dropout, alike in the replay; `device` has
    /// autodiff.
    pub fn new(base: &Base, chunks: &'a [Chunk], seed: u64, device: &'a Device) -> Self {
        let fused = base.fused_encoder(device);
        let embeddings = match &fused {
            Some(fused) => fused_embeddings(fused, chunks, seed, device),
            None => {
                // Drops out as in training, but records nothing.
                let base = base.clone().no_grad();
                let parts = chunks.iter().enumerate().map(|(i, chunk)| {
                    device.seed(seed.wrapping_add(i as u64));
                    chunk.encode(&base, device).embeddings.inner()
                });
                Tensor::cat(parts.collect(), 0)
            }
        };
        Self {
            chunks,
            seed,
            device,
            fused,
            embeddings: Tensor::from_inner(embeddings).require_grad(),
        }
    }

    /// Adds the gradients of the encoder, given the `gradient` at the embeddings, `[ASVs, dim]`.
    pub fn replay<M: Module>(
        &self,
        base: &Base,
        model: &M,
        gradient: &Tensor<2>,
        gradients: &mut GradientsAccumulator<M>,
    ) {
        match &self.fused {
            Some(fused) => {
                self.learn(fused, gradient, None, base, model, gradients);
            }
            None => {
                let nothing = |_, _, product| product;
                self.replay_chunks(base, model, gradient, gradients, nothing);
            }
        }
    }

    /// As [`replay`](Self::replay), where the encoded ASVs are `masked` ones whose nucleotides are
    /// guessed as well, in the same pass; returns the sum of their losses. The loss of each weighs
    /// `weight`.
    pub fn replay_and_guess(
        &self,
        base: &Base,
        gradient: &Tensor<2>,
        guess: (&[MaskedChunk], f64),
        gradients: &mut GradientsAccumulator<Base>,
    ) -> f64 {
        if let Some(fused) = &self.fused {
            return self.learn(fused, gradient, Some(guess), base, base, gradients);
        }
        let (masked, weight) = guess;
        let mut losses = Vec::with_capacity(masked.len());
        let add = |i: usize, output: AsvOutput, product: Tensor<1>| {
            let loss = masked[i].loss_from(output.positions, base, self.device);
            losses.push(loss.clone().inner());
            product + loss * weight
        };
        self.replay_chunks(base, base, gradient, gradients, add);
        scalars(losses).iter().sum()
    }

    fn learn<M: Module>(
        &self,
        fused: &FusedEncoder,
        gradient: &Tensor<2>,
        guess: Option<(&[MaskedChunk], f64)>,
        base: &Base,
        model: &M,
        gradients: &mut GradientsAccumulator<M>,
    ) -> f64 {
        let [_, dim] = gradient.dims();
        let gradient: Vec<f32> = gradient.clone().into_data().iter().collect();
        let mut asvs: Vec<Asv<'_>> = match guess {
            Some((masked, _)) => masked.iter().flat_map(MaskedChunk::asvs).collect(),
            None => {
                let rows = self.chunks.iter().flat_map(Chunk::rows);
                rows.map(Asv::seen).collect()
            }
        };
        for (asv, gradient) in asvs.iter_mut().zip(gradient.chunks_exact(dim)) {
            asv.gradient = Some(gradient);
        }
        let weight = guess.map_or(0.0, |(_, weight)| weight);
        let (learnt, guesses) = fused.learn(&asvs, weight, self.seed);
        gradients.accumulate(model, base.fused_gradients(&learnt));
        guesses.loss
    }

    /// `and` makes of a chunk's number, what it is encoded to, and the product of its embeddings
    /// with their gradient what is differentiated.
    fn replay_chunks<M: Module>(
        &self,
        base: &Base,
        model: &M,
        gradient: &Tensor<2>,
        gradients: &mut GradientsAccumulator<M>,
        mut and: impl FnMut(usize, AsvOutput, Tensor<1>) -> Tensor<1>,
    ) {
        let mut start = 0;
        for (i, chunk) in self.chunks.iter().enumerate() {
            let end = start + chunk.asvs();
            let part = Tensor::from_inner(gradient.clone().slice(start..end));
            self.device.seed(self.seed.wrapping_add(i as u64));
            let output = chunk.encode(base, self.device);
            let product = (output.embeddings.clone() * part).sum();
            let backward = and(i, output, product).backward();
            gradients.accumulate(model, GradientsParams::from_grads(backward, model));
            start = end;
        }
    }
}

/// Embeddings of ASVs without gradients, found by the ASV's column in the table.
#[derive(Debug)]
pub struct Embeddings {
    values: Tensor<2>,
    position: Vec<u32>,
}

impl Embeddings {
    /// Encodes the ASVs of the samples at `rows`. `base` must be for validation; `progress` hears
    /// how many ASVs of how many are done.
    ///
    /// # Errors
    /// Those of `progress`.
    pub fn of_samples(
        base: &Base,
        batcher: &Batcher<'_>,
        rows: &[usize],
        device: &Device,
        progress: impl FnMut(usize, usize) -> Result<(), RunError>,
    ) -> Result<Self, RunError> {
        Self::on_ranks(base, batcher, rows, device, &Alone, progress)
    }

    /// As [`of_samples`](Self::of_samples), each ASV on one of several ranks.
    ///
    /// # Errors
    /// Those of `progress`, or a rank that failed.
    pub fn on_ranks(
        base: &Base,
        batcher: &Batcher<'_>,
        rows: &[usize],
        device: &Device,
        communicator: &dyn Communicator,
        mut progress: impl FnMut(usize, usize) -> Result<(), RunError>,
    ) -> Result<Self, RunError> {
        let groups = batcher.groups(rows);
        let mut position = vec![0; batcher.table.num_features()];
        for (row, feature) in groups.features().enumerate() {
            position[feature as usize] = row as u32;
        }
        let share = Share::of(groups.features().count(), communicator);
        let all = share.computed.len();
        let mut done = 0;
        let mut parts = Vec::with_capacity(groups.0.len());
        let fused = base.fused_encoder(device);
        let chunks = Chunk::of(&groups, batcher.sequences);
        for chunk in Chunk::part(&chunks, share.computed.clone()) {
            parts.push(match &fused {
                Some(fused) => fused_embeddings(fused, std::slice::from_ref(&chunk), 0, device),
                None => chunk.encode(base, device).embeddings,
            });
            done += chunk.asvs();
            progress(done, all)?;
        }
        Ok(Self {
            values: gather(communicator, Tensor::cat(parts, 0), &share)?,
            position,
        })
    }

    /// The embeddings of `groups`, `[ASVs, dim]`, in their order.
    pub fn select(&self, groups: &AsvGroups) -> Tensor<2> {
        let rows: Vec<i32> = groups
            .features()
            .map(|feature| self.position[feature as usize] as i32)
            .collect();
        let device = self.values.device();
        self.values
            .clone()
            .select(0, Tensor::from_data(rows.as_slice(), &device))
    }
}
