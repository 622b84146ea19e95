//! Random Forests (Breiman 2001) on relative abundances of ASVs.
//!
//! Trees are those of `smartcore`, grown to the end on bootstrap samples: with a third of the ASVs
//! at each split for numbers, and the square root of their number for classes, as Breiman's own
//! program has it.

use rand::RngExt;
use rayon::prelude::*;
use smartcore::ensemble::random_forest_classifier::{
    RandomForestClassifier, RandomForestClassifierParameters,
};
use smartcore::ensemble::random_forest_regressor::{
    RandomForestRegressor, RandomForestRegressorParameters,
};
use smartcore::linalg::basic::matrix::DenseMatrix;

use aam_core::random::stream;
use aam_data::{Split, Table};
use aam_evaluation::results::{HeldOut, RawColumn, TargetPrediction};
use aam_run::RunError;

/// Trees that are grown together; the forest does not depend on the number of threads.
const TREES: usize = 5;

/// How many features are considered at each split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxFeatures {
    /// All.
    All,
    /// A third.
    Third,
    /// The square root of their number.
    Sqrt,
    /// The logarithm of their number, to the base of 2.
    Log2,
    /// So many.
    Number(usize),
}

impl MaxFeatures {
    /// Reads `all`, `third`, `sqrt`, `log2` or a number from 1.
    ///
    /// # Errors
    /// Anything else.
    pub fn read(text: &str) -> Result<Self, RunError> {
        match text.trim() {
            "all" => Ok(Self::All),
            "third" => Ok(Self::Third),
            "sqrt" => Ok(Self::Sqrt),
            "log2" => Ok(Self::Log2),
            other => match other.parse() {
                Ok(number) if number > 0 => Ok(Self::Number(number)),
                _ => Err(RunError::setting(
                    "max-features",
                    format!("expected all, third, sqrt, log2 or a number from 1, found `{text}`"),
                )),
            },
        }
    }

    /// How many of `features`; one at least.
    fn of(self, features: usize) -> usize {
        let number = match self {
            Self::All => features,
            Self::Third => features / 3,
            Self::Sqrt => (features as f64).sqrt() as usize,
            Self::Log2 => (features as f64).log2() as usize,
            Self::Number(number) => number,
        };
        number.clamp(1, features)
    }
}

/// How a forest is grown.
#[derive(Clone, Copy, Debug)]
pub struct Forest {
    /// Trees.
    pub trees: usize,
    /// ASVs considered at each split; without it a third for numbers and the square root for classes.
    pub max_features: Option<MaxFeatures>,
    /// Fewest training samples of a leaf.
    pub min_samples_leaf: usize,
    /// Share of the training samples that an ASV has to occur in; two of them at least.
    pub min_prevalence: f64,
    /// Seed of the run.
    pub seed: u64,
}

/// Fewest training samples of an ASV that is a feature.
const FEWEST: usize = 2;

impl Forest {
    /// By the rules, as beside a model.
    pub fn of(trees: usize, seed: u64) -> Self {
        Self {
            trees,
            max_features: None,
            min_samples_leaf: 1,
            min_prevalence: 0.01,
            seed,
        }
    }

    /// What a forest on the training samples of `split` predicts of its validation samples.
    ///
    /// # Errors
    /// No ASV that occurs in enough training samples.
    pub fn predict(
        &self,
        table: &Table,
        targets: &[RawColumn],
        split: &Split,
    ) -> Result<Vec<HeldOut>, RunError> {
        let features = self.features(table, &split.train);
        if features.is_empty() {
            let problem = format!(
                "no ASV occurs in {} of the {} training samples, so that a Random Forest has nothing to learn from; choose a smaller one, or other samples",
                self.fewest(split.train.len()),
                split.train.len()
            );
            return Err(RunError::setting("min-prevalence", problem));
        }
        let train = matrix(table, &features, &split.train)?;
        let validation = matrix(table, &features, &split.validation)?;
        let mut samples: Vec<HeldOut> = split
            .validation
            .iter()
            .map(|&row| HeldOut {
                row,
                predictions: Vec::with_capacity(targets.len()),
            })
            .collect();
        for (t, column) in targets.iter().enumerate() {
            let values = split.train.iter().map(|&row| column.values[row]);
            let predictions = match &column.classes {
                None => self.numbers(&train, &values.collect(), &validation, features.len(), t)?,
                Some(classes) => {
                    let values = values.map(|class| class as i32).collect();
                    let of = (classes.len(), features.len());
                    self.classes(&train, &values, &validation, of, t)?
                }
            };
            for (sample, prediction) in samples.iter_mut().zip(predictions) {
                sample.predictions.push(prediction);
            }
        }
        Ok(samples)
    }

    fn fewest(&self, samples: usize) -> usize {
        ((self.min_prevalence * samples as f64).ceil() as usize).max(FEWEST)
    }

    /// ASVs that occur in enough of the samples at `rows`.
    fn features(&self, table: &Table, rows: &[usize]) -> Vec<usize> {
        let mut samples = vec![0usize; table.num_features()];
        for &row in rows {
            for &asv in table.row(row).0 {
                samples[asv as usize] += 1;
            }
        }
        let fewest = self.fewest(rows.len());
        let asvs = 0..table.num_features();
        asvs.filter(|&asv| samples[asv] >= fewest).collect()
    }

    fn numbers(
        &self,
        train: &DenseMatrix<f32>,
        values: &Vec<f64>,
        validation: &DenseMatrix<f32>,
        features: usize,
        target: usize,
    ) -> Result<Vec<TargetPrediction>, RunError> {
        let parts: Vec<(usize, u64)> = self.parts(target, TREES);
        let all: Vec<Vec<f64>> = parts
            .into_par_iter()
            .map(|(trees, seed)| {
                let parameters = RandomForestRegressorParameters::default()
                    .with_n_trees(trees)
                    .with_m(self.max_features.unwrap_or(MaxFeatures::Third).of(features))
                    .with_min_samples_leaf(self.min_samples_leaf)
                    .with_seed(seed);
                let forest = RandomForestRegressor::fit(train, values, parameters)?;
                let mean = forest.predict(validation)?;
                Ok(mean.into_iter().map(|mean| mean * trees as f64).collect())
            })
            .collect::<Result<_, smartcore::error::Failed>>()
            .map_err(|error| failed(&error))?;
        let mean = |sample: usize| {
            let sum: f64 = all.iter().map(|part| part[sample]).sum();
            sum / self.trees as f64
        };
        let samples = 0..all.first().map_or(0, Vec::len);
        let number = |sample| TargetPrediction::Number {
            value: mean(sample),
            interval: None,
        };
        Ok(samples.map(number).collect())
    }

    /// Shares of the trees that vote for each class.
    fn classes(
        &self,
        train: &DenseMatrix<f32>,
        values: &Vec<i32>,
        validation: &DenseMatrix<f32>,
        (classes, features): (usize, usize),
        target: usize,
    ) -> Result<Vec<TargetPrediction>, RunError> {
        let rows = validation_rows(validation);
        if values.iter().all(|value| *value == values[0]) {
            let mut only = vec![0.0; classes];
            only[values[0] as usize] = 1.0;
            return Ok(vec![TargetPrediction::classes(only); rows]);
        }
        let by_rule = MaxFeatures::Sqrt;
        let votes: Vec<Vec<i32>> = self
            .parts(target, 1)
            .into_par_iter()
            .map(|(_, seed)| {
                let parameters = RandomForestClassifierParameters::default()
                    .with_n_trees(1)
                    .with_m(self.max_features.unwrap_or(by_rule).of(features))
                    .with_min_samples_leaf(self.min_samples_leaf)
                    .with_seed(seed);
                RandomForestClassifier::fit(train, values, parameters)?.predict(validation)
            })
            .collect::<Result<_, smartcore::error::Failed>>()
            .map_err(|error| failed(&error))?;
        let shares = |sample: usize| {
            let mut shares = vec![0.0; classes];
            for tree in &votes {
                shares[tree[sample] as usize] += 1.0 / votes.len() as f64;
            }
            TargetPrediction::classes(shares)
        };
        Ok((0..rows).map(shares).collect())
    }

    /// Numbers of trees with a seed each.
    fn parts(&self, target: usize, size: usize) -> Vec<(usize, u64)> {
        let mut rng = stream(self.seed, &format!("random forest of target {target}"));
        let starts = (0..self.trees).step_by(size);
        starts
            .map(|start| (size.min(self.trees - start), rng.random()))
            .collect()
    }
}

fn validation_rows(matrix: &DenseMatrix<f32>) -> usize {
    use smartcore::linalg::basic::arrays::Array;
    matrix.shape().0
}

/// Relative abundances of `features` in the samples at `rows`.
fn matrix(table: &Table, features: &[usize], rows: &[usize]) -> Result<DenseMatrix<f32>, RunError> {
    let mut place = vec![usize::MAX; table.num_features()];
    for (column, &asv) in features.iter().enumerate() {
        place[asv] = column;
    }
    // Column by column, in which order trees read it.
    let mut values = vec![0f32; features.len() * rows.len()];
    for (line, &row) in rows.iter().enumerate() {
        let (asvs, reads) = table.row(row);
        let depth = table.depth(row) as f64;
        for (&asv, &reads) in asvs.iter().zip(reads) {
            let column = place[asv as usize];
            if column != usize::MAX {
                values[column * rows.len() + line] = (f64::from(reads) / depth) as f32;
            }
        }
    }
    DenseMatrix::new(rows.len(), features.len(), values, true).map_err(|error| failed(&error))
}

fn failed(error: &smartcore::error::Failed) -> RunError {
    RunError::Usage(format!("Random Forest: {error}"))
}
