//! What a change of the samples costs: how much worse predictions get, with its spread over repeats and
//! folds.

use aam_data::Table;
use aam_evaluation::results::{HeldOut, TargetPrediction};

use super::labels::Labels;

/// Minimum number of samples whose predictions are compared.
pub const FEWEST: usize = 10;
/// Smaller probabilities are replaced by this one, as in the metric.
const LEAST_PROBABILITY: f64 = 1e-15;

/// A metric of the target that is a mean over samples: R² (higher is better), or the log loss (lower is
/// better), which differs even between samples that are all classified correctly.
pub struct Judge<'a> {
    labels: &'a Labels,
    target: usize,
    /// The mean squared deviation of the true values from their mean; 1 for classes.
    variance: f64,
}

impl<'a> Judge<'a> {
    /// The metric of the target at index `target` for the samples at `rows` with these `labels`. `None` if
    /// they are too few or all the same.
    pub fn new(labels: &'a Labels, rows: &[usize], target: usize) -> Option<Self> {
        if rows.len() < FEWEST {
            return None;
        }
        let number = rows.len() as f64;
        let values = || rows.iter().map(|&row| labels.column.values[row]);
        let mean = values().sum::<f64>() / number;
        let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / number;
        let variance = match labels.column.classes {
            None => variance,
            Some(_) => 1.0,
        };
        (variance > 0.0).then_some(Self {
            labels,
            target,
            variance,
        })
    }

    /// The name of the metric.
    pub fn metric(&self) -> &'static str {
        match self.labels.column.classes {
            None => "r2",
            Some(_) => "log_loss",
        }
    }

    /// The metric for samples with this mean loss.
    fn value(&self, loss: f64) -> f64 {
        match self.labels.column.classes {
            None => 1.0 - loss,
            Some(_) => loss,
        }
    }

    /// The sum of the losses of the predictions for the samples at `rows`, in the same order: squared errors
    /// as multiples of the variance, or −ln of the probability of the true class.
    pub fn loss(&self, rows: &[usize], predictions: &[HeldOut]) -> f64 {
        let losses = rows.iter().zip(predictions).map(|(&row, predicted)| {
            let actual = self.labels.column.values[row];
            match &predicted.predictions[self.target] {
                TargetPrediction::Number { value, .. } => (value - actual).powi(2) / self.variance,
                TargetPrediction::Classes { probabilities, .. } => {
                    -probabilities[actual as usize].max(LEAST_PROBABILITY).ln()
                }
            }
        });
        losses.sum()
    }
}

/// The losses of the predictions of one model for some samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Losses {
    /// The number of samples.
    pub samples: usize,
    /// The sum of their losses as they are.
    pub whole: f64,
    /// What each change in each repeat adds to this sum.
    pub more: Vec<Vec<f64>>,
}

/// The costs of all changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    /// The metric: `r2` or `log_loss`.
    pub metric: &'static str,
    /// The metric for the samples as they are.
    pub whole: f64,
    /// The number of samples.
    pub samples: usize,
    /// Whether every sample is predicted by a model that did not see it.
    pub held_out: bool,
    /// The number of models that predict them.
    pub models: usize,
    /// The cost of each change.
    pub worse: Vec<Worse>,
}

impl Costs {
    /// The costs of `changes` changes from the losses of the models, each with samples of its own.
    pub fn of(judge: &Judge<'_>, models: &[Losses], changes: usize, held_out: bool) -> Self {
        let samples: usize = models.iter().map(|of| of.samples).sum();
        let whole: f64 = models.iter().map(|of| of.whole).sum();
        Self {
            metric: judge.metric(),
            whole: judge.value(whole / samples.max(1) as f64),
            samples,
            held_out,
            models: models.len(),
            worse: (0..changes)
                .map(|change| Worse::of(models, change))
                .collect(),
        }
    }
}

/// How much worse a metric gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Worse {
    /// The mean over samples and repeats.
    pub mean: f64,
    /// The standard deviation over the repeats.
    pub repeats: f64,
    /// The standard deviation of the means of the folds, and their number. `None` if there is only one model.
    pub folds: Option<(f64, usize)>,
}

impl Worse {
    fn of(models: &[Losses], change: usize) -> Self {
        let samples: usize = models.iter().map(|of| of.samples).sum();
        let repeats = models.first().map_or(0, |of| of.more[change].len());
        let of_repeats: Vec<f64> = (0..repeats)
            .map(|repeat| {
                let sum: f64 = models.iter().map(|of| of.more[change][repeat]).sum();
                sum / samples.max(1) as f64
            })
            .collect();
        let of_folds: Vec<f64> = models
            .iter()
            .map(|of| {
                let all = (of.samples * repeats).max(1) as f64;
                of.more[change].iter().sum::<f64>() / all
            })
            .collect();
        let (mean, deviation) = spread(&of_repeats);
        Self {
            mean,
            repeats: deviation,
            folds: (of_folds.len() > 1).then(|| (spread(&of_folds).1, of_folds.len())),
        }
    }

    /// Whether the cost is more than twice its standard deviation over the repeats, and more than twice its
    /// standard error over the folds. As the k folds share most of their training samples, the variance of
    /// their mean is taken to be 1/k + 1/(k − 1) of that between folds, not 1/k (Nadeau and Bengio,
    /// *Inference for the generalization error*, Machine Learning 2003).
    pub fn is_stable(&self) -> bool {
        let of_folds = self.folds.is_none_or(|(deviation, folds)| {
            let folds = folds as f64;
            self.mean > 2.0 * deviation * (1.0 / folds + 1.0 / (folds - 1.0)).sqrt()
        });
        of_folds && self.mean > 2.0 * self.repeats
    }
}

/// The mean and the standard deviation of `values`.
pub fn spread(values: &[f64]) -> (f64, f64) {
    let number = values.len() as f64;
    let mean = values.iter().sum::<f64>() / number;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (number - 1.0).max(1.0)).sqrt())
}

/// The reads of the sample at `row`.
pub fn reads(table: &Table, row: usize) -> Vec<(u32, u32)> {
    let (columns, counts) = table.row(row);
    let reads = columns.iter().copied().zip(counts.iter().copied());
    reads.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aam_evaluation::results::RawColumn;

    fn worse(mean: f64, repeats: f64, folds: Option<(f64, usize)>) -> Worse {
        Worse {
            mean,
            repeats,
            folds,
        }
    }

    #[test]
    fn costs_smaller_than_their_spread_are_not_stable() {
        assert!(worse(0.205, 0.01, None).is_stable());
        assert!(!worse(0.2, 0.15, None).is_stable() && !worse(0.0, 0.0, None).is_stable());
        // Of five folds, the standard error is 0.67 of the deviation.
        assert!(worse(0.2, 0.01, Some((0.14, 5))).is_stable());
        assert!(!worse(0.2, 0.01, Some((0.16, 5))).is_stable());
        assert!(!worse(-0.2, 0.01, Some((0.01, 5))).is_stable());
    }

    #[test]
    fn costs_are_means_over_samples_with_their_spread_over_repeats_and_models() {
        let labels = Labels {
            column: RawColumn {
                name: "ph".to_owned(),
                classes: None,
                values: (0..10).map(f64::from).collect(),
            },
            rows: (0..10).collect(),
        };
        let judge = Judge::new(&labels, &labels.rows, 0).unwrap();
        assert!(Judge::new(&labels, &labels.rows[..9], 0).is_none());
        let losses = |samples, whole, more: [f64; 2]| Losses {
            samples,
            whole,
            more: vec![more.to_vec()],
        };
        let models = [losses(4, 1.0, [2.0, 4.0]), losses(6, 3.0, [6.0, 0.0])];
        let costs = Costs::of(&judge, &models, 1, true);
        assert_eq!((costs.samples, costs.models), (10, 2));
        assert!((costs.whole - 0.6).abs() < 1e-12);
        let [found] = costs.worse[..] else {
            panic!("{:?}", costs.worse)
        };
        // Repeats: 0.8 and 0.4. Models: 0.75 and 0.5.
        assert!((found.mean - 0.6).abs() < 1e-12);
        assert!((found.repeats - 0.08f64.sqrt()).abs() < 1e-12);
        let (deviation, folds) = found.folds.unwrap();
        assert!((deviation - 0.03125f64.sqrt()).abs() < 1e-12 && folds == 2);
    }

    #[test]
    fn losses_are_those_of_the_metrics() {
        let sample = |prediction| HeldOut {
            row: 0,
            predictions: vec![prediction],
        };
        let labels = |classes: Option<Vec<String>>, values: Vec<f64>| Labels {
            rows: (0..values.len()).collect(),
            column: RawColumn {
                name: "target".to_owned(),
                classes,
                values,
            },
        };
        let numbers = labels(None, (0..10).map(f64::from).collect());
        let judge = Judge::new(&numbers, &numbers.rows, 0).unwrap();
        let predictions = (0..10).map(|row| {
            sample(TargetPrediction::Number {
                value: f64::from(row) + 1.0,
                interval: None,
            })
        });
        let loss = judge.loss(&numbers.rows, &predictions.collect::<Vec<_>>());
        // SSE = 10, SST = 82.5.
        assert!((judge.value(loss / 10.0) - (1.0 - 10.0 / 82.5)).abs() < 1e-12);
        let classes = labels(
            Some(["a", "b"].map(str::to_owned).to_vec()),
            [0.0, 1.0].repeat(5),
        );
        let judge = Judge::new(&classes, &classes.rows, 0).unwrap();
        let predicted = [[0.8, 0.2], [0.5, 0.5]];
        let predictions: Vec<HeldOut> = predicted
            .iter()
            .map(|of| sample(TargetPrediction::classes(of.to_vec())))
            .collect();
        let loss = judge.loss(&[0, 1], &predictions);
        assert!((loss + 0.4f64.ln()).abs() < 1e-12);
    }
}
