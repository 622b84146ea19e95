//! Random Forests (Breiman 2001) on relative abundances of ASVs.
//!
//! The forest is the learner of that name, with the settings of Breiman's original program: fully
//! grown on bootstrap samples, with a third of the ASVs at each split for numbers, and the square
//! root of their number for classes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aam_api::learner::{FittedLearnerObject, learner};
use aam_api::{Choice, LearnerKind, LearnerTarget, Registry, SampleFeatures, TrainingSamples};
use aam_core::text::counted;
use ndarray::Array2;
use rand::RngExt;
use serde_json::{Map, Value, json};

use aam_core::random::stream;
use aam_data::{Split, Table};
use aam_evaluation::results::{HeldOut, RawColumn, TargetPrediction};
use aam_run::RunError;

/// The name of the learner.
const LEARNER: &str = "forest";

/// The number of features considered at each split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxFeatures {
    /// All features.
    All,
    /// A third of the features.
    Third,
    /// The square root of the number of features.
    Sqrt,
    /// The base-2 logarithm of the number of features.
    Log2,
    /// A fixed number.
    Number(usize),
}

impl MaxFeatures {
    /// Parses `all`, `third`, `sqrt`, `log2` or a number from 1.
    ///
    /// # Errors
    /// Any other text.
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
                    format!("expected all, third, sqrt, log2 or a number from 1, found '{text}'"),
                )),
            },
        }
    }

    /// The number of features to consider out of `features`; at least one.
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

/// The settings of a forest.
#[derive(Clone, Copy, Debug)]
pub struct Forest {
    /// Number of trees.
    pub trees: usize,
    /// ASVs considered at each split. Default: a third for numbers and the square root for classes.
    pub max_features: Option<MaxFeatures>,
    /// Minimum number of training samples in a leaf.
    pub min_samples_leaf: usize,
    /// Minimum fraction of the training samples in which an ASV must occur (at least two samples).
    pub min_prevalence: f64,
    /// Random seed of the run.
    pub seed: u64,
}

/// Minimum number of training samples in which a feature occurs.
const FEWEST: usize = 2;

impl Forest {
    /// A forest with default settings, as reported alongside a model.
    pub fn of(trees: usize, seed: u64) -> Self {
        Self {
            trees,
            max_features: None,
            min_samples_leaf: 1,
            min_prevalence: 0.01,
            seed,
        }
    }

    /// The predictions of a forest trained on the training samples of `split` for its validation
    /// samples. `None` if interrupted.
    ///
    /// # Errors
    /// No ASV occurs in enough training samples, or the learner is not linked.
    pub fn predict(
        &self,
        table: &Table,
        targets: &[RawColumn],
        split: &Split,
        interrupt: &AtomicBool,
    ) -> Result<Option<Vec<HeldOut>>, RunError> {
        let features = self.features(table, &split.train);
        if features.is_empty() {
            let problem = format!(
                "no ASV occurs in {} of {}, so a Random Forest has no features; choose a smaller value, or other samples",
                self.fewest(split.train.len()),
                counted(split.train.len(), "training sample")
            );
            return Err(RunError::setting("min-prevalence", problem));
        }
        let train = shares(table, &features, &split.train);
        let validation = shares(table, &features, &split.validation);
        let mut samples: Vec<HeldOut> = split
            .validation
            .iter()
            .map(|&row| HeldOut {
                row,
                predictions: Vec::with_capacity(targets.len()),
            })
            .collect();
        for (t, column) in targets.iter().enumerate() {
            if interrupt.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let values: Vec<f64> = split.train.iter().map(|&row| column.values[row]).collect();
            let forest = self.grown(&train, (&values, column.classes.as_deref()), t)?;
            let predicted = forest.predict(&validation);
            for (sample, predicted) in samples.iter_mut().zip(predicted.rows()) {
                sample.predictions.push(match &column.classes {
                    None => TargetPrediction::Number {
                        value: predicted[0],
                        interval: None,
                    },
                    Some(_) => TargetPrediction::classes(predicted.to_vec()),
                });
            }
        }
        Ok(Some(samples))
    }

    /// Grows the forest of a target.
    fn grown(
        &self,
        train: &SampleFeatures,
        (values, names): (&[f64], Option<&[String]>),
        target: usize,
    ) -> Result<Arc<dyn FittedLearnerObject>, RunError> {
        let classes: Vec<usize> = values.iter().map(|class| *class as usize).collect();
        let (target_values, by_rule) = match names {
            None => (LearnerTarget::Numbers(values), MaxFeatures::Third),
            Some(names) => {
                let classes = LearnerTarget::Classes {
                    of: &classes,
                    number: names.len(),
                };
                (classes, MaxFeatures::Sqrt)
            }
        };
        let tried = self.max_features.unwrap_or(by_rule).of(train.asvs);
        let registry = Registry::<LearnerKind>::load()?;
        let forest = learner(&registry.resolve(&Choice {
            name: LEARNER.to_owned(),
            options: self.options(tried),
        })?)?;
        // Folds are required, but there are no settings to choose with them.
        let folds: Vec<usize> = (0..values.len()).map(|row| row % 2).collect();
        let seed = stream(self.seed, &format!("random forest of target {target}")).random();
        let samples = TrainingSamples::new(train, target_values, &folds, seed);
        Ok(forest.fit(&samples)?)
    }

    fn options(&self, tried: usize) -> Map<String, Value> {
        [
            ("trees", json!(self.trees)),
            ("min-samples-leaf", json!(self.min_samples_leaf)),
            ("max-features", json!(tried)),
            ("divisions", json!("best")),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    fn fewest(&self, samples: usize) -> usize {
        ((self.min_prevalence * samples as f64).ceil() as usize).max(FEWEST)
    }

    /// The ASVs that occur in enough of the samples at `rows`.
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
}

/// The relative abundances of the ASVs `features` in the samples at `rows`.
fn shares(table: &Table, features: &[usize], rows: &[usize]) -> SampleFeatures {
    let mut place = vec![usize::MAX; table.num_features()];
    for (column, &asv) in features.iter().enumerate() {
        place[asv] = column;
    }
    let mut shares = Array2::zeros((rows.len(), features.len()));
    for (line, &row) in rows.iter().enumerate() {
        let (asvs, reads) = table.row(row);
        let depth = table.depth(row) as f64;
        for (&asv, &reads) in asvs.iter().zip(reads) {
            let column = place[asv as usize];
            if column != usize::MAX {
                shares[[line, column]] = (f64::from(reads) / depth) as f32;
            }
        }
    }
    // Not used by forests.
    let log_ratios = Array2::zeros(shares.dim());
    SampleFeatures::new(shares, log_ratios, features.len())
}
