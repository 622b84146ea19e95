//! Pre-training: predict distances between samples, and nucleotides that are masked.

use std::sync::OnceLock;

use aam_api::Communicator;
use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor};

use super::base_task::BaseTask;
use super::encoding::{Chunk, Embeddings};
use super::masked_chunk::{MaskedChunk, places};
use super::metrics::Metric;
use super::nucleotides::Nucleotides;
use super::objective::{BatchResult, Draws, Objective, Validated, metric};
use super::scalars::scalars;
use super::upcoming::UpcomingBatch;
use crate::batch::Batcher;
use crate::checkpoint::Manifest;
use crate::data::Split;
use crate::error::RunError;
use crate::model::Base;
use crate::parallel::Share;
use crate::parallel::encoding::SharedEncoding;
use crate::parallel::share::{from_first, gather};
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
    pub validation_truth: OnceLock<Vec<f64>>,
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
    /// What is learnt of the validation samples, on rank 0.
    fn validate_samples(
        &self,
        task: BaseTask<'_>,
        base: &Base,
        communicator: &dyn Communicator,
    ) -> Result<Validated, RunError> {
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
                let batcher = &self.batcher;
                fresh = Embeddings::on_ranks(base, batcher, rows, &device, communicator, nobody)?;
                &fresh
            }
        };
        if communicator.rank() > 0 {
            return Ok(Validated::default());
        }
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
        scale: f64,
        communicator: &dyn Communicator,
    ) -> Result<BatchResult, RunError> {
        let device = &self.device;
        let rows = &upcoming.rows;
        let batch = self.batcher.batch(rows, &mut draws.stream("ASVs"));
        let truth = from_first(communicator, upcoming.truth)?;
        let mut gradients = GradientsAccumulator::new();
        let mut losses = Vec::new();
        let mut total = 0.0;
        let mut chunks = match &self.frozen {
            Some(_) => Vec::new(),
            None => Chunk::of(&batch.groups, self.batcher.sequences),
        };
        let share_of_asvs = (!chunks.is_empty()).then(|| {
            let asvs = chunks.iter().map(Chunk::asvs).sum();
            Share::of(asvs, communicator)
        });
        let masked = match self.nucleotides {
            Some((task, _)) => task.mask(chunks.clone(), &mut draws.stream("masks")),
            None => Vec::new(),
        };
        let places = places(&masked);
        let together = self.masked_embeddings && !masked.is_empty();
        if together {
            chunks = masked.iter().map(|chunk| chunk.masked.clone()).collect();
        }
        let masked = MaskedChunk::share(masked, communicator);
        let mut nucleotide_loss = None;
        if let (Some(task), Some(truth)) = (self.task, truth) {
            if let Some(share) = &share_of_asvs {
                chunks = Chunk::part(&chunks, share.computed.clone());
            }
            let seed = draws.seed_of_rank("dropout in ASVs", communicator);
            let encoding = share_of_asvs.map(|share| {
                SharedEncoding::new(model, &chunks, share, seed, device, communicator)
            });
            let encoding = encoding.transpose()?;
            let asvs = match (&self.frozen, &encoding) {
                (Some(embeddings), _) => Tensor::from_inner(embeddings.select(&batch.groups)),
                (None, Some(encoding)) => encoding.embeddings.clone(),
                (None, None) => unreachable!("samples without any ASV are left out"),
            };
            device.seed(draws.seed_of_rank("dropout in samples", communicator));
            let share = Share::of(rows.len(), communicator);
            let part = batch.part(share.computed.clone());
            let samples = model.embed_samples(asvs, &part.input(None, None, device));
            let samples = gather(communicator, samples, &share)?;
            let (loss, value) = task.loss_on_ranks(model, samples, truth, device, communicator);
            let mut backward = loss.mul_scalar(self.unifrac_weight * scale).backward();
            let at_asvs = encoding
                .as_ref()
                .map(|encoding| encoding.gradient(&mut backward));
            gradients.accumulate(model, GradientsParams::from_grads(backward, model));
            if let (Some(encoding), Some(gradient)) = (&encoding, at_asvs) {
                let gradient = encoding.own_gradient(gradient)?;
                let encoding = &encoding.encoding;
                match self.nucleotides {
                    Some((_, weight)) if together => {
                        let guess = (masked.as_slice(), weight * scale / places);
                        let sum =
                            encoding.replay_and_guess(model, &gradient, guess, &mut gradients);
                        nucleotide_loss = Some(sum / places);
                    }
                    _ => encoding.replay(model, model, &gradient, &mut gradients),
                }
            }
            let value: f64 = scalars(value.into_iter().collect()).iter().sum();
            losses.push(metric(&task.loss_name(), value));
            total += self.unifrac_weight * value;
        }
        if let Some((task, weight)) = self.nucleotides {
            let seed = draws.seed_of_rank("dropout in nucleotides", communicator);
            let weights = (weight * scale, places);
            let value = nucleotide_loss.unwrap_or_else(|| {
                task.accumulate(model, model, &masked, weights, seed, &mut gradients)
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

    fn validate(
        &self,
        model: &Base,
        communicator: &dyn Communicator,
    ) -> Result<Validated, RunError> {
        let base = model.valid();
        let (mut metrics, mut compared) = (Vec::new(), Vec::new());
        let mut total = 0.0;
        if let Some(task) = self.task {
            let samples = self.validate_samples(task, &base, communicator)?;
            (metrics, compared) = (samples.metrics, samples.compared);
            total += self.unifrac_weight * task.validation_loss(&metrics);
        }
        if let Some((task, weight)) = self.nucleotides {
            let nucleotides = task.validate(&base, communicator)?;
            total += weight * nucleotides[0].value;
            metrics.extend(nucleotides);
        }
        metrics.insert(0, metric("loss", total));
        metrics.extend(self.unchanging.clone());
        Ok(Validated { metrics, compared })
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
