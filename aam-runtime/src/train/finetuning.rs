//! Fine-tuning: predict the targets of samples.

use aam_api::{Alone, Communicator};
use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData};

use super::base_task::BaseTask;
use super::compared::of_targets;
use super::encoding::{Chunk, Embeddings};
use super::inference::{FineTuned, predict_batch, prediction_batches, values_of};
use super::masked_chunk::{MaskedChunk, places};
use super::metrics::Metric;
use super::nucleotides::Nucleotides;
use super::objective::{BatchResult, Draws, Objective, Validated, metric};
use super::observed::Observed;
use super::passes::MeanPrediction;
use super::rates::{BaseRates, OwnRate};
use super::target_scales::TargetScales;
use super::targets::RawColumn;
use super::terms::{Term, read};
use super::upcoming::UpcomingBatch;
use crate::batch::{Batch, Batcher};
use crate::categories::CategoryIds;
use crate::checkpoint::Manifest;
use crate::data::Split;
use crate::error::RunError;
use crate::evaluation::scores::{HeldOut, scores};
use crate::model::{PredictorOutput, Wants, count_loss, target_loss};
use crate::parallel::Share;
use crate::parallel::encoding::SharedEncoding;
use crate::parallel::share::{from_first, gather};

/// The fine-tuning objective.
pub struct Finetuning<'a> {
    /// Makes batches.
    pub batcher: Batcher<'a>,
    /// What the base learns of samples, if its loss is wanted.
    pub task: Option<BaseTask<'a>>,
    /// Samples.
    pub split: &'a Split,
    /// Targets in their own unit, one value per sample.
    pub targets: &'a [RawColumn],
    /// What the targets' values are, and on which scale each sample's are learnt.
    pub scales: TargetScales,
    /// Weight of each sample in the training loss, if they differ.
    pub weights: Option<Vec<f32>>,
    /// Category ids of the samples.
    pub categories: CategoryIds,
    /// The nucleotide task and the weight of its loss, if it is wanted.
    pub nucleotides: Option<(&'a Nucleotides<'a>, f64)>,
    /// Embeddings of all ASVs, where the base is frozen.
    pub frozen: Option<Embeddings>,
    /// Whether a loss gives intervals.
    pub intervals: bool,
    /// Weight of the target loss.
    pub target_weight: f64,
    /// Weight of the UniFrac loss.
    pub unifrac_weight: f64,
    /// Weight of the count loss.
    pub count_weight: f64,
    /// Learning rate of what only categories need, as a multiple of the others'.
    pub category_rate: Option<f64>,
    /// Learning rates of the base, where they are not those of the rest.
    pub base_rates: Option<BaseRates>,
    /// Predictions of a validation sample, from random choices of its ASVs, whose mean counts.
    pub passes: usize,
    /// Samples of a validation batch.
    pub batch_size: usize,
    /// Seed of the run.
    pub seed: u64,
    /// Where it is computed, with autodiff.
    pub device: Device,
    /// What checkpoints say.
    pub manifest: Manifest,
}

/// What a model makes of the validation samples.
pub struct Validation {
    /// The samples.
    pub samples: Vec<HeldOut>,
    /// The mean of their target losses.
    pub loss: f64,
    /// Means of what components let people look at.
    pub observed: Vec<Metric>,
}

impl Finetuning<'_> {
    /// Targets of the samples at `rows` on the scale of training, `[rows, targets]`.
    fn target(&self, rows: &[usize], device: &Device) -> Tensor<2> {
        let mut values = Vec::with_capacity(rows.len() * self.targets.len());
        for &row in rows {
            for (target, column) in self.targets.iter().enumerate() {
                values.push(self.scales.forward(target, row, column.values[row]) as f32);
            }
        }
        Tensor::from_data(
            TensorData::new(values, [rows.len(), self.targets.len()]),
            device,
        )
    }

    /// Loss of each sample and target, `[rows, targets]`.
    fn target_losses(
        &self,
        model: &FineTuned,
        output: &PredictorOutput,
        rows: &[usize],
        device: &Device,
    ) -> Tensor<2> {
        let target = self.target(rows, device);
        let losses = model.losses.iter().enumerate().map(|(t, loss)| {
            let values = values_of(loss, t, &output.values);
            loss.forward(values, target.clone().slice([0..rows.len(), t..t + 1]))
        });
        Tensor::cat(losses.collect(), 1)
    }

    /// This rank's share of the weighted sum of the terms, and the terms. `output` is that of
    /// the rank's samples of `whole`.
    fn loss(
        &self,
        model: &FineTuned,
        output: &PredictorOutput,
        (whole, share): (&Batch, &Share),
        truth: Option<Vec<f32>>,
        communicator: &dyn Communicator,
    ) -> Result<(Tensor<1>, Vec<Term>), RunError> {
        let device = &self.device;
        let batch = &whole.part(share.computed.clone());
        let counted = |term: Tensor<1>, fraction: f64| match communicator.size() {
            1 => term,
            _ => term.mul_scalar(fraction),
        };
        let weights = self.weights.as_ref().map(|weights| {
            let weights: Vec<f32> = batch.rows.iter().map(|&row| weights[row]).collect();
            Tensor::from_floats(weights.as_slice(), device)
        });
        let term = target_loss(
            self.target_losses(model, output, &batch.rows, device),
            weights,
        );
        let term = counted(term, share.fraction());
        let mut terms = vec![Term::new("train_target_loss", &term, self.target_weight)];
        let mut total = term.mul_scalar(self.target_weight);
        if let Some(penalty) = &output.penalty {
            let (penalty, value) = match communicator.size() {
                1 => (penalty.clone(), Some(penalty.clone().inner())),
                _ => self.penalty_on_ranks(model, output, whole, share, communicator)?,
            };
            terms.push(Term {
                name: "train_penalty".to_owned(),
                value,
                weight: 1.0,
            });
            total = total + penalty;
        }
        if let (Some(task), Some(samples), Some(truth)) = (self.task, &output.samples, truth) {
            let base = &model.predictor.base;
            let samples = gather(communicator, samples.clone(), share)?;
            let (term, value) = task.loss_on_ranks(base, samples, truth, device, communicator);
            terms.push(Term {
                name: task.loss_name(),
                value,
                weight: self.unifrac_weight,
            });
            total = total + term.mul_scalar(self.unifrac_weight);
        }
        if let Some(predicted) = &output.counts {
            let input = batch.input(None, None, device);
            // The branch ends in a sigmoid, so it learns shares of the sample's reads.
            let reads = input.counts.clone().sum_dim(1).clamp_min(1.0);
            let term = count_loss(predicted.clone(), input.counts / reads, input.mask);
            let number = |batch: &Batch| batch.mask.iter().filter(|mask| **mask).count() as f64;
            let fraction = number(batch) / number(whole).max(1.0);
            let term = counted(term, if share.own.is_empty() { 0.0 } else { fraction });
            terms.push(Term::new("train_count_loss", &term, self.count_weight));
            total = total + term.mul_scalar(self.count_weight);
        }
        Ok((total, terms))
    }

    /// The head's penalty on the whole batch, which is no sum over samples: each rank has the
    /// gradients of its own samples, and the first those of the head. Its value counts on the first.
    fn penalty_on_ranks(
        &self,
        model: &FineTuned,
        output: &PredictorOutput,
        whole: &Batch,
        share: &Share,
        communicator: &dyn Communicator,
    ) -> Result<(Tensor<1>, Option<Tensor<1>>), RunError> {
        let pooled = gather(communicator, output.pooled.clone(), share)?;
        let categories = self.categories.tensor(&whole.rows, &self.device);
        let penalty = match communicator.rank() {
            0 => model.predictor.penalty(pooled, categories),
            _ => {
                let still = model.predictor.clone().no_grad();
                still.penalty(pooled, categories)
            }
        };
        let Some(penalty) = penalty else {
            unreachable!("a head that has a penalty always has one");
        };
        let value = match communicator.rank() {
            0 => Some(penalty.clone().inner()),
            _ => None,
        };
        Ok((penalty, value))
    }

    /// What `model` makes of the validation samples, all of which weigh the same in the loss.
    ///
    /// # Errors
    /// What components refuse.
    pub fn predict(&self, model: &FineTuned) -> Result<Validation, RunError> {
        match self.predict_on_ranks(model, &Alone)? {
            Some(validation) => Ok(validation),
            None => unreachable!("the first rank predicts"),
        }
    }

    /// As [`predict`](Self::predict), on the first of several ranks; all encode ASVs.
    fn predict_on_ranks(
        &self,
        model: &FineTuned,
        communicator: &dyn Communicator,
    ) -> Result<Option<Validation>, RunError> {
        let model = model.valid();
        let device = self.device.clone().inner();
        let rows = &self.split.validation;
        let fresh;
        let embeddings = match &self.frozen {
            Some(embeddings) => embeddings,
            None => {
                let base = &model.predictor.base;
                let batcher = &self.batcher;
                let nobody = |_, _| Ok(());
                fresh = Embeddings::on_ranks(base, batcher, rows, &device, communicator, nobody)?;
                &fresh
            }
        };
        if communicator.rank() > 0 {
            return Ok(None);
        }
        let mut mean = MeanPrediction::default();
        let mut loss = 0.0;
        let mut observed = Observed::default();
        for pass in 0..self.passes {
            let mut predicted = Vec::with_capacity(rows.len());
            for batch in prediction_batches(&self.batcher, rows, self.batch_size, self.seed, pass) {
                let (predictions, output) = predict_batch(
                    &model,
                    &self.scales,
                    embeddings,
                    &batch,
                    &self.categories,
                    &device,
                );
                let losses = self.target_losses(&model, &output, &batch.rows, &device);
                loss += f64::from(losses.sum().into_scalar::<f32>());
                observed.add(&output.observations, batch.rows.len());
                predicted.extend(predictions);
            }
            mean.add(predicted);
        }
        let samples = rows.iter().zip(mean.finish());
        let samples = samples.map(|(&row, (predictions, _))| HeldOut { row, predictions });
        let losses = rows.len() * self.targets.len() * self.passes;
        Ok(Some(Validation {
            samples: samples.collect(),
            loss: loss / losses as f64,
            observed: observed.metrics(),
        }))
    }
}

impl Objective for Finetuning<'_> {
    type Model = FineTuned;

    fn gradients(
        &self,
        model: &FineTuned,
        upcoming: UpcomingBatch,
        draws: Draws,
        scale: f64,
        communicator: &dyn Communicator,
    ) -> Result<BatchResult, RunError> {
        let device = &self.device;
        let rows = &upcoming.rows;
        let batch = self.batcher.batch(rows, &mut draws.stream("ASVs"));
        let truth = from_first(communicator, upcoming.truth)?;
        let share = Share::of(rows.len(), communicator);
        let part = batch.part(share.computed.clone());
        let categories = self.categories.tensor(&part.rows, device);
        let input = part.input(None, categories, device);
        let wants = Wants {
            samples: self.task.is_some(),
            counts: self.count_weight > 0.0,
        };
        let chunks = Chunk::of(&batch.groups, self.batcher.sequences);
        let asvs = Share::of(batch.groups.features().count(), communicator);
        let own_chunks = Chunk::part(&chunks, asvs.computed.clone());
        let encoding = match &self.frozen {
            Some(_) => None,
            None => {
                let seed = draws.seed_of_rank("dropout in ASVs", communicator);
                let base = &model.predictor.base;
                let chunks = &own_chunks;
                Some(SharedEncoding::new(
                    base,
                    chunks,
                    asvs,
                    seed,
                    device,
                    communicator,
                )?)
            }
        };
        let asvs = match (&self.frozen, &encoding) {
            (Some(embeddings), _) => Tensor::from_inner(embeddings.select(&batch.groups)),
            (None, Some(encoding)) => encoding.embeddings.clone(),
            (None, None) => unreachable!("one of the two was made above"),
        };
        device.seed(draws.seed_of_rank("dropout in samples", communicator));
        let output = model.predictor.forward_asvs(asvs, &input, wants);
        let of_rank = (&batch, &share);
        let (loss, terms) = self.loss(model, &output, of_rank, truth, communicator)?;
        let mut backward = loss.mul_scalar(scale).backward();
        let mut gradients = GradientsAccumulator::new();
        let at_asvs = encoding
            .as_ref()
            .map(|encoding| encoding.gradient(&mut backward));
        gradients.accumulate(model, GradientsParams::from_grads(backward, model));
        if let (Some(encoding), Some(gradient)) = (&encoding, at_asvs) {
            let gradient = encoding.own_gradient(gradient)?;
            let (encoding, base) = (&encoding.encoding, &model.predictor.base);
            encoding.replay(base, model, &gradient, &mut gradients);
        }
        let mut losses = read(terms);
        if let Some((task, weight)) = self.nucleotides {
            let masked = task.mask(chunks, &mut draws.stream("masks"));
            let base = &model.predictor.base;
            let weights = (weight * scale, places(&masked));
            let masked = MaskedChunk::share(masked, communicator);
            let seed = draws.seed_of_rank("dropout in nucleotides", communicator);
            let value = task.accumulate(base, model, &masked, weights, seed, &mut gradients);
            losses[0].value += weight * value;
            losses.push(metric("train_nucleotide_loss", value));
        }
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
        model: &FineTuned,
        communicator: &dyn Communicator,
    ) -> Result<Validated, RunError> {
        let (mut metrics, mut compared) = (Vec::new(), Vec::new());
        if let Some(validation) = self.predict_on_ranks(model, communicator)? {
            metrics.push(metric("loss", validation.loss));
            let samples: Vec<&HeldOut> = validation.samples.iter().collect();
            metrics.extend(scores(self.targets, &samples));
            metrics.extend(validation.observed);
            compared = of_targets(self.targets, &validation.samples);
        }
        if let Some((task, _)) = self.nucleotides {
            metrics.extend(task.validate(&model.predictor.base.valid(), communicator)?);
        }
        Ok(Validated { metrics, compared })
    }

    fn default_metric(&self) -> String {
        let metric = match self.targets {
            [RawColumn { classes: None, .. }] if !self.intervals => "r2",
            [
                RawColumn {
                    classes: Some(_), ..
                },
            ] => "log_loss",
            _ => "loss",
        };
        metric.to_owned()
    }

    fn own_rates(&self, model: &FineTuned) -> Vec<OwnRate> {
        let of_categories = self.category_rate.map(|factor| OwnRate {
            parameters: model.predictor.category_parameters(),
            factor,
            of_categories: true,
        });
        let of_base = self.base_rates.map(|rates| rates.of(&model.predictor.base));
        let of_base = of_base.into_iter().flatten();
        of_categories.into_iter().chain(of_base).collect()
    }

    fn names(&self, rows: &[usize]) -> Vec<String> {
        self.batcher.names(rows)
    }

    fn manifest(&self) -> Manifest {
        self.manifest.clone()
    }
}
