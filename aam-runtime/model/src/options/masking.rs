//! Options of nucleotide masking.

use aam_api::options::Facts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{MaskStrategy, MaskingConfig};

/// Which nucleotides are masked for the model to predict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct MaskingOptions {
    /// Fraction of the nucleotides to mask.
    #[schemars(
        range(min = 0.0), extend("exclusiveMaximum" = 1),
        transform = Facts::new().because("as in the reference")
    )]
    pub nuc_mask_ratio: f64,
    /// How nucleotides are masked: individually, or in spans of 3 to 5.
    #[schemars(transform = Facts::new().because("as in the reference"))]
    pub nuc_mask_strategy: MaskStrategy,
}

impl MaskingOptions {
    /// Converts the options to the model's configuration.
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
