//! Pre-training: predicting distances between samples, and masked nucleotides.

use std::sync::OnceLock;

use aam_api::dropout::in_step;
use aam_api::{AsvChunk, MaskedChunk};
use burn::module::Module;
use burn::optim::GradientsAccumulator;
use burn::tensor::{Device, Tensor};

use super::augmenting::Augmenting;
use super::base_task::BaseTask;
use super::batch_embeddings::{BatchEmbeddings, kept_or_fresh, parts_evaluated_together};
use super::encoding::Embeddings;
use super::loss_terms::{LossTerm, read};
use super::masked_chunk::{self, places};
use super::nucleotides::Nucleotides;
use super::objective::{BatchResult, Draws, Objective, Validated, metric};
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
    /// The sample tasks.
    pub tasks: &'a [BaseTask<'a>],
    /// The training and validation samples.
    pub split: &'a Split,
    /// The weight of their loss.
    pub unifrac_weight: f64,
    /// The nucleotide task and the weight of its loss, if it is trained together with the
    /// distances.
    pub nucleotides: Option<(&'a Nucleotides<'a>, f64)>,
    /// The embeddings of all ASVs, if their encoder is frozen.
    pub frozen: Option<Embeddings>,
    /// The augmentation of the training samples, if any.
    pub augmenting: Option<Augmenting<'a>>,
    /// The true distances of the validation samples for each task, once they are computed: at most 32
    /// MB each.
    pub validation_truths: Vec<OnceLock<Vec<f64>>>,
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

/// What is kept of the validation samples for a task.
struct Kept<'a> {
    task: &'a BaseTask<'a>,
    /// The samples that the task is validated on, the first ones.
    rows: &'a [usize],
    /// What the task [keeps](BaseTask::kept_of_batch) of each batch so far.
    batches: Vec<Tensor<2>>,
    /// The number of samples so far.
    samples: usize,
}

impl Kept<'_> {
    /// Adds the next samples, with embeddings `samples`, `[samples, dim]`.
    fn add(&mut self, base: &Base, samples: &Tensor<2>) -> Result<(), RunError> {
        let [given, _] = samples.dims();
        let wanted = given.min(self.rows.len() - self.samples);
        if wanted > 0 {
            let samples = samples.clone().narrow(0, 0, wanted);
            self.batches.push(self.task.kept_of_batch(base, samples)?);
            self.samples += wanted;
        }
        Ok(())
    }
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

    /// The weighted loss of the sample tasks times `scale`, from the embeddings of the samples of
    /// `batch`, `[samples, dim]`, and the terms of the loss without `scale`.
    fn loss(
        &self,
        (model, device): (&Base, &Device),
        samples: Tensor<2>,
        batch: &LocalBatch<'_>,
        (truths, scale): (Vec<Vec<f32>>, f64),
    ) -> Result<(Tensor<1>, Vec<LossTerm>), RunError> {
        let (mut total, mut terms) = (None, Vec::new());
        for (task, truth) in self.tasks.iter().zip(truths) {
            let loss = |base: &Base, all| task.loss(base, all, truth, device);
            let (term, value) = batch.term_of_all(model, samples.clone(), loss)?;
            let weight = self.unifrac_weight * task.weight();
            let term = term.mul_scalar(weight * scale);
            total = Some(match total {
                None => term,
                Some(total) => term + total,
            });
            terms.push(LossTerm {
                name: task.loss_name(),
                value,
                weight,
            });
        }
        let none = || Tensor::zeros([1], device);
        Ok((total.unwrap_or_else(none), terms))
    }

    /// The metrics and the weighted loss of the sample tasks for the validation samples, on the first
    /// replica.
    fn validate_samples(
        &self,
        base: &Base,
        replica: Replica<'_>,
    ) -> Result<(Validated, f64), RunError> {
        let mut kept: Vec<Kept<'_>> = self.kept_of_tasks();
        let rows = kept
            .iter()
            .map(|kept| kept.rows)
            .max_by_key(|rows| rows.len());
        let rows = rows.unwrap_or_default();
        let device = self.device.clone().inner();
        let frozen = self.frozen.as_ref();
        let mut rng = stream(self.seed, "ASVs of the validation samples");
        for part in parts_evaluated_together(rows, self.batch_size) {
            let embeddings = kept_or_fresh(frozen, base, &self.batcher, part, &device, replica)?;
            let of_part = replica.on_first(|| -> Result<(), RunError> {
                for rows in part.chunks(self.batch_size.max(1)) {
                    let batch = self.batcher.batch(rows, &mut rng);
                    let input = batch.input(None, None, &device);
                    let asvs = embeddings.select(&batch.groups);
                    let samples = base.embed_samples(asvs, &input.samples);
                    for kept in &mut kept {
                        kept.add(base, &samples)?;
                    }
                }
                Ok(())
            });
            of_part.transpose()?;
        }
        let judged = replica.on_first(|| -> Result<_, RunError> {
            let (mut all, mut total) = (Validated::default(), 0.0);
            for (kept, known) in kept.into_iter().zip(&self.validation_truths) {
                let (task, rows, kept) = (kept.task, kept.rows, Tensor::cat(kept.batches, 0));
                let (of_task, loss) = task.metrics(base, kept, rows, known, self.plotted)?;
                all.metrics.extend(of_task.metrics);
                all.compared.extend(of_task.compared);
                total += task.weight() * loss;
            }
            Ok((all, total))
        });
        Ok(judged.transpose()?.unwrap_or_default())
    }

    fn kept_of_tasks(&self) -> Vec<Kept<'_>> {
        let tasks = self.tasks.iter().map(|task| Kept {
            task,
            rows: task.validated(&self.split.validation),
            batches: Vec::new(),
            samples: 0,
        });
        tasks.collect()
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
        let (device, truths) = (&self.device, std::mem::take(&mut batch.truths));
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
        if !self.tasks.is_empty() {
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
            let (loss, terms) = self.loss((model, device), samples, &batch, (truths, scale))?;
            match &guessed {
                Some(guessed) if guessed.seen.is_some() => {
                    let guess = (guessed.own.as_slice(), guessed.weight / guessed.places);
                    let sum = asvs.learn_and_guess(loss, model, guess, &mut gradients)?;
                    nucleotide_loss = Some(sum / guessed.places);
                }
                _ => asvs.learn(loss, model, &mut gradients)?,
            }
            losses = read(terms);
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

    fn tasks(&self) -> &[BaseTask<'_>] {
        self.tasks
    }

    fn validate(&self, model: &Base, replica: Replica<'_>) -> Result<Validated, RunError> {
        let base = model.valid();
        let (mut metrics, mut compared) = (Vec::new(), Vec::new());
        let mut total = 0.0;
        if !self.tasks.is_empty() {
            let (samples, loss) = self.validate_samples(&base, replica)?;
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
        match self.tasks {
            [] => "nucleotide_loss".to_owned(),
            tasks => BaseTask::default_metric(tasks),
        }
    }

    fn names(&self, rows: &[usize]) -> Vec<String> {
        self.batcher.names(rows)
    }

    fn manifest(&self) -> Manifest {
        self.manifest.clone()
    }
}
