//! What a user can set for a comparison.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::options::TrainOptions;

/// Folds of a comparison that says nothing about them.
const FOLDS: usize = 5;

/// Options of `aam compare`: those of `aam train`, which every run of it has, and its own.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct CompareOptions {
    /// Training.
    #[serde(flatten)]
    pub train: TrainOptions,
    /// Parts that the samples are divided into, each held out once; 5 without it. With 1, one
    /// split as in `aam train`, which is also what lists of samples give.
    #[schemars(range(min = 1))]
    pub folds: Option<usize>,
}

impl CompareOptions {
    /// How many splits of the samples every combination is trained on.
    pub fn number_of_folds(&self) -> usize {
        let data = &self.train.data;
        match data.train_samples.is_some() || data.validation_samples.is_some() {
            true => 1,
            false => self.folds.unwrap_or(FOLDS),
        }
    }
}
