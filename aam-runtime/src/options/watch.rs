//! What a run leaves for those who watch it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a run leaves for those who watch it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct WatchOptions {
    /// Write event files for TensorBoard.
    pub tensorboard: bool,
    /// Write report.html, a page with everything worth seeing of the run.
    pub report: bool,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            tensorboard: true,
            report: true,
        }
    }
}
