//! Pre-training: predicting distances between samples, and masked nucleotides.

use std::sync::OnceLock;

use aam_api::dropout::in_step;
use aam_api::{AsvChunk, MaskedChunk};
use burn::module::Module;
use burn::optim::GradientsAccumulator;
use burn::tensor::{Device, Tensor};

use super::augmenting::Augmenting;
use super::base_task::BaseTask;
use super::batch_embeddings::{BatchEmbeddings, kept_or_fresh, parts_encoded_together};
use super::encoding::Embeddings;
use super::masked_chunk::{self, places};
use super::nucleotides::Nucleotides;
use super::objective::{BatchResult, Draws, Objective, Validated, metric};
use super::scalars::scalars;
use super::training_batches::TrainingBatch;
use crate::checkpoint::Manifest;
use crate::parallel::{LocalBatch, Replica};
use aam_core::random::stream;
use aam_data::Split;
use aam_evaluation::metrics::Metric;
use aam_model::Base;
use aam_model::batch::{AsvGroups, Batcher};
use aam_run::RunError;

/// The pre-training objective.
pub struct Pretraining<'a> {
    /// Creates batches.
    pub batcher: Batcher<'a>,
    /// The sample task, if any.
    pub task: Option<BaseTask<'a>>,
    /// The training and validation samples.
    pub split: &'a Split,
    /// The weight of its loss.
    pub unifrac_weight: f64,
    /// The nucleotide task and the weight of its loss, if it is trained together with the
    /// distances.
    pub nucleotides: Option<(&'a Nucleotides<'a>, f64)>,
    /// The embeddings of all ASVs, if their encoder is frozen.
    pub frozen: Option<Embeddings>,
    /// The augmentation of the training samples, if any.
    pub augmenting: Option<Augmenting<'a>>,
    /// The true distances of the validation samples, once they are computed: at most 32 MB.
    pub validation_truth: OnceLock<Vec<f64>>,
    /// Metrics that do not change in this run.
    pub unchanging: Vec<Metric>,
    /// Whether sample embeddings are computed from masked ASVs, as in the reference.
    pub masked_embeddings: bool,
    /// Samples per validation batch.
    pub batch_size: usize,
    /// Maximum number of validation predictions for plots.
    pub plotted: usize,
    /// Random seed of the run.
    pub seed: u64,
    /// The device, with autodiff.
    pub device: Device,
    /// The manifest of checkpoints.
    pub manifest: Manifest,
}

/// The ASVs of a batch whose masked nucleotides are predicted.
struct GuessedAsvs {
    /// The ASVs that this replica computes.
    own: Vec<MaskedChunk>,
    /// All ASVs as seen by the model, if sample embeddings are computed from these.
    seen: Option<Vec<AsvChunk>>,
    /// The number of masked positions of all ASVs.
    places: f64,
    /// The factor of their mean loss.
    weight: f64,
}

impl Pretraining<'_> {
    /// `chunks`, whose ASVs are those of `groups`, with the errors that augmentations make.
    fn with_errors(
        &self,
        chunks: Vec<AsvChunk>,
        groups: &AsvGroups,
        draws: Draws,
    ) -> Vec<AsvChunk> {
        match &self.augmenting {
            Some(augmenting) => augmenting.sequences(&chunks, groups, draws).into_owned(),
            None => chunks,
        }
    }

    /// The ASVs of `chunks` with masks, if nucleotides are predicted. Errors of augmentations are in
    /// what is seen, but not in what is to be predicted.
    fn guessed(
        &self,
        chunks: &[AsvChunk],
        groups: &AsvGroups,
        draws: Draws,
        scale: f64,
        replica: Replica<'_>,
    ) -> Option<GuessedAsvs> {
        let (task, weight) = self.nucleotides?;
        let mut masked = task.mask(chunks.to_vec(), &mut draws.stream("masks"));
        if self.augmenting.is_some() {
            let seen = masked.iter().map(|chunk| chunk.masked.clone()).collect();
            let seen = self.with_errors(seen, groups, draws);
            for (chunk, seen) in masked.iter_mut().zip(seen) {
                chunk.masked = seen;
            }
        }
        let together = self.masked_embeddings && !masked.is_empty();
        Some(GuessedAsvs {
            seen: together.then(|| masked.iter().map(|chunk| chunk.masked.clone()).collect()),
            places: places(&masked),
            weight: weight * scale,
            own: masked_chunk::part(masked, replica),
        })
    }

    /// The metrics and the loss of the sample task for the validation samples, on the first
    /// replica.
    fn validate_samples(
        &self,
        task: BaseTask<'_>,
        base: &Base,
        replica: Replica<'_>,
    ) -> Result<(Validated, f64), RunError> {
        let rows = task.validated(&self.split.validation);
        let device = self.device.clone().inner();
        let frozen = self.frozen.as_ref();
        let mut rng = stream(self.seed, "ASVs of the validation samples");
        let mut kept = Vec::new();
        for part in parts_encoded_together(frozen, rows, self.batch_size) {
            let embeddings = kept_or_fresh(frozen, base, &self.batcher, part, &device, replica)?;
            let of_part = replica.on_first(|| -> Result<(), RunError> {
                for rows in part.chunks(self.batch_size.max(1)) {
                    let batch = self.batcher.batch(rows, &mut rng);
                    let input = batch.input(None, None, &device);
                    let asvs = embeddings.select(&batch.groups);
                    let samples = base.embed_samples(asvs, &input.samples);
                    kept.push(task.kept_of_batch(base, samples)?);
                }
                Ok(())
            });
            of_part.transpose()?;
        }
        let judged = replica.on_first(|| {
            let (kept, known) = (Tensor::cat(kept, 0), &self.validation_truth);
            task.metrics(base, kept, rows, known, self.plotted)
        });
        Ok(judged.transpose()?.unwrap_or_default())
    }
}

impl Objective for Pretraining<'_> {
    type Model = Base;

    fn gradients(
        &self,
        model: &Base,
        mut batch: TrainingBatch,
        draws: Draws,
        scale: f64,
        replica: Replica<'_>,
    ) -> Result<BatchResult, RunError> {
        let (device, truth) = (&self.device, batch.truth.take());
        let rng = &mut draws.stream("ASVs");
        let batch = match &self.augmenting {
            Some(augmenting) => {
                let changed = augmenting.of_batch(&batch, draws)?;
                self.batcher.changed_batch(&batch.rows, &changed, rng)
            }
            None => self.batcher.batch(&batch.rows, rng),
        };
        let mut gradients = GradientsAccumulator::new();
        let mut losses = vec![metric("train_loss", 0.0)];
        let chunks = match &self.frozen {
            Some(_) => Vec::new(),
            None => batch.groups.chunks(self.batcher.sequences),
        };
        let guessed = self.guessed(&chunks, &batch.groups, draws, scale, replica);
        let chunks = self.with_errors(chunks, &batch.groups, draws);
        let mut nucleotide_loss = None;
        if let (Some(task), Some(truth)) = (self.task, truth) {
            let seen = guessed.as_ref().and_then(|guessed| guessed.seen.as_ref());
            let asvs = (&batch.groups, seen.unwrap_or(&chunks).as_slice());
            let (kept, seeds) = (self.frozen.as_ref(), draws.asv_seeds("dropout in ASVs"));
            let asvs = BatchEmbeddings::new(kept, model, asvs, seeds, device, replica)?;
            device.seed(draws.device_seed("dropout in samples"));
            let batch = LocalBatch::new(&batch, replica);
            let input = batch.samples.input(None, None, device);
            let samples = in_step(draws.seed("dropout in samples"), batch.numbers(), || {
                model.embed_samples(asvs.all.clone(), &input.samples)
            });
            let loss = |base: &Base, all| task.loss(base, all, truth, device);
            let (loss, value) = batch.term_of_all(model, samples, loss)?;
            let loss = loss.mul_scalar(self.unifrac_weight * scale);
            match &guessed {
                Some(guessed) if guessed.seen.is_some() => {
                    let guess = (guessed.own.as_slice(), guessed.weight / guessed.places);
                    let sum = asvs.learn_and_guess(loss, model, guess, &mut gradients)?;
                    nucleotide_loss = Some(sum / guessed.places);
                }
                _ => asvs.learn(loss, model, &mut gradients)?,
            }
            let value: f64 = scalars(value.into_iter().collect()).iter().sum();
            losses.push(metric(&task.loss_name(), value));
            losses[0].value += self.unifrac_weight * value;
        }
        if let (Some((task, weight)), Some(guessed)) = (self.nucleotides, &guessed) {
            let seeds = draws.asv_seeds("dropout in nucleotides");
            let weights = (guessed.weight, guessed.places);
            let value = match nucleotide_loss {
                Some(value) => value,
                None => {
                    task.accumulate(model, model, &guessed.own, weights, seeds, &mut gradients)?
                }
            };
            losses.push(metric("train_nucleotide_loss", value));
            losses[0].value += weight * value;
        }
        Ok(BatchResult {
            gradients: gradients.grads(),
            losses,
        })
    }

    fn task(&self) -> Option<BaseTask<'_>> {
        self.task
    }

    fn validate(&self, model: &Base, replica: Replica<'_>) -> Result<Validated, RunError> {
        let base = model.valid();
        let (mut metrics, mut compared) = (Vec::new(), Vec::new());
        let mut total = 0.0;
        if let Some(task) = self.task {
            let (samples, loss) = self.validate_samples(task, &base, replica)?;
            (metrics, compared) = (samples.metrics, samples.compared);
            total += self.unifrac_weight * loss;
        }
        if let Some((task, weight)) = self.nucleotides {
            let nucleotides = task.validate(&base, replica)?;
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
