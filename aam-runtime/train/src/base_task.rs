//! A task of the base on samples: distances between them, or a value per sample.

use std::sync::OnceLock;

use aam_api::metric::{Better, Headline, MetricInfo, MetricOf, Moments, Sample, Scores, leading};
use aam_api::{PairDistances, SampleObjective, Truth};
use burn::tensor::{Device, Tensor, TensorData};

use super::fitting::TrainingSamples;
use super::validated::{Validated, metric};
use aam_core::DataError;
use aam_evaluation::compared::Compared;
use aam_evaluation::metrics::Metric;
use aam_model::{Base, unifrac_loss};
use aam_run::RunError;
use aam_study::Supervision;

/// Validation uses all pairs of at most this many samples, the first ones.
const MOST_VALIDATED_PAIRS_OF: usize = 2_000;

aam_api::describe_metrics!(
    // Predictions too close to their mean have a spread below 1, others above.
    MetricInfo::new("spread", "spread", Better::Neither),
);

/// A task of the base on samples.
#[derive(Clone, Copy, Debug)]
pub struct BaseTask<'a> {
    objective: &'a dyn SampleObjective,
    weight: f64,
    truth: Known<'a>,
    /// The number of the kind of distance, or of the value, that the base predicts for it.
    readout: usize,
}

/// The true values of all samples.
#[derive(Clone, Copy, Debug)]
enum Known<'a> {
    /// Distances between samples.
    Distances(&'a dyn PairDistances),
    /// One value per sample.
    Values(Standardised<'a>),
}

/// Values of all samples on the scale of training, with the mean and standard deviation of the
/// training samples.
#[derive(Clone, Copy, Debug)]
struct Standardised<'a> {
    values: &'a [f64],
    mean: f64,
    deviation: f64,
}

impl<'a> BaseTask<'a> {
    /// Creates the tasks of learning `supervision` from the samples at `train`.
    ///
    /// # Errors
    /// All samples have the same value.
    pub fn all(supervision: &'a [Supervision], train: &[usize]) -> Result<Vec<Self>, RunError> {
        let mut all: Vec<Self> = Vec::with_capacity(supervision.len());
        for of in supervision {
            let alike = |task: &&Self| task.objective.learned() == of.objective.learned();
            let readout = all.iter().filter(alike).count();
            all.push(Self::new(of, readout, train)?);
        }
        Ok(all)
    }

    fn new(
        supervision: &'a Supervision,
        readout: usize,
        train: &[usize],
    ) -> Result<Self, RunError> {
        let (objective, weight) = (&*supervision.objective, supervision.weight);
        let of = |truth| Self {
            objective,
            weight,
            truth,
            readout,
        };
        let values = match &supervision.truth {
            Truth::Distances(distances) => return Ok(of(Known::Distances(&**distances))),
            Truth::Values(values) => values,
        };
        let learned = |row: &usize| objective.forward(values[*row]);
        let count = train.len() as f64;
        let mean = train.iter().map(learned).sum::<f64>() / count;
        let squares: f64 = train.iter().map(|row| (learned(row) - mean).powi(2)).sum();
        let deviation = (squares / count).sqrt();
        if deviation <= 1e-12 * mean.abs() {
            return Err(DataError::new(format!(
                "every training sample has a {} of {mean}, so there is nothing to learn",
                objective.title()
            ))
            .help("check the tree's branch lengths, or the file of values")
            .into());
        }
        Ok(of(Known::Values(Standardised {
            values,
            mean,
            deviation,
        })))
    }

    /// The weight of its loss among those of all sample tasks.
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// The title of the task, for people.
    pub fn title(&self) -> String {
        self.objective.title()
    }

    fn name(&self) -> &'static str {
        self.objective.subject().name
    }

    /// The name of the training loss.
    pub fn loss_name(&self) -> String {
        format!("train_{}_loss", self.name())
    }

    /// The metric that selects the best checkpoint for `tasks`: the weighted loss of several, as no
    /// other metric is of all of them.
    pub fn default_metric(tasks: &[Self]) -> String {
        match (tasks, leading(MetricOf::Numbers, Headline::BestEpoch)) {
            ([task], Some(metric)) => format!("{}_{}", task.name(), metric.name),
            _ => "loss".to_owned(),
        }
    }

    /// The samples among `rows` that are used in validation.
    pub fn validated<'b>(&self, rows: &'b [usize]) -> &'b [usize] {
        match self.truth {
            Known::Distances(_) => &rows[..rows.len().min(MOST_VALIDATED_PAIRS_OF)],
            Known::Values(_) => rows,
        }
    }

    /// Prepares `base` for the first step.
    pub fn prepared(&self, base: Base, samples: &TrainingSamples<'_>) -> Base {
        match self.truth {
            Known::Distances(distances) => {
                let between = |rows: &[usize]| distances.between(rows).into_iter();
                samples.scale(base, self.readout, |rows| {
                    between(rows).map(|value| self.on_scale(value)).collect()
                })
            }
            Known::Values(_) => base,
        }
    }

    /// Converts a true value to the scale of training.
    fn on_scale(&self, value: f64) -> f64 {
        let value = self.objective.forward(value);
        match self.truth {
            Known::Distances(_) => value,
            Known::Values(standard) => standard.forward(value),
        }
    }

    /// The true values for the samples at `rows`: distances in row-major order, or one value per
    /// sample in standard deviations.
    pub fn truth(&self, rows: &[usize]) -> Vec<f32> {
        let values = match self.truth {
            Known::Distances(distances) => distances.between(rows),
            Known::Values(truth) => rows.iter().map(|&row| truth.values[row]).collect(),
        };
        let values = values.into_iter();
        values.map(|value| self.on_scale(value) as f32).collect()
    }

    /// The loss, `[1]`, of `base` on samples with embeddings `samples`, `[samples, dim]`, and true
    /// values [`truth`](Self::truth): over all pairs, or over all samples.
    ///
    /// # Errors
    /// A base without a readout for values.
    pub fn loss(
        &self,
        base: &Base,
        samples: Tensor<2>,
        truth: Vec<f32>,
        device: &Device,
    ) -> Result<Tensor<1>, RunError> {
        let predicted = self.predicted(base, samples)?;
        let truth = TensorData::new(truth, predicted.dims());
        let truth = Tensor::<2>::from_data(truth, device);
        let own = self.objective.own_loss(predicted.clone(), truth.clone());
        Ok(own.unwrap_or_else(|| match self.truth {
            Known::Distances(_) => unifrac_loss(predicted, truth),
            Known::Values(_) => (predicted - truth).square().mean(),
        }))
    }

    /// The predictions of `base`: distances `[samples, samples]`, or values `[samples, 1]`.
    fn predicted(&self, base: &Base, samples: Tensor<2>) -> Result<Tensor<2>, RunError> {
        match self.truth {
            Known::Distances(_) => Ok(base.distances(self.readout, samples)?),
            Known::Values(_) => self.value_of(base, samples),
        }
    }

    /// The predicted values of the task, `[samples, 1]`.
    fn value_of(&self, base: &Base, samples: Tensor<2>) -> Result<Tensor<2>, RunError> {
        let values = base.sample_values(samples)?;
        Ok(values.narrow(1, self.readout, 1))
    }

    /// What is needed of a batch of validation samples with embeddings `samples`, `[samples, dim]`:
    /// the embeddings, if they are compared with those of other batches, or a value per sample,
    /// `[samples, 1]`.
    ///
    /// # Errors
    /// A base without a readout for values.
    pub fn kept_of_batch(&self, base: &Base, samples: Tensor<2>) -> Result<Tensor<2>, RunError> {
        match self.truth {
            Known::Distances(_) => Ok(samples),
            Known::Values(_) => self.value_of(base, samples),
        }
    }

    /// The metrics of the predictions of `base` for the samples at `rows`, in the task's own unit,
    /// and the loss, given what was [kept](Self::kept_of_batch) of the samples. The true distances
    /// are stored in `known` for reuse; at most `plotted` predictions are returned for plots.
    ///
    /// # Errors
    /// Metrics that cannot be built.
    pub fn metrics(
        &self,
        base: &Base,
        kept: Tensor<2>,
        rows: &[usize],
        known: &OnceLock<Vec<f64>>,
        plotted: usize,
    ) -> Result<(Validated, f64), RunError> {
        let predicted = match self.truth {
            Known::Distances(_) => base.distances(self.readout, kept)?,
            Known::Values(_) => kept,
        };
        let values: Vec<f64>;
        let truth = match self.truth {
            Known::Distances(distances) => known.get_or_init(|| distances.between(rows)),
            Known::Values(truth) => {
                values = rows.iter().map(|&row| truth.values[row]).collect();
                &values
            }
        };
        let beside = self.beside(&predicted, truth);
        let own_loss = self.objective.own_loss(predicted.clone(), beside);
        let predicted = numbers(predicted);
        let fit = match self.truth {
            Known::Distances(_) => {
                let pairs = rows.len() * rows.len().saturating_sub(1) / 2;
                let compared = Compared::of_base(&self.title(), pairs, plotted);
                let mut fit = Fit::new(self.objective, compared)?;
                for i in 0..rows.len() {
                    for j in i + 1..rows.len() {
                        let place = i * rows.len() + j;
                        fit.add(predicted[place], truth[place]);
                    }
                }
                fit
            }
            Known::Values(standard) => {
                let compared = Compared::of_base(&self.title(), rows.len(), plotted);
                let mut fit = Fit::new(self.objective, compared)?;
                for (&predicted, &truth) in predicted.iter().zip(truth) {
                    fit.add(standard.inverse(predicted), truth);
                }
                fit
            }
        };
        let loss = match own_loss {
            Some(loss) => f64::from(loss.into_scalar::<f32>()),
            None => self.squared_error(fit.error()),
        };
        let validated = Validated {
            metrics: fit.metrics(self.name()),
            compared: vec![fit.compared],
        };
        Ok((validated, loss))
    }

    /// The true values on the scale of training, in the shape of `predicted`.
    fn beside(&self, predicted: &Tensor<2>, truth: &[f64]) -> Tensor<2> {
        let truth = truth.iter().map(|&value| self.on_scale(value) as f32);
        let truth = TensorData::new(truth.collect::<Vec<f32>>(), predicted.dims());
        Tensor::from_data(truth, &predicted.device())
    }

    /// The loss of a root mean squared error of `error` on the scale of training; values are in
    /// units of standard deviations.
    fn squared_error(&self, error: f64) -> f64 {
        match self.truth {
            Known::Distances(_) => error.powi(2),
            Known::Values(truth) => (error / truth.deviation).powi(2),
        }
    }
}

/// Accumulates predictions and true values.
struct Fit<'a> {
    objective: &'a dyn SampleObjective,
    scores: Scores,
    moments: Moments,
    /// Sum of squared errors on the scale of training.
    squares: f64,
    count: f64,
    compared: Compared,
}

impl<'a> Fit<'a> {
    fn new(objective: &'a dyn SampleObjective, compared: Compared) -> Result<Self, RunError> {
        Ok(Self {
            objective,
            scores: Scores::of_pairs()?,
            moments: Moments::default(),
            squares: 0.0,
            count: 0.0,
            compared,
        })
    }

    /// Adds a prediction on the scale of training.
    fn add(&mut self, predicted: f64, truth: f64) {
        self.squares += (predicted - self.objective.forward(truth)).powi(2);
        self.count += 1.0;
        let predicted = self.objective.inverse(predicted);
        self.scores.add(&Sample::number(predicted, None, truth));
        self.moments.add(predicted, truth);
        self.compared.add(truth, predicted);
    }

    /// The root mean squared error on the scale of training.
    fn error(&self) -> f64 {
        (self.squares / self.count).sqrt()
    }

    /// The metrics, with names that start with `subject`.
    fn metrics(&self, subject: &str) -> Vec<Metric> {
        let own = [("spread", self.moments.spread())];
        let all = self.scores.values().chain(own);
        all.map(|(name, value)| metric(&format!("{subject}_{name}"), value))
            .collect()
    }
}

impl Standardised<'_> {
    fn forward(&self, value: f64) -> f64 {
        (value - self.mean) / self.deviation
    }

    fn inverse(&self, value: f64) -> f64 {
        value * self.deviation + self.mean
    }
}

fn numbers(tensor: Tensor<2>) -> Vec<f64> {
    tensor.into_data().iter::<f32>().map(f64::from).collect()
}

#[cfg(test)]
mod tests {
    use aam_study::options::DataOptions;

    use super::*;

    #[test]
    fn diversity_is_standardised_over_the_training_samples() {
        let options = DataOptions {
            unifrac_metric: "faith-pd".to_owned(),
            ..DataOptions::default()
        };
        let components = aam_api::Components::default();
        let found = aam_study::objectives(&options, &components).unwrap();
        let supervision = found.into_iter().map(|of| Supervision {
            objective: of.objective,
            weight: of.weight,
            truth: Truth::Values(vec![2.0, 4.0, 100.0]),
        });
        let supervision: Vec<Supervision> = supervision.collect();
        let task = BaseTask::all(&supervision, &[0, 1]).unwrap()[0];
        let Known::Values(values) = task.truth else {
            panic!("not diversity");
        };
        assert_eq!((values.mean, values.deviation), (3.0, 1.0));
        assert_eq!((values.forward(100.0), values.inverse(97.0)), (97.0, 100.0));
        assert_eq!(task.truth(&[2, 0]), [97.0, -1.0]);
        // An error of one standard deviation is a loss of 1 for any unit.
        assert_eq!(task.squared_error(1.0), 1.0);
        assert!(BaseTask::all(&supervision, &[1]).is_err());
    }
}
