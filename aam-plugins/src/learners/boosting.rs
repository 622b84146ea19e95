//! Gradient boosting of trees.

use aam_api::export::{ExportedFeatures, Graph, Value};
use aam_api::options::Facts;
use aam_api::{
    FittedLearner, LearnerConfig, LearnerTarget, PluginError, SampleFeatures, TrainingSamples,
};
use aam_regression::{means, shares, softmax};
use ndarray::{Array2, ArrayView1};
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::columns::{Column, LogShares, columns};
use super::cuts::{Pulls, Rules};
use super::draws::stream;
use super::exported_trees;
use super::grow::grow;
use super::tree::{Tree, check_all};
use super::truth::truth;
use super::{check_samples, finite_numbers};

/// Gradient boosting of trees on log-abundances of ASVs and clades.
///
/// Each tree reduces the loss that the trees before it leave: squared error for numbers, log loss for
/// classes. Splits are chosen by first and second derivatives of the loss (Chen and Guestrin, *XGBoost*,
/// KDD 2016) among binned columns, best first (Ke et al., *LightGBM*, NeurIPS 2017). Each tree is grown on
/// a subset of the samples and columns.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct BoostingLearnerConfig {
    /// Number of trees; for classes, the number per class.
    #[schemars(range(min = 1, max = 100_000), transform = Facts::new().because("enough at this rate"))]
    pub rounds: usize,
    /// Learning rate: the factor for the values of each tree, above 0 and at most 1.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0), transform = Facts::new().because("slow enough for small studies"))]
    pub rate: f64,
    /// Maximum number of leaves of a tree.
    #[schemars(range(min = 2, max = 65_536), transform = Facts::new().because("few samples support only small trees"))]
    pub leaves: usize,
    /// Maximum depth of a tree.
    #[schemars(range(min = 1, max = 1_000), transform = Facts::new().because("few samples support only small trees"))]
    pub depth: usize,
    /// Minimum training samples in a leaf; if unset, a twentieth of them, between 3 and 20.
    #[schemars(range(min = 1, max = 1_000_000_000), transform = Facts::new().otherwise("by their number"))]
    pub min_samples_leaf: Option<usize>,
    /// Fraction of the columns on which each tree is grown, above 0 and at most 1.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0), transform = Facts::new().because("trees differ more and grow faster"))]
    pub columns: f64,
    /// Fraction of the samples on which each tree is grown, above 0 and at most 1.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0), transform = Facts::new().because("trees differ more"))]
    pub samples: f64,
}

impl Default for BoostingLearnerConfig {
    fn default() -> Self {
        Self {
            rounds: 150,
            rate: 0.06,
            leaves: 8,
            depth: 4,
            min_samples_leaf: None,
            columns: 0.15,
            samples: 0.7,
        }
    }
}

/// Number of bins per column.
const BINS: usize = 63;
/// Minimum second derivative of a sample.
const LEAST_WEIGHT: f64 = 1e-6;

/// The learner fitted by [`BoostingLearnerConfig`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoostingLearner {
    log_shares: LogShares,
    width: usize,
    /// The prediction before the first tree, per output.
    start: Vec<f64>,
    /// The factor for the values of the trees.
    scale: f64,
    /// The trees, cycling through the outputs.
    trees: Vec<Tree>,
}

impl LearnerConfig for BoostingLearnerConfig {
    const NAME: &'static str = "boosting";
    type Fitted = BoostingLearner;

    fn fit(&self, samples: &TrainingSamples<'_>) -> Result<BoostingLearner, PluginError> {
        check_samples(samples)?;
        let log_shares = LogShares::fit(samples.features);
        let values = log_shares.of(samples.features);
        let columns = columns(&values, BINS);
        let mut truth = truth(&samples.target);
        let (start, scale) = match samples.target {
            LearnerTarget::Numbers(_) => standardise(&mut truth),
            LearnerTarget::Classes { .. } => {
                let shares = shares(truth.view());
                (shares.iter().map(|share| share.ln()).collect(), 1.0)
            }
        };
        let is_number = matches!(samples.target, LearnerTarget::Numbers(_));
        let first = if is_number { vec![0.0] } else { start.clone() };
        let mut outputs = Array2::from_shape_fn(truth.dim(), |(_, output)| first[output]);
        let mut trees = Vec::new();
        for round in 0..self.rounds {
            let pulls = pulls(&truth, &outputs, is_number);
            let grown: Vec<Tree> = (0..truth.ncols())
                .into_par_iter()
                .map(|output| {
                    let number = round * truth.ncols() + output;
                    self.tree(&columns, &pulls[output], samples.seed, (round, number))
                })
                .collect();
            add(&mut outputs, &values, &grown);
            trees.extend(grown);
        }
        Ok(BoostingLearner {
            log_shares,
            width: columns.len(),
            start,
            scale,
            trees,
        })
    }
}

/// Standardises numbers; returns their mean and standard deviation.
fn standardise(truth: &mut Array2<f64>) -> (Vec<f64>, f64) {
    let mean = means(truth.view());
    truth.mapv_inplace(|value| value - mean[0]);
    let variance = truth.iter().map(|value| value * value).sum::<f64>() / truth.len() as f64;
    let deviation = if variance > 0.0 { variance.sqrt() } else { 1.0 };
    truth.mapv_inplace(|value| value / deviation);
    (mean, deviation)
}

/// The negative first and the second derivatives of the loss at `outputs`: per output, those of all
/// samples.
fn pulls(truth: &Array2<f64>, outputs: &Array2<f64>, is_number: bool) -> Vec<(Vec<f64>, Vec<f64>)> {
    let mut predicted = outputs.clone();
    if !is_number {
        softmax(&mut predicted);
    }
    let classes = truth.ncols() as f64;
    let curvature = |p: f64| match is_number {
        true => 1.0,
        // The curvature for one class with the others fixed, corrected because the other classes' trees
        // change, too.
        false => (classes / (classes - 1.0) * p * (1.0 - p)).max(LEAST_WEIGHT),
    };
    let of = |(truth, predicted): (ArrayView1<'_, f64>, ArrayView1<'_, f64>)| {
        let descent = truth.iter().zip(predicted).map(|(y, p)| y - p);
        let curvature = predicted.iter().map(|p| curvature(*p));
        (descent.collect(), curvature.collect())
    };
    let columns = truth.columns().into_iter().zip(predicted.columns());
    columns.map(of).collect()
}

/// Adds the values of one tree per output.
fn add(outputs: &mut Array2<f64>, values: &Array2<f32>, trees: &[Tree]) {
    let rows = outputs.rows_mut().into_iter().zip(values.rows());
    for (mut row, columns) in rows {
        let columns = columns.to_vec();
        for (output, tree) in row.iter_mut().zip(trees) {
            *output += f64::from(tree.values(&columns, 1)[0]);
        }
    }
}

/// Draws a fraction of the numbers below `all`, ascending; at least one if there is one.
fn drawn(all: usize, share: f64, rng: &mut ChaCha8Rng) -> Vec<u32> {
    let number = ((share * all as f64).round() as usize).clamp(all.min(1), all);
    let mut drawn: Vec<u32> = sample(rng, all, number)
        .into_iter()
        .map(|i| i as u32)
        .collect();
    drawn.sort_unstable();
    drawn
}

impl BoostingLearnerConfig {
    fn tree(
        &self,
        columns: &[Column],
        (descent, curvature): &(Vec<f64>, Vec<f64>),
        seed: u64,
        (round, number): (usize, usize),
    ) -> Tree {
        let samples = descent.len();
        let by_rule = (samples / 20).clamp(3, 20);
        let rules = Rules {
            leaves: self.leaves,
            depth: self.depth,
            least: self.min_samples_leaf.unwrap_or(by_rule),
            tried: usize::MAX,
            random: false,
            penalty: 0.0,
        };
        // Trees of one round see the same samples, but different columns.
        let rows = drawn(
            samples,
            self.samples,
            &mut stream(seed, "boosting samples", round),
        );
        let mut rng = stream(seed, "boosting columns", number);
        let active = drawn(columns.len(), self.columns, &mut rng);
        let pulls = Pulls {
            sums: descent,
            weights: curvature,
            outputs: 1,
        };
        let mut tree = grow(columns, rows, active, pulls, rules, &mut rng);
        let rate = self.rate as f32;
        tree.values.iter_mut().for_each(|value| *value *= rate);
        tree
    }
}

impl FittedLearner for BoostingLearner {
    fn predict(&self, features: &SampleFeatures) -> Array2<f64> {
        let values = self.log_shares.of(features);
        let outputs = self.start.len();
        let rows: Vec<Vec<f64>> = (0..features.samples())
            .into_par_iter()
            .map(|row| {
                let columns = values.row(row).to_vec();
                let mut sums = vec![0.0; outputs];
                for round in self.trees.chunks(outputs) {
                    for (sum, tree) in sums.iter_mut().zip(round) {
                        *sum += f64::from(tree.values(&columns, 1)[0]);
                    }
                }
                let parts = self.start.iter().zip(sums);
                parts.map(|(start, sum)| start + self.scale * sum).collect()
            })
            .collect();
        let mut all =
            Array2::from_shape_fn((rows.len(), outputs), |(row, output)| rows[row][output]);
        if outputs > 1 {
            softmax(&mut all);
        }
        all
    }

    fn export(&self, graph: &mut Graph, features: &ExportedFeatures) -> Option<Value> {
        let columns = self.log_shares.export(graph, features);
        let outputs = self.start.len();
        let output = |tree: usize| tree % outputs;
        let sums = exported_trees::sums(graph, &columns, &self.trees, (outputs, 1), output);
        let (start, scale) = (
            graph.constant(&[outputs], &self.start),
            graph.scalar(self.scale),
        );
        let scaled = graph.mul(&sums, &scale);
        let all = graph.add(&start, &scaled);
        Some(match outputs {
            1 => all,
            _ => graph.softmax(&all),
        })
    }

    fn check(&self, widths: (usize, usize), outputs: usize) -> Result<(), String> {
        let columns = widths.0 + widths.1;
        if self.width != columns || self.start.len() != outputs {
            return Err(format!(
                "it has {} outputs on {} columns, but {columns} columns with {outputs} outputs are needed",
                self.start.len(),
                self.width
            ));
        }
        if outputs == 0 || !self.trees.len().is_multiple_of(outputs) {
            return Err("its outputs have different numbers of trees".to_owned());
        }
        finite_numbers(self.start.iter().chain([&self.scale]))?;
        self.log_shares.check()?;
        check_all(&self.trees, columns, 1)
    }
}

aam_api::register_learner!(BoostingLearnerConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learners::known::{Known, error, right};

    fn config() -> BoostingLearnerConfig {
        BoostingLearnerConfig {
            columns: 0.5,
            ..Default::default()
        }
    }

    #[test]
    fn sums_of_step_functions_are_learned() {
        let known = Known::new(200, 20);
        let truth = known.numbers(|row| 100.0 + if row[3] > 0.2 { 5.0 } else { row[7] });
        assert!(error(&known.fit_numbers(&config(), &truth), &known, &truth) < 0.1);
    }

    #[test]
    fn classes_are_learned() {
        let known = Known::new(200, 10);
        for classes in [2, 3] {
            let step = |value: f32| usize::from(value > 0.0);
            let of = known.classes(|row| (step(row[0]) + step(row[3])).min(classes - 1));
            let fitted = known.fit_classes(&config(), &of, classes);
            assert!(right(&fitted, &known, &of) > 0.9, "{classes}");
        }
    }

    #[test]
    fn a_state_of_other_samples_is_refused() {
        let known = Known::new(20, 4);
        let fitted = known.fit_numbers(&config(), &known.numbers(|row| row[0]));
        assert!(fitted.check((4, 0), 1).is_ok());
        for (widths, outputs) in [((5, 0), 1), ((4, 1), 1), ((4, 0), 2)] {
            assert!(fitted.check(widths, outputs).is_err());
        }
        let far = BoostingLearner {
            scale: f64::INFINITY,
            ..fitted
        };
        assert!(far.check((4, 0), 1).is_err());
    }
}
