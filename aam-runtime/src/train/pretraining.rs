//! Pre-training: predict UniFrac distances between samples, and nucleotides that are masked.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

use super::encoding::{Chunk, Embeddings, Encoding};
use super::metrics::{Metric, Regression};
use super::objective::{BatchResult, Draws, Objective, metric};
use crate::batch::{AsvGroups, Batcher, token_tensor};
use crate::checkpoint::Manifest;
use crate::data::Split;
use crate::data::tokens::VOCABULARY;
use crate::error::RunError;
use crate::model::{Base, MaskingConfig, nucleotide_accuracy, nucleotide_loss, unifrac_loss};
use crate::random::stream;
use crate::study::Distances;

/// Validation compares every pair of at most so many samples, the first.
const MOST_VALIDATED_PAIRS_OF: usize = 2_000;
/// Validation guesses masked nucleotides in at most so many ASVs.
const MOST_VALIDATED_ASVS: usize = 256;

/// The pre-training objective.
pub struct Pretraining<'a> {
    /// Makes batches.
    pub batcher: Batcher<'a>,
    /// True distances.
    pub distances: Option<&'a Distances>,
    /// Samples.
    pub split: &'a Split,
    /// Weight of the UniFrac loss.
    pub unifrac_weight: f64,
    /// Weight of the nucleotide loss.
    pub nucleotide_weight: f64,
    /// How nucleotides are masked.
    pub masking: MaskingConfig,
    /// Whether the samples' embeddings come from masked ASVs, as in the reference.
    pub masked_embeddings: bool,
    /// Samples of a validation batch.
    pub batch_size: usize,
    /// Seed of the run.
    pub seed: u64,
    /// Where it is computed, with autodiff.
    pub device: Device,
    /// What checkpoints say.
    pub manifest: Manifest,
}

/// Masked tokens of a chunk, and where they are masked.
struct MaskedChunk {
    original: Chunk,
    masked: Chunk,
    mask: Vec<bool>,
}

impl MaskedChunk {
    fn selected(&self, device: &Device) -> Tensor<2, Bool> {
        let shape = [self.original.asvs(), self.original.length];
        Tensor::from_data(TensorData::new(self.mask.clone(), shape), device)
    }

    /// Logits of the masked tokens, `[ASVs, length, vocabulary]`, the true tokens and the masked
    /// places.
    fn guess(&self, base: &Base, device: &Device) -> (Tensor<3>, Tensor<2, Int>, Tensor<2, Bool>) {
        let tokens = token_tensor(&self.masked.tokens, self.masked.length, device);
        let logits = base.nucleotide_logits(base.encode_tokens(tokens).positions);
        let truth = token_tensor(&self.original.tokens, self.original.length, device);
        (logits, truth, self.selected(device))
    }
}

impl Pretraining<'_> {
    fn mask(&self, chunks: Vec<Chunk>, rng: &mut rand_chacha::ChaCha8Rng) -> Vec<MaskedChunk> {
        let mask = |original: Chunk| {
            let masked = self.masking.apply(&original.tokens, original.length, rng);
            MaskedChunk {
                masked: Chunk {
                    tokens: masked.tokens,
                    length: original.length,
                },
                mask: masked.mask,
                original,
            }
        };
        chunks.into_iter().map(mask).collect()
    }

    fn target(&self, rows: &[usize]) -> Option<Tensor<2>> {
        let values = self.distances?.between(rows);
        let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
        let shape = [rows.len(), rows.len()];
        Some(Tensor::from_data(
            TensorData::new(values, shape),
            &self.device,
        ))
    }

    /// Metrics of the distances between validation samples.
    fn validate_distances(&self, base: &Base) -> Result<Vec<Metric>, RunError> {
        let Some(distances) = self.distances else {
            return Ok(Vec::new());
        };
        let rows = &self.split.validation;
        let rows = &rows[..rows.len().min(MOST_VALIDATED_PAIRS_OF)];
        let device = self.device.clone().inner();
        let mut rng = stream(self.seed, "ASVs of the validation samples");
        let batches: Vec<_> = rows
            .chunks(self.batch_size)
            .map(|rows| self.batcher.batch(rows, &mut rng))
            .collect();
        let mut features: Vec<u32> = batches
            .iter()
            .flat_map(|batch| batch.groups.features())
            .collect();
        features.sort_unstable();
        features.dedup();
        let groups = AsvGroups::new(features, self.batcher.sequences, self.batcher.chunk);
        let columns = self.batcher.table.num_features();
        let embeddings = Embeddings::new(
            base,
            &groups,
            self.batcher.sequences,
            columns,
            &device,
            |_| Ok(()),
        )?;
        let samples = batches.iter().map(|batch| {
            let input = batch.input(None, None, &device);
            let asvs = base.encode_samples(embeddings.select(&batch.groups), &input);
            base.embed_samples(asvs, input.mask)
        });
        let predicted = base.distances(Tensor::cat(samples.collect(), 0));
        let predicted: Vec<f32> = predicted.into_data().iter::<f32>().collect();
        let truth = distances.between(rows);
        let mut regression = Regression::default();
        for i in 0..rows.len() {
            for j in i + 1..rows.len() {
                let place = i * rows.len() + j;
                regression.add(f64::from(predicted[place]), truth[place]);
            }
        }
        let mut metrics = regression.metrics("unifrac_");
        metrics.push(metric("unifrac_spread", regression.spread()));
        Ok(metrics)
    }

    /// Loss and accuracy at nucleotides that are masked alike in every epoch.
    fn validate_nucleotides(&self, base: &Base) -> Vec<Metric> {
        let rows = self.split.validation.iter();
        let mut features: Vec<u32> = rows
            .flat_map(|&row| self.batcher.table.row(row).0.iter().copied())
            .collect();
        features.sort_unstable();
        features.dedup();
        // Spread over the table, so that no clade is over-represented.
        let step = features.len().div_ceil(MOST_VALIDATED_ASVS).max(1);
        let features = features.into_iter().step_by(step).collect();
        let groups = AsvGroups::new(features, self.batcher.sequences, self.batcher.chunk);
        let mut rng = stream(self.seed, "masks of the validation samples");
        let chunks = self.mask(Chunk::of(&groups, self.batcher.sequences), &mut rng);
        let device = self.device.clone().inner();
        let mut tokens = [0usize; VOCABULARY];
        let (mut loss, mut right) = (0.0, 0.0);
        for chunk in &chunks {
            let (logits, truth, selected) = chunk.guess(base, &device);
            let hits = nucleotide_accuracy(logits.clone(), truth.clone(), selected.clone());
            let (sum, _) = nucleotide_loss(logits, truth, selected);
            loss += f64::from(sum.into_scalar::<f32>());
            right += f64::from(hits.into_scalar::<f32>());
            let masked = chunk.original.tokens.iter().zip(&chunk.mask);
            for (&token, _) in masked.filter(|(_, masked)| **masked) {
                tokens[usize::from(token)] += 1;
            }
        }
        let all = tokens.iter().sum::<usize>().max(1) as f64;
        let commonest = tokens.iter().max().copied().unwrap_or(0) as f64;
        vec![
            metric("nucleotide_loss", loss / all),
            metric("nucleotide_accuracy", right / all),
            metric("nucleotide_majority", commonest / all),
        ]
    }
}

impl Objective for Pretraining<'_> {
    type Model = Base;

    fn gradients(
        &self,
        model: &Base,
        rows: &[usize],
        draws: Draws,
    ) -> Result<BatchResult, RunError> {
        let device = &self.device;
        let batch = self.batcher.batch(rows, &mut draws.stream("ASVs"));
        let mut gradients = GradientsAccumulator::new();
        let mut losses = Vec::new();
        let mut total = 0.0;
        let mut chunks = Chunk::of(&batch.groups, self.batcher.sequences);
        let masks_needed = self.nucleotide_weight > 0.0 || self.masked_embeddings;
        let masked = match masks_needed {
            true => self.mask(chunks.clone(), &mut draws.stream("masks")),
            false => Vec::new(),
        };
        if self.masked_embeddings {
            chunks = masked.iter().map(|chunk| chunk.masked.clone()).collect();
        }
        if self.unifrac_weight > 0.0
            && let Some(target) = self.target(rows)
        {
            let seed = draws.device_seed("dropout in ASVs");
            let encoding = Encoding::new(model, &chunks, seed, device);
            device.seed(draws.device_seed("dropout in samples"));
            let input = batch.input(None, None, device);
            let asvs = model.encode_samples(encoding.embeddings.clone(), &input);
            let samples = model.embed_samples(asvs, input.mask);
            let loss = unifrac_loss(model.distances(samples), target);
            let value = f64::from(loss.clone().into_scalar::<f32>());
            let mut backward = loss.mul_scalar(self.unifrac_weight).backward();
            let at_asvs = encoding.embeddings.grad_remove(&mut backward);
            gradients.accumulate(model, GradientsParams::from_grads(backward, model));
            if let Some(gradient) = at_asvs {
                encoding.replay(model, model, &gradient, &mut gradients);
            }
            losses.push(metric("train_unifrac_loss", value));
            total += self.unifrac_weight * value;
        }
        if self.nucleotide_weight > 0.0 {
            let places: usize = masked
                .iter()
                .flat_map(|chunk| &chunk.mask)
                .filter(|m| **m)
                .count();
            let mut sum = 0.0;
            for (i, chunk) in masked.iter().enumerate() {
                device.seed(
                    draws
                        .device_seed("dropout in nucleotides")
                        .wrapping_add(i as u64),
                );
                let (logits, truth, selected) = chunk.guess(model, device);
                let (loss, _) = nucleotide_loss(logits, truth, selected);
                sum += f64::from(loss.clone().into_scalar::<f32>());
                let scaled = loss.mul_scalar(self.nucleotide_weight / places.max(1) as f64);
                gradients.accumulate(model, GradientsParams::from_grads(scaled.backward(), model));
            }
            let value = sum / places.max(1) as f64;
            losses.push(metric("train_nucleotide_loss", value));
            total += self.nucleotide_weight * value;
        }
        losses.insert(0, metric("train_loss", total));
        Ok(BatchResult {
            gradients: gradients.grads(),
            losses,
        })
    }

    fn validate(&self, model: &Base) -> Result<Vec<Metric>, RunError> {
        let base = model.valid();
        let mut metrics = Vec::new();
        let mut total = 0.0;
        if self.unifrac_weight > 0.0 {
            metrics.extend(self.validate_distances(&base)?);
            let rmse = metrics.iter().find(|m| m.name == "unifrac_rmse");
            total += self.unifrac_weight * rmse.map_or(0.0, |m| m.value.powi(2));
        }
        if self.nucleotide_weight > 0.0 {
            let nucleotides = self.validate_nucleotides(&base);
            total += self.nucleotide_weight * nucleotides[0].value;
            metrics.extend(nucleotides);
        }
        metrics.insert(0, metric("loss", total));
        Ok(metrics)
    }

    fn default_metric(&self) -> String {
        match self.unifrac_weight > 0.0 {
            true => "unifrac_r2".to_owned(),
            false => "nucleotide_loss".to_owned(),
        }
    }

    fn manifest(&self) -> Manifest {
        self.manifest.clone()
    }
}
