//! A trained model and its predictions.

use aam_api::{BoxedLoss, HeadKind, Kind, LossKind, PluginError, Registry};
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::draws::Draws;
use super::target_scales::TargetScales;
use crate::checkpoint::Manifest;
use crate::checkpoint::manifest::{TargetManifest, TargetValues};
use aam_evaluation::results::TargetPrediction;
use aam_model::batch::{Batch, Batcher};
use aam_model::{MixedPrecision, Predictor, PredictorOutput, PredictorParts};
use aam_run::RunError;

/// A predictor and the loss of each target.
#[derive(Module, Debug)]
pub struct FineTuned {
    /// The model.
    pub predictor: Predictor,
    /// The loss of each target, which defines the meaning of its outputs.
    pub losses: Vec<BoxedLoss>,
}

impl FineTuned {
    /// Assembles the model described by `manifest`, with new weights.
    ///
    /// # Errors
    /// A checkpoint of a base alone, components that are not linked, or options out of range.
    pub fn init(manifest: &Manifest, device: &Device) -> Result<Self, RunError> {
        let Some(parts) = &manifest.predictor else {
            return Err(RunError::Usage(
                "the checkpoint holds a pre-trained encoder without a predictor; train one with `aam train --pretrained-encoder`".to_owned(),
            ));
        };
        let losses = losses(&parts.targets, device)?;
        let values: Vec<bool> = losses
            .iter()
            .map(|loss| loss.outputs_are_values())
            .collect();
        let predictor = Predictor::init(
            &PredictorParts {
                model: &manifest.model,
                predictor: &parts.config,
                fusion: &parts.fusion,
                head: &parts.head,
                categories: &parts.categories.schema(),
                parents: &parts.categories.parents(),
                outputs_per_target: losses
                    .iter()
                    .map(|loss| loss.outputs_per_target())
                    .max()
                    .unwrap_or(1),
                values: &values,
            },
            device,
        )?;
        if predictor.outputs_ascend() {
            let unordered = losses
                .iter()
                .zip(&parts.targets)
                .find(|(loss, _)| loss.outputs_per_target() > 1 && !loss.outputs_ascend());
            if let Some((_, target)) = unordered {
                let what = format!(
                    "a loss whose outputs are in ascending order; those of '{}' are not",
                    target.loss.name
                );
                return Err(PluginError::needs(HeadKind::NAME, &parts.head.name, what).into());
            }
        }
        Ok(Self { predictor, losses })
    }

    /// Sets the precision of matrix products, as [`Predictor::with_precision`].
    pub fn with_precision(self, precision: MixedPrecision) -> Self {
        Self {
            predictor: self.predictor.with_precision(precision),
            ..self
        }
    }
}

/// The losses of `targets`.
///
/// # Errors
/// Losses that are not linked, or options out of range.
pub fn losses(targets: &[TargetManifest], device: &Device) -> Result<Vec<BoxedLoss>, RunError> {
    let registry = Registry::<LossKind>::load()?;
    let losses = targets
        .iter()
        .map(|target| registry.build(&target.loss, &target.values.loss_context(), device));
    Ok(losses.collect::<Result<_, _>>()?)
}

/// The values of one target, `[batch, 1, outputs of its loss]`, sliced from the head's
/// `[batch, targets, outputs]`.
pub fn values_of(loss: &BoxedLoss, target: usize, values: &Tensor<3>) -> Tensor<3> {
    let [batch, _, _] = values.dims();
    values
        .clone()
        .slice([0..batch, target..target + 1, 0..loss.outputs_per_target()])
}

/// Converts the model's `output` for the samples at `rows` to predictions.
pub fn predictions(
    model: &FineTuned,
    targets: &TargetScales,
    rows: &[usize],
    output: &PredictorOutput,
) -> Vec<Vec<TargetPrediction>> {
    let mut samples = vec![Vec::with_capacity(model.losses.len()); rows.len()];
    for (target, (loss, values)) in model.losses.iter().zip(targets.values()).enumerate() {
        let prediction = loss.predict(values_of(loss, target, &output.values));
        let list = |tensor: Tensor<2>| -> Vec<f64> { tensor.into_data().iter::<f64>().collect() };
        match values {
            TargetValues::Numbers(_) => {
                let in_unit = |sample: usize, z| targets.inverse(target, rows[sample], z);
                let interval = prediction
                    .interval
                    .map(|(low, high)| (list(low), list(high)));
                for (sample, z) in list(prediction.point).into_iter().enumerate() {
                    let interval = interval.as_ref().map(|(low, high)| {
                        (in_unit(sample, low[sample]), in_unit(sample, high[sample]))
                    });
                    samples[sample].push(TargetPrediction::Number {
                        value: in_unit(sample, z),
                        interval,
                    });
                }
            }
            TargetValues::Classes(names) => {
                let probabilities = match prediction.probabilities {
                    Some(probabilities) => probabilities
                        .into_data()
                        .iter::<f64>()
                        .collect::<Vec<f64>>(),
                    // A loss may return only a class, which is then certain.
                    None => list(prediction.point)
                        .into_iter()
                        .flat_map(|class| {
                            (0..names.len()).map(move |i| f64::from(i == class as usize))
                        })
                        .collect(),
                };
                for (sample, chunk) in probabilities.chunks(names.len()).enumerate() {
                    samples[sample].push(TargetPrediction::classes(chunk.to_vec()));
                }
            }
        }
    }
    samples
}

/// Batches of `rows` for the prediction number `pass`, each drawn from its own stream.
pub fn prediction_batches<'a>(
    batcher: &'a Batcher<'a>,
    rows: &'a [usize],
    batch_size: usize,
    seed: u64,
    pass: usize,
) -> impl Iterator<Item = Batch> + 'a {
    batches_from(0, batcher, rows, batch_size, (seed, pass))
}

/// As [`prediction_batches`], for a part of a sequence of samples that begins with batch number
/// `first`.
pub fn batches_from<'a>(
    first: usize,
    batcher: &'a Batcher<'a>,
    rows: &'a [usize],
    batch_size: usize,
    (seed, pass): (u64, usize),
) -> impl Iterator<Item = Batch> + 'a {
    let batches = (first..).zip(rows.chunks(batch_size.max(1)));
    let purpose = format!("ASVs of prediction {pass}");
    batches.map(move |(batch, rows)| {
        let draws = Draws {
            seed,
            batch,
            replica: 0,
        };
        batcher.batch(rows, &mut draws.stream(&purpose))
    })
}
