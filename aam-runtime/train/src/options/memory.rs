//! How much memory a training may take.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much memory a training may take.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct MemoryOptions {
    /// Measure how much memory updates take, and train with the largest batch that fits, of at most
    /// 256 samples.
    pub auto_batch_size: bool,
    /// Memory that the training may take, in units of 10⁹ bytes; asks for the largest batch that
    /// fits, as `auto-batch-size` does.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub max_memory_gb: Option<f64>,
    /// The same as a fraction of what is free; 0.8 without either.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0))]
    pub max_memory_fraction: Option<f64>,
    /// Samples of an update: as many batches are added up as come closest to it from below.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub target_effective_batch_size: Option<usize>,
    /// Tell how much memory each phase of the training takes, before it begins.
    pub memory_profile: bool,
}

impl MemoryOptions {
    /// The first setting that has something measured before the training.
    pub fn first(&self) -> &'static str {
        match self.auto_batch_size {
            true => "auto-batch-size",
            false => "memory-profile",
        }
    }

    /// Whether something is to be measured before the training.
    pub fn is_measured(&self) -> bool {
        self.auto_batch_size || self.memory_profile
    }
}
