//! ASV embeddings with gradients, one chunk of ASVs at a time.
//!
//! The nucleotide transformer is nearly all of the cost and the memory. Its embeddings are
//! computed without a graph, the rest of the model runs on them, and with the gradient at the
//! embeddings each chunk is encoded again, with a graph of its own. Memory is that of one chunk,
//! gradients are those of the whole, and a chunk that stays in the cache makes up for the second
//! pass.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor};

use crate::batch::{AsvGroups, Batcher, token_tensor};
use crate::data::TokenizedSequences;
use crate::error::RunError;
use crate::model::Base;

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

    /// Number of ASVs.
    pub fn asvs(&self) -> usize {
        self.tokens.len() / self.length
    }

    fn embed(&self, base: &Base, device: &Device) -> Tensor<2> {
        base.encode_tokens(token_tensor(&self.tokens, self.length, device))
            .embeddings
    }
}

/// The embeddings of a batch's ASVs as a leaf of the graph, and what is needed to replay them.
pub struct Encoding<'a> {
    chunks: &'a [Chunk],
    seed: u64,
    device: &'a Device,
    /// `[ASVs, dim]`, requiring a gradient.
    pub embeddings: Tensor<2>,
}

impl<'a> Encoding<'a> {
    /// Encodes every ASV once. `seed` draws the dropout, alike in the replay; `device` has
    /// autodiff.
    pub fn new(base: &Base, chunks: &'a [Chunk], seed: u64, device: &'a Device) -> Self {
        let parts = chunks.iter().enumerate().map(|(i, chunk)| {
            device.seed(seed.wrapping_add(i as u64));
            chunk.embed(base, device).inner()
        });
        let embeddings = Tensor::cat(parts.collect(), 0);
        Self {
            chunks,
            seed,
            device,
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
        let mut start = 0;
        for (i, chunk) in self.chunks.iter().enumerate() {
            let end = start + chunk.asvs();
            let part = Tensor::from_inner(gradient.clone().slice(start..end));
            self.device.seed(self.seed.wrapping_add(i as u64));
            let product = (chunk.embed(base, self.device) * part).sum();
            gradients.accumulate(
                model,
                GradientsParams::from_grads(product.backward(), model),
            );
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
        mut progress: impl FnMut(usize, usize) -> Result<(), RunError>,
    ) -> Result<Self, RunError> {
        let groups = batcher.groups(rows);
        let mut position = vec![0; batcher.table.num_features()];
        for (row, feature) in groups.features().enumerate() {
            position[feature as usize] = row as u32;
        }
        let all = groups.features().count();
        let mut done = 0;
        let mut parts = Vec::with_capacity(groups.0.len());
        for chunk in Chunk::of(&groups, batcher.sequences) {
            parts.push(chunk.embed(base, device));
            done += chunk.asvs();
            progress(done, all)?;
        }
        Ok(Self {
            values: Tensor::cat(parts, 0),
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
