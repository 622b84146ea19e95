//! ASV embeddings with gradients, without a graph over the encoder.
//!
//! The ASV encoder accounts for nearly all of the time and memory. Its embeddings are computed
//! without a graph and the rest of the model runs on them; given the gradient with respect to the
//! embeddings, the encoder then runs again, forward and backward ([`Recomputation`]). Memory use is
//! that of one ASV or one chunk, and the gradients are exact.

use aam_api::{AsvChunk, MaskedChunk, Recomputation};
use burn::module::Module;
use burn::optim::GradientsAccumulator;
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};

use super::draws::AsvSeeds;
use crate::embedding_cache::{EmbeddingCache, Entry};
use crate::parallel::{OwnPart, Replica};
use aam_model::Base;
use aam_model::batch::{AsvGroups, Batcher};
use aam_run::RunError;

/// The embeddings of a batch's ASVs as a leaf of the graph, with the inputs to replay those that
/// this replica computes.
pub struct Encoding<'a> {
    /// The ASVs that this replica computes.
    chunks: Vec<AsvChunk>,
    seed: u64,
    encoder: Recomputation<'a>,
    /// The embeddings of all ASVs, `[ASVs, dim]`, requiring a gradient.
    pub embeddings: Tensor<2>,
    part: OwnPart,
    replica: Replica<'a>,
}

impl<'a> Encoding<'a> {
    /// Encodes every ASV of the `chunks` on one replica. `seeds` determine the dropout, which is
    /// the same in the replay; `device` has autodiff.
    ///
    /// # Errors
    /// Another replica that failed.
    pub fn new(
        base: &'a Base,
        chunks: &[AsvChunk],
        seeds: AsvSeeds,
        device: &Device,
        replica: Replica<'a>,
    ) -> Result<Self, RunError> {
        let part = replica.part(chunks.iter().map(AsvChunk::asvs).sum());
        let chunks = AsvChunk::part(chunks, part.computed());
        let encoder = base.embedding_encoder(device);
        let seed = seeds.of(&encoder);
        let embeddings = replica.gather(encoder.embed(&chunks, seed), &part)?;
        Ok(Self {
            chunks,
            seed,
            encoder,
            embeddings: Tensor::from_inner(embeddings).require_grad(),
            part,
            replica,
        })
    }

    /// Takes the gradient with respect to the embeddings out of `gradients`, and sums it over the
    /// replicas for the ASVs that this one computes, `[own ASVs, dim]`.
    ///
    /// # Errors
    /// Another replica that failed.
    pub fn gradient(&self, gradients: &mut Gradients) -> Result<Tensor<2>, RunError> {
        let found = self.embeddings.grad_remove(gradients);
        // There is none if no sample of this replica has any of the ASVs.
        let found = found.unwrap_or_else(|| self.embeddings.clone().inner().zeros_like());
        self.replica.reduce(found, &self.part)
    }

    /// Adds the gradients of the encoder, given the [`gradient`](Self::gradient) with respect to
    /// the embeddings. `model` contains the base.
    pub fn replay<M: Module>(
        &self,
        model: &M,
        gradient: &Tensor<2>,
        gradients: &mut GradientsAccumulator<M>,
    ) {
        let mut add = |found| gradients.accumulate(model, found);
        self.encoder
            .backward(&self.chunks, gradient, self.seed, &mut add);
    }

    /// As [`replay`](Self::replay), if the encoded ASVs are `masked` and their nucleotides are
    /// predicted in the same pass. Returns the sum of their losses, each of which has the weight
    /// `weight`.
    ///
    /// # Errors
    /// An encoder that does not predict nucleotides.
    pub fn replay_and_guess<M: Module>(
        &self,
        model: &M,
        gradient: &Tensor<2>,
        (masked, weight): (&[MaskedChunk], f64),
        gradients: &mut GradientsAccumulator<M>,
    ) -> Result<f64, RunError> {
        let (gradient, seed) = (Some(gradient), self.seed);
        let mut add = |found| gradients.accumulate(model, found);
        let encoder = &self.encoder;
        Ok(encoder.backward_masked(masked, gradient, weight, seed, &mut add)?)
    }
}

/// Embeddings of ASVs without gradients, indexed by table column.
#[derive(Clone, Debug)]
pub struct Embeddings {
    values: Tensor<2>,
    position: Vec<u32>,
}

impl Embeddings {
    /// Encodes the ASVs of the samples at `rows`, unless they are in the `cache`. `base` must be in
    /// inference mode; `progress` is called with the number of completed ASVs and their total.
    ///
    /// # Errors
    /// Those of `progress`.
    pub fn of_samples(
        base: &Base,
        batcher: &Batcher<'_>,
        rows: &[usize],
        (device, cache): (&Device, &EmbeddingCache),
        progress: impl FnMut(usize, usize) -> Result<(), RunError>,
    ) -> Result<Self, RunError> {
        let groups = batcher.groups(rows);
        let asvs = groups.features().count();
        let chunks = || groups.chunks(batcher.sequences);
        let entry = cache.entry(base, asvs, chunks, device);
        if let Some(known) = entry.as_ref().and_then(Entry::read) {
            let known = TensorData::new(known, [asvs, base.dim()]);
            return Ok(Self {
                values: Tensor::from_data(known, device),
                position: positions(&groups, batcher),
            });
        }
        let found = Self::on_replicas(base, batcher, rows, device, Replica::ALONE, progress)?;
        if let Some(entry) = entry {
            let values = found.values.clone().into_data();
            entry.write(&values.iter::<f32>().collect::<Vec<f32>>());
        }
        Ok(found)
    }

    /// As [`of_samples`](Self::of_samples), with the ASVs divided among several replicas.
    ///
    /// # Errors
    /// Those of `progress`, or another replica that failed.
    pub fn on_replicas(
        base: &Base,
        batcher: &Batcher<'_>,
        rows: &[usize],
        device: &Device,
        replica: Replica<'_>,
        mut progress: impl FnMut(usize, usize) -> Result<(), RunError>,
    ) -> Result<Self, RunError> {
        let groups = batcher.groups(rows);
        let position = positions(&groups, batcher);
        let part = replica.part(groups.features().count());
        let all = part.computed().len();
        let mut done = 0;
        let mut parts = Vec::with_capacity(groups.0.len());
        let encoder = base.embedding_encoder(device);
        let chunks = groups.chunks(batcher.sequences);
        for chunk in AsvChunk::part(&chunks, part.computed()) {
            parts.push(encoder.embed(std::slice::from_ref(&chunk), 0));
            done += chunk.asvs();
            progress(done, all)?;
        }
        Ok(Self {
            values: replica.gather(Tensor::cat(parts, 0), &part)?,
            position,
        })
    }

    /// The embeddings of all ASVs, `[ASVs, dim]`, in table order; every ASV must occur in a sample.
    pub fn in_order(&self) -> Tensor<2> {
        let rows: Vec<i32> = self.position.iter().map(|&row| row as i32).collect();
        let device = self.values.device();
        let rows = Tensor::from_data(rows.as_slice(), &device);
        self.values.clone().select(0, rows)
    }

    /// The embeddings of `groups`, `[ASVs, dim]`, in order.
    pub fn select(&self, groups: &AsvGroups) -> Tensor<2> {
        self.values.clone().select(0, self.rows(groups))
    }

    /// All embeddings, `[ASVs, dim]`, in an order of their own.
    pub fn all(&self) -> Tensor<2> {
        self.values.clone()
    }

    /// The rows of the ASVs of `groups` among [all](Self::all), `[ASVs]`, in order.
    pub fn rows(&self, groups: &AsvGroups) -> Tensor<1, Int> {
        let rows: Vec<i32> = groups
            .features()
            .map(|feature| self.position[feature as usize] as i32)
            .collect();
        Tensor::from_data(rows.as_slice(), &self.values.device())
    }
}

/// The row of each ASV of `groups` by its column in the table.
fn positions(groups: &AsvGroups, batcher: &Batcher<'_>) -> Vec<u32> {
    let mut position = vec![0; batcher.table.num_features()];
    for (row, feature) in groups.features().enumerate() {
        position[feature as usize] = row as u32;
    }
    position
}
