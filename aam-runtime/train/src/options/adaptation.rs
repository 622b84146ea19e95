//! How a base that is there already learns in training.

use aam_api::options::Facts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a base that is there already learns in training.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct AdaptationOptions {
    /// Highest learning rate of the base; without it that of everything.
    #[schemars(extend("exclusiveMinimum" = 0), transform = Facts::new().may_change())]
    pub base_lr: Option<f64>,
    /// What the learning rate of each layer of the base is multiplied by for the layer below it.
    #[schemars(
        range(max = 1.0), extend("exclusiveMinimum" = 0),
        transform = Facts::new().may_change()
    )]
    pub layer_lr_decay: Option<f64>,
    /// Keep the weights of the base and learn low-rank additions to those of its transformers, of this
    /// rank (LoRA); checkpoints have the sums.
    #[schemars(range(min = 1, max = 65_536))]
    pub lora_rank: Option<usize>,
    /// Strength of the additions, as a multiple of 1/rank; without it the rank.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub lora_alpha: Option<f64>,
}
