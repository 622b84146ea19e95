//! The loss of a batch: the targets and the auxiliary tasks.

use aam_api::AugmentedSample;
use burn::tensor::{Device, Tensor, TensorData};

use super::Finetuning;
use crate::inference::{FineTuned, values_of};
use crate::loss_terms::LossTerm;
use crate::parallel::LocalBatch;
use aam_model::{Base, Predictor, PredictorOutput, count_loss, target_loss};
use aam_run::RunError;

impl Finetuning<'_> {
    /// The targets of the sample at `row` on the scale of training, and the indices of its classes.
    pub(crate) fn scaled_targets(&self, row: usize) -> impl Iterator<Item = f64> {
        let columns = self.targets.iter().enumerate();
        columns.map(move |(target, column)| self.scales.forward(target, row, column.values[row]))
    }

    /// The targets of the samples at `rows` on the scale of training, `[rows, targets]`.
    pub(super) fn target(&self, rows: &[usize], device: &Device) -> Tensor<2> {
        let mut values = Vec::with_capacity(rows.len() * self.targets.len());
        for &row in rows {
            values.extend(self.scaled_targets(row).map(|value| value as f32));
        }
        Tensor::from_data(
            TensorData::new(values, [rows.len(), self.targets.len()]),
            device,
        )
    }

    /// The targets of augmented samples, `[samples, targets]`.
    pub(super) fn target_of_changed(&self, samples: &[AugmentedSample]) -> Tensor<2> {
        let values = samples.iter().flat_map(|sample| &sample.targets);
        let values: Vec<f32> = values.map(|value| *value as f32).collect();
        let shape = [samples.len(), self.targets.len()];
        Tensor::from_data(TensorData::new(values, shape), &self.device)
    }

    /// The loss of each sample and target, `[samples, targets]`, given the targets on the scale of
    /// training, of the same shape.
    pub(super) fn target_losses(
        &self,
        model: &FineTuned,
        output: &PredictorOutput,
        target: &Tensor<2>,
    ) -> Tensor<2> {
        let [samples, _] = target.dims();
        let losses = model.losses.iter().enumerate().map(|(t, loss)| {
            let values = values_of(loss, t, &output.values);
            loss.forward(values, target.clone().slice([0..samples, t..t + 1]))
        });
        Tensor::cat(losses.collect(), 1)
    }

    /// The contribution of the samples of `batch`, with model output `output` and the targets
    /// `target`, to the weighted sum of the loss terms, and the terms.
    pub(super) fn loss(
        &self,
        model: &FineTuned,
        output: &PredictorOutput,
        batch: &LocalBatch<'_>,
        target: Tensor<2>,
        truths: Vec<Vec<f32>>,
    ) -> Result<(Tensor<1>, Vec<LossTerm>), RunError> {
        let (device, samples) = (&self.device, &batch.samples);
        let weights = self.weights.as_ref().map(|weights| {
            let weights: Vec<f32> = samples.rows.iter().map(|&row| weights[row]).collect();
            Tensor::from_floats(weights.as_slice(), device)
        });
        let losses = self.target_losses(model, output, &target);
        let term = batch.share_of_mean(target_loss(losses, weights));
        let mut terms = vec![LossTerm::new(
            "train_target_loss",
            &term,
            self.target_weight,
        )];
        let mut total = term.mul_scalar(self.target_weight);
        if let Some(penalty) = &output.penalty {
            let (penalty, value) = self.penalty(model, output, penalty, batch)?;
            terms.push(LossTerm {
                name: "train_penalty".to_owned(),
                value,
                weight: 1.0,
            });
            total = total + penalty;
        }
        if let Some(embedded) = &output.samples {
            for (task, truth) in self.tasks.iter().zip(truths) {
                let loss = |base: &Base, all| task.loss(base, all, truth, device);
                let base = &model.predictor.base;
                let (term, value) = batch.term_of_all(base, embedded.clone(), loss)?;
                let weight = self.unifrac_weight * task.weight();
                terms.push(LossTerm {
                    name: task.loss_name(),
                    value,
                    weight,
                });
                total = total + term.mul_scalar(weight);
            }
        }
        if let Some(predicted) = &output.counts {
            let input = samples.input(None, None, device).samples;
            // The branch ends in a sigmoid, so it predicts relative abundances.
            let reads = input.counts.clone().sum_dim(1).clamp_min(1.0);
            let term = count_loss(predicted.clone(), input.counts / reads, input.mask);
            let term = batch.share_of_mean_over_asvs(term);
            terms.push(LossTerm::new("train_count_loss", &term, self.count_weight));
            total = total + term.mul_scalar(self.count_weight);
        }
        Ok((total, terms))
    }

    /// The head's penalty for the entire batch, which is not a sum over samples, from that for the
    /// samples of `batch`; and its value, on the replica where it counts.
    fn penalty(
        &self,
        model: &FineTuned,
        output: &PredictorOutput,
        penalty: &Tensor<1>,
        batch: &LocalBatch<'_>,
    ) -> Result<(Tensor<1>, Option<Tensor<1>>), RunError> {
        if batch.is_whole() {
            return Ok((penalty.clone(), Some(penalty.clone().inner())));
        }
        let categories = self.categories.tensor(&batch.rows_of_all, &self.device);
        let of_all = |predictor: &Predictor, pooled| {
            let found = predictor.penalty(pooled, categories);
            // A head with a penalty always has one.
            Ok(found.unwrap_or_else(|| penalty.zeros_like()))
        };
        batch.term_of_all(&model.predictor, output.pooled.clone(), of_all)
    }
}
