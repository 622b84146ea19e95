//! Options of the target columns: scale, losses and sample weights.

use aam_api::options::{Facts, FileUse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use aam_run::named_values::NamedValues;

/// The scale and the losses of the targets.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct TargetOptions {
    /// Metadata columns within whose categories, or combinations of categories, numbers are scaled
    /// separately (zscore-category).
    #[schemars(transform = Facts::new().was("normalize-targets-by"))]
    pub normalize_by: Vec<String>,
    /// Losses of individual targets; all others use `loss`. A JSON object, or a .json or .toml
    /// file, such as {"ph": "LOSS", "depth": {"name": "LOSS", "OPTION": 2}}.
    #[schemars(transform = Facts::new().file(FileUse::MayBeRead))]
    pub loss_config: Option<NamedValues>,
    /// Weights of the training samples by category: auto (equal total weight per category),
    /// effective (by effective number of samples), or a JSON object, or a .json or .toml file, such
    /// as {"gut": 2} or {"site": {"gut": 2}, "season": {"dry": 3}}, whose weights are multiplied.
    #[schemars(transform = Facts::new().file(FileUse::MayBeRead))]
    pub categorical_loss_weights: Option<NamedValues>,
    /// Metadata columns whose combined values are the category for the weights. Default: the first
    /// of `categorical-columns`.
    #[schemars(transform = Facts::new().otherwise("the first of the categorical columns")
        .because("as in the reference"))]
    pub categorical_loss_weight_column: Vec<String>,
    /// For weights effective: 0 weights samples equally, values close to 1 weight categories
    /// equally.
    #[schemars(
        range(min = 0.0), extend("exclusiveMaximum" = 1),
        transform = Facts::new()
            .because("differences up to about a thousand samples matter, as in the paper on effective \
                numbers")
    )]
    pub categorical_loss_weight_beta: f64,
    /// Sample each epoch so that all categories occur equally often: class (of the target), or a
    /// metadata column.
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
