//! How a base that is there already learns in training.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a base that is there already learns in training.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct AdaptationOptions {
    /// Highest learning rate of the base; without it that of everything.
    pub base_lr: Option<f64>,
    /// What the learning rate of each layer of the base is multiplied by for the layer below it.
    pub layer_lr_decay: Option<f64>,
    /// Keep the weights of the base and learn low-rank additions to those of its transformers, of this
    /// rank (LoRA); checkpoints have the sums.
    #[schemars(range(min = 1))]
    pub lora_rank: Option<usize>,
    /// Strength of the additions, as a multiple of 1/rank; without it the rank.
    pub lora_alpha: Option<f64>,
}
