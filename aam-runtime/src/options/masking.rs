//! Settings of masked nucleotides.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{MaskStrategy, MaskingConfig};

/// Which nucleotides the model has to guess.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct MaskingOptions {
    /// Fraction of the nucleotides that are masked.
    pub nuc_mask_ratio: f64,
    /// Which nucleotides are masked: each by itself, or spans of 3 to 5.
    pub nuc_mask_strategy: MaskStrategy,
}

impl MaskingOptions {
    /// The same for the model.
    pub fn config(&self) -> MaskingConfig {
        MaskingConfig {
            ratio: self.nuc_mask_ratio,
            strategy: self.nuc_mask_strategy,
        }
    }
}

impl Default for MaskingOptions {
    fn default() -> Self {
        let MaskingConfig { ratio, strategy } = MaskingConfig::default();
        Self {
            nuc_mask_ratio: ratio,
            nuc_mask_strategy: strategy,
        }
    }
}
