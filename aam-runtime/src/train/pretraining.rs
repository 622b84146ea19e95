//! Pre-training: predict distances between samples, and nucleotides that are masked.

use std::cell::OnceCell;

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor};

use super::base_task::BaseTask;
use super::encoding::{Chunk, Embeddings, Encoding};
use super::metrics::Metric;
use super::nucleotides::{Nucleotides, places};
use super::objective::{BatchResult, Draws, Objective, metric};
use super::upcoming::UpcomingBatch;
use crate::batch::Batcher;
use crate::checkpoint::Manifest;
use crate::data::Split;
use crate::error::RunError;
use crate::model::Base;
use crate::random::stream;

/// The pre-training objective.
pub struct Pretraining<'a> {
    /// Makes batches.
    pub batcher: Batcher<'a>,
    /// What is learnt of samples, if anything is.
    pub task: Option<BaseTask<'a>>,
    /// Samples.
    pub split: &'a Split,
    /// Weight of its loss.
    pub unifrac_weight: f64,
    /// The nucleotide task and the weight of its loss, where it is trained together with the
    /// distances.
    pub nucleotides: Option<(&'a Nucleotides<'a>, f64)>,
    /// Embeddings of all ASVs, where their encoder does not learn.
    pub frozen: Option<Embeddings>,
    /// True distances of the validation samples, once they are computed: at most 32 MB.
    pub validation_truth: OnceCell<Vec<f64>>,
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
    /// Metrics of what is learnt of the validation samples.
    fn validate_samples(&self, task: BaseTask<'_>, base: &Base) -> Result<Vec<Metric>, RunError> {
        let rows = task.validated(&self.split.validation);
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
        let samples = Tensor::cat(samples.collect(), 0);
        Ok(task.metrics(base, samples, rows, &self.validation_truth))
    }
}

impl Objective for Pretraining<'_> {
    type Model = Base;

    fn gradients(
        &self,
        model: &Base,
        upcoming: UpcomingBatch,
        draws: Draws,
    ) -> Result<BatchResult, RunError> {
        let device = &self.device;
        let batch = self
            .batcher
            .batch(&upcoming.rows, &mut draws.stream("ASVs"));
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
        let together = self.masked_embeddings && !masked.is_empty();
        if together {
            chunks = masked.iter().map(|chunk| chunk.masked.clone()).collect();
        }
        let mut nucleotide_loss = None;
        if let (Some(task), Some(truth)) = (self.task, upcoming.truth) {
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
            let loss = task.loss(model, samples, truth, device);
            let value = f64::from(loss.clone().into_scalar::<f32>());
            let mut backward = loss.mul_scalar(self.unifrac_weight).backward();
            let at_asvs = encoding
                .as_ref()
                .and_then(|encoding| encoding.embeddings.grad_remove(&mut backward));
            gradients.accumulate(model, GradientsParams::from_grads(backward, model));
            if let (Some(encoding), Some(gradient)) = (&encoding, at_asvs) {
                nucleotide_loss = match self.nucleotides {
                    Some((_, weight)) if together => {
                        let places = places(&masked);
                        let guess = (masked.as_slice(), weight / places);
                        encoding
                            .replay_and_guess(model, &gradient, guess, &mut gradients)
                            .map(|sum| sum / places)
                    }
                    _ => None,
                };
                if nucleotide_loss.is_none() {
                    encoding.replay(model, model, &gradient, &mut gradients);
                }
            }
            losses.push(metric(&task.loss_name(), value));
            total += self.unifrac_weight * value;
        }
        if let Some((task, weight)) = self.nucleotides {
            let value = nucleotide_loss.unwrap_or_else(|| {
                task.accumulate(model, model, &masked, weight, draws, &mut gradients)
            });
            losses.push(metric("train_nucleotide_loss", value));
            total += weight * value;
        }
        losses.insert(0, metric("train_loss", total));
        Ok(BatchResult {
            gradients: gradients.grads(),
            losses,
        })
    }

    fn task(&self) -> Option<BaseTask<'_>> {
        self.task
    }

    fn validate(&self, model: &Base) -> Result<Vec<Metric>, RunError> {
        let base = model.valid();
        let mut metrics = Vec::new();
        let mut total = 0.0;
        if let Some(task) = self.task {
            metrics.extend(self.validate_samples(task, &base)?);
            total += self.unifrac_weight * task.validation_loss(&metrics);
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
        match self.task {
            Some(task) => task.default_metric(),
            None => "nucleotide_loss".to_owned(),
        }
    }

    fn names(&self, rows: &[usize]) -> Vec<String> {
        self.batcher.names(rows)
    }

    fn manifest(&self) -> Manifest {
        self.manifest.clone()
    }
}
