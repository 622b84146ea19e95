//! Forests of trees.

use aam_api::export::{ExportedFeatures, Graph, Value};
use aam_api::options::Facts;
use aam_api::{
    FittedLearner, LearnerConfig, LearnerTarget, PluginError, SampleFeatures, TrainingSamples,
};
use ndarray::Array2;
use rand::RngExt;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_samples;
use super::columns::{Column, LogShares, columns};
use super::cuts::{Pulls, Rules};
use super::draws::stream;
use super::exported_trees;
use super::grow::grow;
use super::tree::{Tree, check_all};
use super::truth::truth;

/// How a column is split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Divisions {
    /// At the best threshold, on a bootstrap sample per tree (Breiman 2001).
    Best,
    /// At a random threshold, on all samples (Geurts, Ernst and Wehenkel 2006).
    #[default]
    Random,
}

/// Forest: the mean of many fully grown trees on log-abundances of ASVs and clades.
///
/// Each split is the best among randomly drawn columns, by default at a random threshold of each: Geurts,
/// Ernst and Wehenkel, *Extremely randomized trees*, Machine Learning 2006. With the best thresholds it is
/// the forest of Breiman, *Random forests*, Machine Learning 2001.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ForestLearnerConfig {
    /// Number of trees.
    #[schemars(range(min = 1, max = 100_000), transform = Facts::new().because("more trees change little"))]
    pub trees: usize,
    /// Minimum training samples in a leaf.
    #[schemars(range(min = 1, max = 1_000_000_000), transform = Facts::new().because("averaging over trees makes up for it"))]
    pub min_samples_leaf: usize,
    /// Columns tried at each split; if unset, the square root of their number for classes, and a
    /// twentieth of it, but at least 100 if there are as many, for numbers.
    #[schemars(range(min = 1, max = 1_000_000_000), transform = Facts::new().otherwise("by their number"))]
    pub max_features: Option<usize>,
    /// Split a column at its best threshold or at a random one.
    #[schemars(transform = Facts::new().because("better than the best threshold on seven tasks of five small studies"))]
    pub divisions: Divisions,
}

impl Default for ForestLearnerConfig {
    fn default() -> Self {
        Self {
            trees: 500,
            min_samples_leaf: 1,
            max_features: None,
            divisions: Divisions::Random,
        }
    }
}

/// The learner fitted by [`ForestLearnerConfig`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForestLearner {
    log_shares: LogShares,
    width: usize,
    outputs: usize,
    trees: Vec<Tree>,
}

impl LearnerConfig for ForestLearnerConfig {
    const NAME: &'static str = "forest";
    type Fitted = ForestLearner;

    fn fit(&self, samples: &TrainingSamples<'_>) -> Result<ForestLearner, PluginError> {
        check_samples(samples)?;
        let log_shares = LogShares::fit(samples.features);
        let values = log_shares.of(samples.features);
        let columns = columns(&values, 256);
        let truth = truth(&samples.target);
        let rules = Rules {
            leaves: usize::MAX,
            depth: usize::MAX,
            least: self.min_samples_leaf,
            tried: self.tried(&samples.target, columns.len()),
            random: self.divisions == Divisions::Random,
            penalty: 0.0,
        };
        let trees = (0..self.trees)
            .into_par_iter()
            .map(|number| tree(&columns, &truth, rules, samples.seed, number))
            .collect();
        Ok(ForestLearner {
            log_shares,
            width: columns.len(),
            outputs: truth.ncols(),
            trees,
        })
    }
}

impl ForestLearnerConfig {
    /// Number of columns tried at each split.
    fn tried(&self, target: &LearnerTarget<'_>, columns: usize) -> usize {
        let by_rule = match target {
            LearnerTarget::Numbers(_) => (columns / 20).max(100),
            LearnerTarget::Classes { .. } => (columns as f64).sqrt() as usize,
        };
        self.max_features
            .unwrap_or(by_rule)
            .clamp(1, columns.max(1))
    }
}

/// Grows a tree.
fn tree(columns: &[Column], truth: &Array2<f64>, rules: Rules, seed: u64, number: usize) -> Tree {
    let mut rng = stream(seed, "forest", number);
    let samples = truth.nrows();
    let weights = match rules.random {
        true => vec![1.0; samples],
        false => {
            let mut weights = vec![0.0; samples];
            for _ in 0..samples {
                weights[rng.random_range(0..samples)] += 1.0;
            }
            weights
        }
    };
    let weighted = truth.iter().enumerate();
    let outputs = truth.ncols();
    let sums: Vec<f64> = weighted
        .map(|(place, y)| y * weights[place / outputs])
        .collect();
    let drawn = (0..samples as u32).filter(|sample| weights[*sample as usize] > 0.0);
    let drawn = drawn.collect();
    let pulls = Pulls {
        sums: &sums,
        weights: &weights,
        outputs,
    };
    let active = (0..columns.len() as u32).collect();
    grow(columns, drawn, active, pulls, rules, &mut rng)
}

impl FittedLearner for ForestLearner {
    fn predict(&self, features: &SampleFeatures) -> Array2<f64> {
        let values = self.log_shares.of(features);
        let rows: Vec<Vec<f64>> = (0..features.samples())
            .into_par_iter()
            .map(|row| {
                let columns = values.row(row).to_vec();
                let mut sums = vec![0.0; self.outputs];
                for tree in &self.trees {
                    let values = tree.values(&columns, self.outputs);
                    let pairs = sums.iter_mut().zip(values);
                    pairs.for_each(|(sum, value)| *sum += f64::from(*value));
                }
                self.mean(sums)
            })
            .collect();
        Array2::from_shape_fn((rows.len(), self.outputs), |(row, output)| {
            rows[row][output]
        })
    }

    fn export(&self, graph: &mut Graph, features: &ExportedFeatures) -> Option<Value> {
        let columns = self.log_shares.export(graph, features);
        let outputs = (self.outputs, self.outputs);
        let sums = exported_trees::sums(graph, &columns, &self.trees, outputs, |_| 0);
        let all = match self.outputs {
            1 => graph.scalar(self.trees.len() as f64),
            _ => graph.sum_of_rows(&sums),
        };
        Some(graph.div(&sums, &all))
    }

    fn check(&self, widths: (usize, usize), outputs: usize) -> Result<(), String> {
        let columns = widths.0 + widths.1;
        if self.width != columns || self.outputs != outputs || self.trees.is_empty() {
            return Err(format!(
                "it has {} trees on {} columns with {} outputs, but {columns} columns with {outputs} outputs are needed",
                self.trees.len(),
                self.width,
                self.outputs
            ));
        }
        self.log_shares.check()?;
        check_all(&self.trees, columns, outputs)?;
        let mut values = self.trees.iter().flat_map(|tree| &tree.values);
        match outputs == 1 || values.all(|value| *value >= 0.0) {
            true => Ok(()),
            false => Err("the probability of a class is below 0".to_owned()),
        }
    }
}

impl ForestLearner {
    /// The mean of the trees; for classes, normalised to a sum of 1.
    fn mean(&self, sums: Vec<f64>) -> Vec<f64> {
        let all = match self.outputs {
            1 => self.trees.len() as f64,
            _ => sums.iter().sum(),
        };
        match all > 0.0 {
            true => sums.into_iter().map(|sum| sum / all).collect(),
            false => vec![1.0 / self.outputs as f64; self.outputs],
        }
    }
}

aam_api::register_learner!(ForestLearnerConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learners::known::{Known, error, right};

    fn few() -> ForestLearnerConfig {
        ForestLearnerConfig {
            trees: 60,
            ..Default::default()
        }
    }

    #[test]
    fn both_split_methods_find_steps() {
        let known = Known::new(150, 20);
        let truth = known.numbers(|row| if row[3] > 0.2 { 5.0 } else { row[7] });
        let classes = known.classes(|row| usize::from(row[0] > 0.3) + usize::from(row[0] > -0.3));
        for divisions in [Divisions::Best, Divisions::Random] {
            let config = ForestLearnerConfig { divisions, ..few() };
            assert!(error(&known.fit_numbers(&config, &truth), &known, &truth) < 0.1);
            let fitted = known.fit_classes(&config, &classes, 3);
            assert!(right(&fitted, &known, &classes) > 0.97);
        }
    }

    #[test]
    fn a_state_of_other_samples_is_refused() {
        let known = Known::new(20, 4);
        let fitted = known.fit_classes(&few(), &known.classes(|row| usize::from(row[0] > 0.0)), 2);
        assert!(fitted.check((4, 0), 2).is_ok());
        for (widths, outputs) in [((5, 0), 2), ((4, 1), 2), ((4, 0), 1), ((4, 0), 3)] {
            assert!(fitted.check(widths, outputs).is_err());
        }
        let none = ForestLearner {
            trees: Vec::new(),
            ..fitted
        };
        assert!(none.check((4, 0), 2).is_err());
    }
}
