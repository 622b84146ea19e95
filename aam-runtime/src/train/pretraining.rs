//! Pre-training: predict UniFrac distances between samples, and nucleotides that are masked.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData};

use super::encoding::{Chunk, Embeddings, Encoding};
use super::metrics::{Metric, Regression};
use super::nucleotides::Nucleotides;
use super::objective::{BatchResult, Draws, Objective, metric};
use crate::batch::Batcher;
use crate::checkpoint::Manifest;
use crate::data::Split;
use crate::error::RunError;
use crate::model::{Base, unifrac_loss};
use crate::random::stream;
use crate::study::Distances;

/// Validation compares every pair of at most so many samples, the first.
const MOST_VALIDATED_PAIRS_OF: usize = 2_000;

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
    /// The nucleotide task and the weight of its loss, where it is trained together with the
    /// distances.
    pub nucleotides: Option<(&'a Nucleotides<'a>, f64)>,
    /// Embeddings of all ASVs, where their encoder does not learn.
    pub frozen: Option<Embeddings>,
    /// Metrics of what does not change in this run.
    pub unchanging: Vec<Metric>,
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

impl Pretraining<'_> {
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
        let fresh;
        let embeddings = match &self.frozen {
            Some(embeddings) => embeddings,
            None => {
                let nobody = |_, _| Ok(());
                fresh = Embeddings::of_samples(base, &self.batcher, rows, &device, nobody)?;
                &fresh
            }
        };
        let samples = batches.iter().map(|batch| {
            let input = batch.input(None, None, &device);
            base.embed_samples(embeddings.select(&batch.groups), &input)
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
        let mut chunks = match &self.frozen {
            Some(_) => Vec::new(),
            None => Chunk::of(&batch.groups, self.batcher.sequences),
        };
        let masked = match self.nucleotides {
            Some((task, _)) => task.mask(chunks.clone(), &mut draws.stream("masks")),
            None => Vec::new(),
        };
        if self.masked_embeddings && !masked.is_empty() {
            chunks = masked.iter().map(|chunk| chunk.masked.clone()).collect();
        }
        if self.unifrac_weight > 0.0
            && let Some(target) = self.target(rows)
        {
            let encoding = (!chunks.is_empty()).then(|| {
                let seed = draws.device_seed("dropout in ASVs");
                Encoding::new(model, &chunks, seed, device)
            });
            let asvs = match (&self.frozen, &encoding) {
                (Some(embeddings), _) => Tensor::from_inner(embeddings.select(&batch.groups)),
                (None, Some(encoding)) => encoding.embeddings.clone(),
                (None, None) => unreachable!("samples without any ASV are left out"),
            };
            device.seed(draws.device_seed("dropout in samples"));
            let samples = model.embed_samples(asvs, &batch.input(None, None, device));
            let loss = unifrac_loss(model.distances(samples), target);
            let value = f64::from(loss.clone().into_scalar::<f32>());
            let mut backward = loss.mul_scalar(self.unifrac_weight).backward();
            let at_asvs = encoding
                .as_ref()
                .and_then(|encoding| encoding.embeddings.grad_remove(&mut backward));
            gradients.accumulate(model, GradientsParams::from_grads(backward, model));
            if let (Some(encoding), Some(gradient)) = (&encoding, at_asvs) {
                encoding.replay(model, model, &gradient, &mut gradients);
            }
            losses.push(metric("train_unifrac_loss", value));
            total += self.unifrac_weight * value;
        }
        if let Some((task, weight)) = self.nucleotides {
            let value = task.accumulate(model, model, &masked, weight, draws, &mut gradients);
            losses.push(metric("train_nucleotide_loss", value));
            total += weight * value;
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
        if let Some((task, weight)) = self.nucleotides {
            let nucleotides = task.validate(&base);
            total += weight * nucleotides[0].value;
            metrics.extend(nucleotides);
        }
        metrics.insert(0, metric("loss", total));
        metrics.extend(self.unchanging.clone());
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
