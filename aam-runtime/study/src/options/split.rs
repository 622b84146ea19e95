//! How the samples of a run are divided.

use aam_api::options::{Facts, Heading};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the samples are divided into those learnt from and those judged by.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(transform = Heading("Split"))]
pub struct SplitOptions {
    /// Metadata column, such as host_subject_id, whose values stay whole: no value has samples for
    /// training and for validation.
    pub group_column: Option<String>,
    /// Value of the group column whose samples are validated on; all others are for training.
    pub leave_group_out: Option<String>,
    /// Where the one target holds classes, give either side its share of every class.
    #[schemars(transform = Facts::new()
        .because("shares of rare classes would be left to chance; it has no effect on numbers"))]
    pub stratify: bool,
    /// Parts that the samples are divided into, each held out once; without it there is one split,
    /// and 5 parts in `aam compare`.
    #[schemars(
        range(min = 1, max = 1_000_000),
        transform = Facts::new().otherwise("`1`")
            .because("one split; `compare` has 5, where every sample is held out once and four \
                fifths of them are still learnt from")
    )]
    pub folds: Option<usize>,
    /// Folds are the values of the group column, each held out once.
    pub leave_one_group_out: bool,
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self {
            group_column: None,
            leave_group_out: None,
            stratify: true,
            folds: None,
            leave_one_group_out: false,
        }
    }
}

impl SplitOptions {
    /// The same for the run of a fold, whose samples are listed.
    pub fn of_a_fold(&self) -> Self {
        Self {
            leave_group_out: None,
            folds: None,
            leave_one_group_out: false,
            ..self.clone()
        }
    }

    /// Whether every sample is to be held out once.
    pub fn cross_validates(&self) -> bool {
        self.leave_one_group_out || self.folds.is_some_and(|folds| folds > 1)
    }
}
