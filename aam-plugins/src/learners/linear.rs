//! Linear models of log-ratios.

use aam_api::export::{ExportedFeatures, Graph, Value};
use aam_api::options::Facts;
use aam_api::{
    FittedLearner, LearnerConfig, LearnerTarget, PluginError, SampleFeatures, TrainingSamples,
};
use aam_regression::{PENALTIES, gram, least_squares, logistic, part, softmax};
use ndarray::Array2;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::check_penalties;
use super::judged::{judged, with_products};
use super::scaling::{Scaling, Spread, finite};
use super::truth::truth;

/// Linear model of log-ratios: ridge regression for numbers, multinomial logistic regression for classes.
///
/// Every ASV, clade and category is standardised; ASVs, clades and categories have equal weight. The
/// penalty on squared weights minimises the loss in cross-validation on the training samples. Hoerl and
/// Kennard, *Ridge regression*, Technometrics 1970.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct LinearLearnerConfig {
    /// Candidate penalties, above 0; samples have a mean squared norm of 1.
    #[schemars(transform = Facts::new().because("from almost no penalty to one that leaves only the mean"))]
    pub penalties: Vec<f64>,
}

impl Default for LinearLearnerConfig {
    fn default() -> Self {
        Self {
            penalties: PENALTIES.to_vec(),
        }
    }
}

/// The learner fitted by [`LinearLearnerConfig`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinearLearner {
    scaling: Scaling,
    /// Weights, `[columns, outputs]`.
    weights: Vec<f32>,
    intercepts: Vec<f64>,
    /// The calibration of numbers; classes use softmax.
    calibration: Option<Calibration>,
}

impl LearnerConfig for LinearLearnerConfig {
    const NAME: &'static str = "linear";
    type Fitted = LinearLearner;

    fn fit(&self, samples: &TrainingSamples<'_>) -> Result<LinearLearner, PluginError> {
        check_penalties(Self::NAME, &self.penalties)?;
        super::check_samples(samples)?;
        with_products(samples, |samples| self.fit_products(samples))
    }
}

impl LinearLearnerConfig {
    fn fit_products(&self, samples: &TrainingSamples<'_>) -> Result<LinearLearner, PluginError> {
        let truth = truth(&samples.target);
        let (scaling, columns) = Scaling::fit(samples.features, Spread::None);
        let gram = gram(columns.view());
        let judged = judged(samples, &truth);
        let own = part(&gram, &judged.rows, &judged.rows);
        let (dual, calibration) = match samples.target {
            LearnerTarget::Numbers(_) => {
                let chosen = least_squares::choose(&[own], &self.penalties, &judged);
                let chosen = chosen.ok_or_else(|| PluginError::study("no penalty is given"))?;
                let calibration = Calibration::of_numbers(&chosen.held_out, &judged.truth);
                let dual = least_squares::fit(&gram, &truth, chosen.penalty);
                (dual, Some(calibration))
            }
            LearnerTarget::Classes { .. } => {
                let penalty = logistic::choose(&own, &self.penalties, &judged);
                let penalty = penalty.unwrap_or(self.penalties[0]);
                (logistic::fit(&gram, &truth, penalty), None)
            }
        };
        let weights = columns.t().dot(&dual.coefficients);
        Ok(LinearLearner {
            scaling,
            weights: weights.iter().map(|weight| *weight as f32).collect(),
            intercepts: dual.intercepts,
            calibration,
        })
    }
}

impl FittedLearner for LinearLearner {
    fn predict(&self, features: &SampleFeatures) -> Array2<f64> {
        let columns = self.scaling.of(features);
        let outputs = self.intercepts.len();
        let weights = Array2::from_shape_fn((self.scaling.width(), outputs), |(row, output)| {
            f64::from(self.weights[row * outputs + output])
        });
        let mut outputs = columns.dot(&weights);
        for mut row in outputs.rows_mut() {
            let pairs = row.iter_mut().zip(&self.intercepts);
            pairs.for_each(|(value, intercept)| *value += intercept);
        }
        match &self.calibration {
            Some(calibration) => calibration.apply(outputs),
            None => {
                softmax(&mut outputs);
                outputs
            }
        }
    }

    fn export(&self, graph: &mut Graph, features: &ExportedFeatures) -> Option<Value> {
        let columns = self.scaling.export(graph, features);
        let weights: Vec<f64> = self.weights.iter().copied().map(f64::from).collect();
        let outputs = self.intercepts.len();
        let weights = graph.constant(&[self.scaling.width(), outputs], &weights);
        let intercepts = graph.constant(&[outputs], &self.intercepts);
        let products = graph.matmul(&columns, &weights);
        let outputs = graph.add(&products, &intercepts);
        Some(match &self.calibration {
            Some(calibration) => calibration.export(graph, &outputs),
            None => graph.softmax(&outputs),
        })
    }

    fn check(&self, widths: (usize, usize), outputs: usize) -> Result<(), String> {
        let columns = widths.0 + widths.1;
        self.scaling.check(columns)?;
        if self.intercepts.len() != outputs || self.weights.len() != columns * outputs {
            return Err(format!(
                "it has {} weights for {} outputs, but {columns} columns with {outputs} outputs are needed",
                self.weights.len(),
                self.intercepts.len()
            ));
        }
        finite(self.weights.iter(), "a weight")?;
        super::finite_numbers(&self.intercepts)?;
        match &self.calibration {
            None => Ok(()),
            Some(calibration) => calibration.check(outputs),
        }
    }
}

aam_api::register_learner!(LinearLearnerConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learners::known::{Known, error, right};

    #[test]
    fn linear_functions_of_log_ratios_are_learned() {
        let known = Known::new(120, 30);
        let truth = known.numbers(|row| 3.0 + 2.0 * row[1] - row[4]);
        let fitted = known.fit_numbers(&LinearLearnerConfig::default(), &truth);
        assert!(error(&fitted, &known, &truth) < 0.1);
    }

    #[test]
    fn linearly_separable_classes_are_learned() {
        let known = Known::new(150, 20);
        let classes = known.classes(|row| usize::from(row[0] > 0.0) + usize::from(row[3] > 0.5));
        let fitted = known.fit_classes(&LinearLearnerConfig::default(), &classes, 3);
        assert!(right(&fitted, &known, &classes) > 0.85);
    }

    #[test]
    fn a_state_of_other_samples_is_refused() {
        let known = Known::new(20, 4);
        let truth = known.numbers(|row| row[0]);
        let fitted = known.fit_numbers(&LinearLearnerConfig::default(), &truth);
        assert!(fitted.check((4, 0), 1).is_ok());
        for (widths, outputs) in [((5, 0), 1), ((4, 1), 1), ((4, 0), 2)] {
            assert!(fitted.check(widths, outputs).is_err());
        }
        let damaged = LinearLearner {
            weights: vec![f32::NAN; 4],
            ..fitted
        };
        assert!(damaged.check((4, 0), 1).is_err());
    }
}
