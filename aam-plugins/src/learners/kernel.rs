//! Kernel models of log-ratios.

use aam_api::export::{Element, ExportedFeatures, Graph, Value};
use aam_api::options::Facts;
use aam_api::{
    FittedLearner, LearnerConfig, LearnerTarget, PluginError, SampleFeatures, TrainingSamples,
};
use aam_regression::{PENALTIES, gram, least_squares, part, products, shares};
use ndarray::{Array2, Axis};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::judged::{judged, with_products};
use super::scaling::{Scaling, Spread, finite};
use super::truth::truth;
use super::{check_penalties, check_samples};

/// Kernel regression: least squares with a Gaussian kernel of log-ratios.
///
/// A prediction is a sum over training samples in which similar ones count most:
/// `exp(−d² / (width · median d²))`, with distances `d` of columns divided by the square root of their
/// standard deviation; ASVs, clades and categories have equal weight. Width and penalty minimise the
/// squared error in cross-validation on the training samples, which also calibrates class probabilities.
/// Suykens and Vandewalle, *Least squares support vector machine classifiers*, Neural Processing Letters
/// 1999.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct KernelLearnerConfig {
    /// Candidate kernel widths, in medians of the squared distances, above 0.
    #[schemars(transform = Facts::new().because("one that sees neighbours and one that is nearly linear"))]
    pub widths: Vec<f64>,
    /// Candidate penalties, above 0; the kernel of a sample with itself is 1.
    #[schemars(transform = Facts::new().because("from almost no penalty to one that leaves only the mean"))]
    pub penalties: Vec<f64>,
}

impl Default for KernelLearnerConfig {
    fn default() -> Self {
        Self {
            widths: vec![1.0, 4.0],
            penalties: PENALTIES.to_vec(),
        }
    }
}

/// The learner fitted by [`KernelLearnerConfig`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KernelLearner {
    scaling: Scaling,
    /// Columns of the training samples, `[samples, columns]`.
    samples: Array2<f32>,
    /// The squared distance at which the kernel is `1 / e`.
    width: f64,
    /// Coefficients, `[samples, outputs]`.
    coefficients: Array2<f64>,
    intercepts: Vec<f64>,
    calibration: Calibration,
}

impl LearnerConfig for KernelLearnerConfig {
    const NAME: &'static str = "kernel";
    type Fitted = KernelLearner;

    fn fit(&self, samples: &TrainingSamples<'_>) -> Result<KernelLearner, PluginError> {
        check_penalties(Self::NAME, &self.penalties)?;
        check_widths(&self.widths)?;
        check_samples(samples)?;
        with_products(samples, |samples| self.fit_products(samples))
    }
}

impl KernelLearnerConfig {
    fn fit_products(&self, samples: &TrainingSamples<'_>) -> Result<KernelLearner, PluginError> {
        let truth = truth(&samples.target);
        let (scaling, columns) = Scaling::fit(samples.features, Spread::Root);
        // Rounded as they are stored, so that a training sample looks the same as in the fit.
        let columns = columns.mapv(|value| value as f32);
        let exact = columns.mapv(f64::from);
        let distances = squared_distances(gram(exact.view()), &squares(&exact), &squares(&exact));
        let median = median_of_pairs(&distances);
        let widths: Vec<f64> = self.widths.iter().map(|width| width * median).collect();
        let judged = judged(samples, &truth);
        let own = part(&distances, &judged.rows, &judged.rows);
        let kernels: Vec<Array2<f64>> = widths.iter().map(|width| gaussian(&own, *width)).collect();
        let chosen = least_squares::choose(&kernels, &self.penalties, &judged);
        let chosen = chosen.ok_or_else(|| PluginError::study("no penalty is given"))?;
        let calibration = match samples.target {
            LearnerTarget::Numbers(_) => Calibration::of_numbers(&chosen.held_out, &judged.truth),
            LearnerTarget::Classes { .. } => {
                let shares = shares(truth.view());
                Calibration::of_classes(&chosen.held_out, &judged.truth, shares)
            }
        };
        let width = widths[chosen.kernel];
        let dual = least_squares::fit(&gaussian(&distances, width), &truth, chosen.penalty);
        Ok(KernelLearner {
            scaling,
            samples: columns,
            width,
            coefficients: dual.coefficients,
            intercepts: dual.intercepts,
            calibration,
        })
    }
}

/// The kernel at these squared distances.
fn gaussian(distances: &Array2<f64>, width: f64) -> Array2<f64> {
    distances.mapv(|distance| (-distance / width).exp())
}

fn check_widths(widths: &[f64]) -> Result<(), PluginError> {
    let positive = |width: &f64| *width > 0.0 && width.is_finite();
    match !widths.is_empty() && widths.iter().all(positive) {
        true => Ok(()),
        false => Err(super::bad_option(
            KernelLearnerConfig::NAME,
            "widths",
            "numbers above 0",
            widths,
        )),
    }
}

/// The squared norm of each row.
fn squares(rows: &Array2<f64>) -> Vec<f64> {
    rows.rows().into_iter().map(|row| row.dot(&row)).collect()
}

/// `|a|² + |b|² − 2 a·b`, given the products of `a` and `b`.
fn squared_distances(mut products: Array2<f64>, a: &[f64], b: &[f64]) -> Array2<f64> {
    for (mut row, a) in products.rows_mut().into_iter().zip(a) {
        for (product, b) in row.iter_mut().zip(b) {
            *product = (a + b - 2.0 * *product).max(0.0);
        }
    }
    products
}

/// The median distance between two different samples; 1 if it is 0.
fn median_of_pairs(distances: &Array2<f64>) -> f64 {
    let rows = distances.axis_iter(Axis(0)).enumerate();
    let mut pairs: Vec<f64> = rows
        .flat_map(|(row, all)| all.to_vec().into_iter().take(row))
        .collect();
    let middle = pairs.len() / 2;
    match pairs.is_empty() {
        true => 1.0,
        false => {
            let (_, median, _) = pairs.select_nth_unstable_by(middle, f64::total_cmp);
            if *median > 0.0 { *median } else { 1.0 }
        }
    }
}

impl FittedLearner for KernelLearner {
    fn predict(&self, features: &SampleFeatures) -> Array2<f64> {
        let columns = self.scaling.of(features);
        let own = self.samples.mapv(f64::from);
        let products = products(columns.view(), own.view());
        let distances = squared_distances(products, &squares(&columns), &squares(&own));
        let mut outputs = gaussian(&distances, self.width).dot(&self.coefficients);
        for mut row in outputs.rows_mut() {
            let pairs = row.iter_mut().zip(&self.intercepts);
            pairs.for_each(|(value, intercept)| *value += intercept);
        }
        self.calibration.apply(outputs)
    }

    fn export(&self, graph: &mut Graph, features: &ExportedFeatures) -> Option<Value> {
        let columns = self.scaling.export(graph, features);
        let (samples, width) = self.samples.dim();
        let own: Vec<f32> = self.samples.t().iter().copied().collect();
        let own = graph.constant(&[width, samples], &own);
        let own = graph.cast(&own, Element::Double);
        let of_own = graph.constant(&[samples], &squares(&self.samples.mapv(f64::from)));
        let squared = graph.mul(&columns, &columns);
        let of_columns = graph.sum_of_rows(&squared);
        let products = graph.matmul(&columns, &own);
        let [two, none, width] = [2.0, 0.0, -self.width].map(|value| graph.scalar(value));
        let products = graph.mul(&products, &two);
        let sums = graph.add(&of_columns, &of_own);
        let distances = graph.sub(&sums, &products);
        let distances = graph.apply("Max", &[&distances, &none], vec![]);
        let exponents = graph.div(&distances, &width);
        let kernel = graph.map("Exp", &exponents);
        let outputs = self.intercepts.len();
        let coefficients: Vec<f64> = self.coefficients.iter().copied().collect();
        let coefficients = graph.constant(&[samples, outputs], &coefficients);
        let intercepts = graph.constant(&[outputs], &self.intercepts);
        let products = graph.matmul(&kernel, &coefficients);
        let outputs = graph.add(&products, &intercepts);
        Some(self.calibration.export(graph, &outputs))
    }

    fn check(&self, widths: (usize, usize), outputs: usize) -> Result<(), String> {
        let columns = widths.0 + widths.1;
        self.scaling.check(columns)?;
        let samples = self.samples.nrows();
        if self.samples.ncols() != columns
            || self.coefficients.dim() != (samples, outputs)
            || self.intercepts.len() != outputs
        {
            return Err(format!(
                "it has {:?} coefficients for samples with {} columns, but {columns} columns with {outputs} outputs are needed",
                self.coefficients.dim(),
                self.samples.ncols()
            ));
        }
        finite(self.samples.iter(), "a training sample")?;
        super::finite_numbers(self.coefficients.iter().chain(&self.intercepts))?;
        if !(self.width > 0.0 && self.width.is_finite()) {
            return Err(format!("its width is {}", self.width));
        }
        self.calibration.check(outputs)
    }
}

aam_api::register_learner!(KernelLearnerConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learners::known::{Known, error, right};

    #[test]
    fn a_curve_is_learned() {
        let known = Known::new(150, 3);
        let truth = known.numbers(|row| 5.0 + row[0] * row[0]);
        let fitted = known.fit_numbers(&KernelLearnerConfig::default(), &truth);
        assert!(error(&fitted, &known, &truth) < 0.1);
    }

    #[test]
    fn classes_that_are_not_linearly_separable_are_learned() {
        let known = Known::new(200, 2);
        let classes = known.classes(|row| usize::from(row[0] * row[1] > 0.0));
        let fitted = known.fit_classes(&KernelLearnerConfig::default(), &classes, 2);
        assert!(right(&fitted, &known, &classes) > 0.9);
    }

    #[test]
    fn a_state_of_other_samples_is_refused() {
        let known = Known::new(20, 4);
        let truth = known.numbers(|row| row[0]);
        let fitted = known.fit_numbers(&KernelLearnerConfig::default(), &truth);
        assert!(fitted.check((4, 0), 1).is_ok());
        for (widths, outputs) in [((5, 0), 1), ((4, 1), 1), ((4, 0), 2)] {
            assert!(fitted.check(widths, outputs).is_err());
        }
        let damaged = KernelLearner {
            width: 0.0,
            ..fitted
        };
        assert!(damaged.check((4, 0), 1).is_err());
    }

    #[test]
    fn the_width_is_based_on_pairwise_distances() {
        assert_eq!(median_of_pairs(&Array2::zeros((3, 3))), 1.0);
        assert_eq!(median_of_pairs(&Array2::zeros((1, 1))), 1.0);
        let distances = ndarray::array![[0.0, 1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 3.0, 0.0]];
        assert_eq!(median_of_pairs(&distances), 2.0);
        assert_eq!(squares(&ndarray::array![[1.0, 2.0]]), [5.0]);
    }
}
