//! Options of how the samples of a run are split.

use aam_api::options::{Facts, Heading};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How samples are split into training and validation samples.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(transform = Heading("Split"))]
pub struct SplitOptions {
    /// Metadata column, such as host_subject_id, whose groups are kept together: the samples of a
    /// group are all used for training or all for validation.
    #[schemars(transform = Facts::new().common())]
    pub group_column: Option<String>,
    /// Group whose samples are held out for validation. All others are used for training.
    #[schemars(transform = Facts::new().lifts(&other_ways("leave-group-out")))]
    pub leave_group_out: Option<String>,
    /// Stratify the split by class, if there is one target and it holds classes.
    #[schemars(transform = Facts::new()
        .because("the proportions of rare classes would be left to chance; it has no effect on numbers"))]
    pub stratify: bool,
    /// Number of folds for cross-validation. Default: 5 in `aam train`, `aam compare` and `aam tune`,
    /// unless another option holds out samples, and a single split in other commands.
    #[schemars(
        range(min = 1, max = 1_000_000),
        transform = Facts::new().common().lifts(&other_ways("folds")).otherwise("by the command")
            .because("with 5 folds every sample is held out once, and four fifths of them are still used \
                for training")
    )]
    pub folds: Option<usize>,
    /// Use each group of the group column as a fold.
    #[schemars(transform = Facts::new().lifts(&other_ways("leave-one-group-out")))]
    pub leave_one_group_out: bool,
}

/// The options of which a run has one at most, because each says which samples are held out; except
/// that there may be two lists.
const WAYS: [&str; 6] = [
    "test-size",
    "train-samples",
    "validation-samples",
    "folds",
    "leave-group-out",
    "leave-one-group-out",
];

/// The options whose place `own` takes, because it says which samples are held out.
pub fn other_ways(own: &str) -> Vec<&'static str> {
    let lists = |option: &str| option.ends_with("-samples");
    let others = WAYS.into_iter();
    others
        .filter(|other| *other != own && !(lists(other) && lists(own)))
        .collect()
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
    /// The same options for the run of a fold, whose samples are listed.
    pub fn of_a_fold(&self) -> Self {
        Self {
            leave_group_out: None,
            folds: None,
            leave_one_group_out: false,
            ..self.clone()
        }
    }

    /// Whether every sample is held out once.
    pub fn cross_validates(&self) -> bool {
        self.leave_one_group_out || self.folds.is_some_and(|folds| folds > 1)
    }
}
