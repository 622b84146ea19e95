//! Memory limits of a training run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Memory limits of a training run.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct MemoryOptions {
    /// Measure the memory use of updates, and train with the largest batch that fits, of at most
    /// 256 samples.
    pub auto_batch_size: bool,
    /// Memory limit of the training in units of 10⁹ bytes; requests the largest batch that fits, as
    /// `auto-batch-size` does.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub max_memory_gb: Option<f64>,
    /// Memory limit as a fraction of the free memory. Default: 0.8 if neither limit is given.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0))]
    pub max_memory_fraction: Option<f64>,
    /// Target number of samples per update. Gradients are accumulated over as many batches as come
    /// closest to it from below.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub target_effective_batch_size: Option<usize>,
    /// Report the memory use of each training phase before training starts.
    pub memory_profile: bool,
}

impl MemoryOptions {
    /// The first option that requires a measurement before the training.
    pub fn first(&self) -> &'static str {
        match self.auto_batch_size {
            true => "auto-batch-size",
            false => "memory-profile",
        }
    }

    /// Whether anything is measured before the training.
    pub fn is_measured(&self) -> bool {
        self.auto_batch_size || self.memory_profile
    }
}
