//! What is learnt of the target columns: their scale, their losses, what each sample counts.

use aam_api::options::{Facts, FileUse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use aam_run::named_values::NamedValues;

/// The scale and the losses of the targets.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct TargetOptions {
    /// Metadata columns in whose categories, or combinations of categories, numbers have a scale of
    /// their own (zscore-category).
    #[schemars(transform = Facts::new().was("normalize-targets-by"))]
    pub normalize_by: Vec<String>,
    /// Losses of single targets, the others having that of `loss`: a JSON object or .json or .toml
    /// file such as {"ph": "LOSS", "depth": {"name": "LOSS", "OPTION": 2}}.
    #[schemars(transform = Facts::new().file(FileUse::MayBeRead))]
    pub loss_config: Option<NamedValues>,
    /// Weights of the training samples by category: auto (each category counts the same),
    /// effective (by effective numbers of samples), or a JSON object or .json or .toml file such as
    /// {"gut": 2}, or {"site": {"gut": 2}, "season": {"dry": 3}}, whose weights are multiplied.
    #[schemars(transform = Facts::new().file(FileUse::MayBeRead))]
    pub categorical_loss_weights: Option<NamedValues>,
    /// Metadata columns whose values together are the category that is weighted; without it the
    /// first of `categorical-columns`.
    #[schemars(transform = Facts::new().otherwise("the first of the categorical columns")
        .because("as in the reference"))]
    pub categorical_loss_weight_column: Vec<String>,
    /// Of the weights effective: 0 for equal samples, close to 1 for equal categories.
    #[schemars(
        range(min = 0.0), extend("exclusiveMaximum" = 1),
        transform = Facts::new()
            .because("counts up to about a thousand samples matter, as in the paper on effective \
                numbers")
    )]
    pub categorical_loss_weight_beta: f64,
    /// Draw the samples of each epoch so that all categories come equally often: class (of the
    /// target), or a metadata column.
    pub balance: Option<String>,
}

impl Default for TargetOptions {
    fn default() -> Self {
        Self {
            normalize_by: Vec::new(),
            loss_config: None,
            categorical_loss_weights: None,
            categorical_loss_weight_column: Vec::new(),
            categorical_loss_weight_beta: 0.999,
            balance: None,
        }
    }
}
