//! Options for fine-tuning a pre-trained base.

use aam_api::options::Facts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a pre-trained base is fine-tuned.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct AdaptationOptions {
    /// Maximum learning rate of the base. Default: the overall learning rate.
    #[schemars(extend("exclusiveMinimum" = 0), transform = Facts::new().may_change())]
    pub base_lr: Option<f64>,
    /// Layer-wise decay of the base's learning rate: the factor from each layer to the layer below
    /// it.
    #[schemars(
        range(max = 1.0), extend("exclusiveMinimum" = 0),
        transform = Facts::new().may_change()
    )]
    pub layer_lr_decay: Option<f64>,
    /// Freeze the base and learn low-rank updates (LoRA) of this rank for its transformers.
    /// Checkpoints contain the merged weights.
    #[schemars(range(min = 1, max = 65_536))]
    pub lora_rank: Option<usize>,
    /// Scale of the LoRA updates, as a multiple of 1/rank. Default: the rank.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub lora_alpha: Option<f64>,
}
