//! What the base learns of samples: the distances between them, or the diversity of each.

use std::sync::OnceLock;

use aam_api::Communicator;
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use super::compared::Compared;
use super::fitting::TrainingSamples;
use super::metrics::{Metric, Regression};
use super::objective::{Validated, metric};
use crate::data::DataError;
use crate::error::RunError;
use crate::model::{Base, unifrac_loss};
use crate::study::{Distances, Supervision};

/// Validation compares every pair of at most so many samples, the first.
const MOST_VALIDATED_PAIRS_OF: usize = 2_000;

/// What the base learns of samples.
#[derive(Clone, Copy, Debug)]
pub enum BaseTask<'a> {
    /// Distances between the samples of a batch.
    Distances(&'a Distances),
    /// Faith's PD of each sample.
    Diversity(Standardised<'a>),
}

/// Values of all samples, with mean and standard deviation of those trained on.
#[derive(Clone, Copy, Debug)]
pub struct Standardised<'a> {
    values: &'a [f64],
    mean: f64,
    deviation: f64,
}

impl<'a> BaseTask<'a> {
    /// The task of learning `supervision` from the samples at `train`.
    ///
    /// # Errors
    /// Samples that all have the same diversity.
    pub fn new(supervision: &'a Supervision, train: &[usize]) -> Result<Self, RunError> {
        let values = match supervision {
            Supervision::Distances(distances) => return Ok(Self::Distances(distances)),
            Supervision::Diversity(values) => values,
        };
        let count = train.len() as f64;
        let mean = train.iter().map(|&row| values[row]).sum::<f64>() / count;
        let squares: f64 = train.iter().map(|&row| (values[row] - mean).powi(2)).sum();
        let deviation = (squares / count).sqrt();
        if deviation <= 1e-12 * mean.abs() {
            return Err(DataError::new(format!(
                "every training sample has a Faith's PD of {mean}, so there is nothing to learn"
            ))
            .help("check the tree's branch lengths, or the file of values")
            .into());
        }
        Ok(Self::Diversity(Standardised {
            values,
            mean,
            deviation,
        }))
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Distances(distances) => distances.name(),
            Self::Diversity(_) => "faith_pd",
        }
    }

    /// What is learnt, for people.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Distances(distances) => distances.title(),
            Self::Diversity(_) => "Faith's PD",
        }
    }

    /// Name of the training loss.
    pub fn loss_name(&self) -> String {
        format!("train_{}_loss", self.name())
    }

    /// The metric that chooses the best checkpoint.
    pub fn default_metric(&self) -> String {
        format!("{}_r2", self.name())
    }

    /// The samples among `rows` that validation looks at.
    pub fn validated<'b>(&self, rows: &'b [usize]) -> &'b [usize] {
        match self {
            Self::Distances(_) => &rows[..rows.len().min(MOST_VALIDATED_PAIRS_OF)],
            Self::Diversity(_) => rows,
        }
    }

    /// `base` made ready for the first step.
    pub fn prepared(&self, base: Base, samples: &TrainingSamples<'_>) -> Base {
        match self {
            Self::Distances(distances) => samples.scale(base, distances),
            Self::Diversity(_) => base,
        }
    }

    /// What the base should say of the samples at `rows`: distances, row by row, or the diversity
    /// of each on the scale of standard deviations.
    pub fn truth(&self, rows: &[usize]) -> Vec<f32> {
        let values = match self {
            Self::Distances(distances) => distances.between(rows),
            Self::Diversity(truth) => rows.iter().map(|&row| truth.forward(row)).collect(),
        };
        values.into_iter().map(|value| value as f32).collect()
    }

    /// The mean squared error, `[1]`, of what `base` says of samples whose embeddings are
    /// `samples`, `[samples, dim]`, and whose [`truth`](Self::truth) is given: over all pairs, or
    /// over all samples.
    pub fn loss(
        &self,
        base: &Base,
        samples: Tensor<2>,
        truth: Vec<f32>,
        device: &Device,
    ) -> Tensor<1> {
        let [count, _] = samples.dims();
        let width = match self {
            Self::Distances(_) => count,
            Self::Diversity(_) => 1,
        };
        let truth = Tensor::<2>::from_data(TensorData::new(truth, [count, width]), device);
        match self {
            Self::Distances(_) => unifrac_loss(base.distances(samples), truth),
            Self::Diversity(_) => (readout(base, samples) - truth).square().mean(),
        }
    }

    /// As [`loss`](Self::loss) of the gathered `samples` of all ranks, each of which has the
    /// gradients of its own samples and the first those of what comes after them; and the loss
    /// itself, `[1]` and not read yet, on the first rank alone.
    pub fn loss_on_ranks(
        &self,
        base: &Base,
        samples: Tensor<2>,
        truth: Vec<f32>,
        device: &Device,
        communicator: &dyn Communicator,
    ) -> (Tensor<1>, Option<Tensor<1>>) {
        if communicator.rank() == 0 {
            let loss = self.loss(base, samples, truth, device);
            let value = loss.clone().inner();
            return (loss, Some(value));
        }
        let base = base.clone().no_grad();
        (self.loss(&base, samples, truth, device), None)
    }

    /// What `base` says of the samples at `rows`, in the task's own unit, beside the truth. The true
    /// distances are kept in `known`, for the next time.
    pub fn metrics(
        &self,
        base: &Base,
        samples: Tensor<2>,
        rows: &[usize],
        known: &OnceLock<Vec<f64>>,
    ) -> Validated {
        let mut regression = Regression::default();
        let mut compared = match self {
            Self::Distances(_) => {
                let pairs = rows.len() * rows.len().saturating_sub(1) / 2;
                Compared::distances(self.title(), pairs)
            }
            Self::Diversity(_) => Compared::numbers(self.title(), rows.len()),
        };
        match self {
            Self::Distances(distances) => {
                let predicted = numbers(base.distances(samples));
                let truth = known.get_or_init(|| distances.between(rows));
                for i in 0..rows.len() {
                    for j in i + 1..rows.len() {
                        let place = i * rows.len() + j;
                        regression.add(predicted[place], truth[place]);
                        compared.add(truth[place], predicted[place]);
                    }
                }
            }
            Self::Diversity(truth) => {
                let predicted = numbers(readout(base, samples));
                for (&row, predicted) in rows.iter().zip(predicted) {
                    regression.add(truth.inverse(predicted), truth.values[row]);
                    compared.add(truth.values[row], truth.inverse(predicted));
                }
            }
        }
        let mut metrics = regression.metrics(&format!("{}_", self.name()));
        metrics.push(metric(
            &format!("{}_spread", self.name()),
            regression.spread(),
        ));
        Validated {
            metrics,
            compared: vec![compared],
        }
    }

    /// The loss that belongs to `metrics`.
    pub fn validation_loss(&self, metrics: &[Metric]) -> f64 {
        let name = format!("{}_rmse", self.name());
        let error = metrics.iter().find(|metric| metric.name == name);
        let error = error.map_or(0.0, |metric| metric.value);
        match self {
            Self::Distances(_) => error.powi(2),
            Self::Diversity(truth) => (error / truth.deviation).powi(2),
        }
    }
}

impl Standardised<'_> {
    fn forward(&self, row: usize) -> f64 {
        (self.values[row] - self.mean) / self.deviation
    }

    fn inverse(&self, value: f64) -> f64 {
        value * self.deviation + self.mean
    }
}

/// The value of each sample, `[rows, 1]`.
fn readout(base: &Base, samples: Tensor<2>) -> Tensor<2> {
    match base.sample_values(samples) {
        Some(values) => values,
        None => unreachable!("a base that learns values was built with a readout for them"),
    }
}

fn numbers(tensor: Tensor<2>) -> Vec<f64> {
    tensor.into_data().iter::<f32>().map(f64::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diversity_is_standardised_over_the_training_samples() {
        let supervision = Supervision::Diversity(vec![2.0, 4.0, 100.0]);
        let task = BaseTask::new(&supervision, &[0, 1]).unwrap();
        let BaseTask::Diversity(values) = task else {
            panic!("not diversity");
        };
        assert_eq!((values.mean, values.deviation), (3.0, 1.0));
        assert_eq!((values.forward(2), values.inverse(97.0)), (97.0, 100.0));
        // An error of one standard deviation is a loss of 1, whatever the unit.
        let error = metric("faith_pd_rmse", 1.0);
        assert_eq!(task.validation_loss(&[error]), 1.0);
        assert!(BaseTask::new(&supervision, &[1]).is_err());
    }
}
