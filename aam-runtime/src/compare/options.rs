//! What a user can set for a comparison.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::options::TrainOptions;

/// Folds of a comparison that says nothing about them.
const FOLDS: usize = 5;

/// Options of `aam compare`: those of `aam train`, which every run of it has.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct CompareOptions {
    /// Training.
    #[serde(flatten)]
    pub train: TrainOptions,
}

impl CompareOptions {
    /// How many splits of the samples every combination is trained on.
    pub fn number_of_folds(&self) -> usize {
        let TrainOptions { data, split, .. } = &self.train;
        let lists = data.train_samples.is_some() || data.validation_samples.is_some();
        match lists || split.leave_group_out.is_some() {
            true => 1,
            false => split.folds.unwrap_or(FOLDS),
        }
    }
}
