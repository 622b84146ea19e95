//! Options of a comparison.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use aam_train::options::TrainOptions;

/// Options of `aam compare`: those of `aam train`, used by each of its runs.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct CompareOptions {
    /// Training options.
    #[serde(flatten)]
    pub train: TrainOptions,
}

impl CompareOptions {
    /// The number of folds on which every combination is trained.
    pub fn number_of_folds(&self) -> usize {
        let TrainOptions { data, split, .. } = &self.train;
        let is_divided_once =
            data.lists_samples() || split.leave_group_out.is_some() || data.test_size.is_some();
        match is_divided_once {
            true => 1,
            false => split.folds.unwrap_or(TrainOptions::FOLDS),
        }
    }
}
