//! Settings of masked nucleotides.

use aam_api::options::Facts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{MaskStrategy, MaskingConfig};

/// Which nucleotides the model has to guess.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct MaskingOptions {
    /// Fraction of the nucleotides that are masked.
    #[schemars(
        range(min = 0.0), extend("exclusiveMaximum" = 1),
        transform = Facts::new().because("as in the reference")
    )]
    pub nuc_mask_ratio: f64,
    /// Which nucleotides are masked: each by itself, or spans of 3 to 5.
    #[schemars(transform = Facts::new().because("as in the reference"))]
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
