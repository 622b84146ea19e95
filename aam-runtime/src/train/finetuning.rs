//! Fine-tuning: predict the targets of samples.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData};

use super::base_task::BaseTask;
use super::encoding::{Chunk, Embeddings, Encoding};
use super::inference::{FineTuned, predict_batch, prediction_batches, values_of};
use super::metrics::Metric;
use super::nucleotides::Nucleotides;
use super::objective::{BatchResult, Draws, Objective, OwnRate, metric};
use super::observed::Observed;
use super::passes::MeanPrediction;
use super::target_scales::TargetScales;
use super::targets::RawColumn;
use super::upcoming::UpcomingBatch;
use crate::batch::{Batch, Batcher};
use crate::categories::CategoryIds;
use crate::checkpoint::Manifest;
use crate::data::Split;
use crate::error::RunError;
use crate::evaluation::scores::{HeldOut, scores};
use crate::model::{PredictorOutput, Wants, count_loss, target_loss};

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

    /// The weighted sum of the terms, and the terms.
    fn loss(
        &self,
        model: &FineTuned,
        output: &PredictorOutput,
        batch: &Batch,
        truth: Option<Vec<f32>>,
    ) -> Result<(Tensor<1>, Vec<Metric>), RunError> {
        let device = &self.device;
        let mut losses = Vec::new();
        let mut record = |name: &str, term: &Tensor<1>| {
            losses.push(metric(name, f64::from(term.clone().into_scalar::<f32>())));
        };
        let weights = self.weights.as_ref().map(|weights| {
            let weights: Vec<f32> = batch.rows.iter().map(|&row| weights[row]).collect();
            Tensor::from_floats(weights.as_slice(), device)
        });
        let term = target_loss(
            self.target_losses(model, output, &batch.rows, device),
            weights,
        );
        record("train_target_loss", &term);
        let mut total = term.mul_scalar(self.target_weight);
        if let Some(penalty) = &output.penalty {
            record("train_penalty", penalty);
            total = total + penalty.clone();
        }
        if let (Some(task), Some(samples), Some(truth)) = (self.task, &output.samples, truth) {
            let base = &model.predictor.base;
            let term = task.loss(base, samples.clone(), truth, device);
            record(&task.loss_name(), &term);
            total = total + term.mul_scalar(self.unifrac_weight);
        }
        if let Some(predicted) = &output.counts {
            let input = batch.input(None, None, device);
            // The branch ends in a sigmoid, so it learns shares of the sample's reads.
            let reads = input.counts.clone().sum_dim(1).clamp_min(1.0);
            let term = count_loss(predicted.clone(), input.counts / reads, input.mask);
            record("train_count_loss", &term);
            total = total + term.mul_scalar(self.count_weight);
        }
        let value = f64::from(total.clone().into_scalar::<f32>());
        losses.insert(0, metric("train_loss", value));
        Ok((total, losses))
    }

    /// What `model` makes of the validation samples, all of which weigh the same in the loss.
    ///
    /// # Errors
    /// What components refuse.
    pub fn predict(&self, model: &FineTuned) -> Result<Validation, RunError> {
        let model = model.valid();
        let device = self.device.clone().inner();
        let rows = &self.split.validation;
        let fresh;
        let embeddings = match &self.frozen {
            Some(embeddings) => embeddings,
            None => {
                let base = &model.predictor.base;
                let nobody = |_, _| Ok(());
                fresh = Embeddings::of_samples(base, &self.batcher, rows, &device, nobody)?;
                &fresh
            }
        };
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
        Ok(Validation {
            samples: samples.collect(),
            loss: loss / losses as f64,
            observed: observed.metrics(),
        })
    }
}

impl Objective for Finetuning<'_> {
    type Model = FineTuned;

    fn gradients(
        &self,
        model: &FineTuned,
        upcoming: UpcomingBatch,
        draws: Draws,
    ) -> Result<BatchResult, RunError> {
        let device = &self.device;
        let rows = &upcoming.rows;
        let batch = self.batcher.batch(rows, &mut draws.stream("ASVs"));
        let input = batch.input(None, self.categories.tensor(rows, device), device);
        let wants = Wants {
            samples: self.task.is_some(),
            counts: self.count_weight > 0.0,
        };
        let chunks = Chunk::of(&batch.groups, self.batcher.sequences);
        let encoding = match &self.frozen {
            Some(_) => None,
            None => {
                let seed = draws.device_seed("dropout in ASVs");
                Some(Encoding::new(&model.predictor.base, &chunks, seed, device))
            }
        };
        let asvs = match (&self.frozen, &encoding) {
            (Some(embeddings), _) => Tensor::from_inner(embeddings.select(&batch.groups)),
            (None, Some(encoding)) => encoding.embeddings.clone(),
            (None, None) => unreachable!("one of the two was made above"),
        };
        device.seed(draws.device_seed("dropout in samples"));
        let output = model.predictor.forward_asvs(asvs, &input, wants);
        let (loss, mut losses) = self.loss(model, &output, &batch, upcoming.truth)?;
        let mut backward = loss.backward();
        let mut gradients = GradientsAccumulator::new();
        let at_asvs = encoding
            .as_ref()
            .and_then(|encoding| encoding.embeddings.grad_remove(&mut backward));
        gradients.accumulate(model, GradientsParams::from_grads(backward, model));
        if let (Some(encoding), Some(gradient)) = (&encoding, at_asvs) {
            encoding.replay(&model.predictor.base, model, &gradient, &mut gradients);
        }
        if let Some((task, weight)) = self.nucleotides {
            let masked = task.mask(chunks, &mut draws.stream("masks"));
            let base = &model.predictor.base;
            let value = task.accumulate(base, model, &masked, weight, draws, &mut gradients);
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

    fn validate(&self, model: &FineTuned) -> Result<Vec<Metric>, RunError> {
        let validation = self.predict(model)?;
        let mut metrics = vec![metric("loss", validation.loss)];
        let samples: Vec<&HeldOut> = validation.samples.iter().collect();
        metrics.extend(scores(self.targets, &samples));
        metrics.extend(validation.observed);
        if let Some((task, _)) = self.nucleotides {
            metrics.extend(task.validate(&model.predictor.base.valid()));
        }
        Ok(metrics)
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

    fn own_rate(&self, model: &FineTuned) -> Option<OwnRate> {
        Some(OwnRate {
            parameters: model.predictor.category_parameters(),
            factor: self.category_rate?,
        })
    }

    fn names(&self, rows: &[usize]) -> Vec<String> {
        self.batcher.names(rows)
    }

    fn manifest(&self) -> Manifest {
        self.manifest.clone()
    }
}
