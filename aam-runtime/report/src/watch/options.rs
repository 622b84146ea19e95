//! Options for monitoring a run.

use aam_api::options::Facts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Files for monitoring a run.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct WatchOptions {
    /// Write event files for TensorBoard.
    #[schemars(transform = Facts::new().may_change().changes_no_result()
        .because("as in the reference; it costs a few percent of a short training"))]
    pub tensorboard: bool,
    /// Write report.html, a page that summarises the run.
    #[schemars(transform = Facts::new().may_change().changes_no_result()
        .because("it costs a fraction of a second, once"))]
    pub report: bool,
}

impl WatchOptions {
    /// The record alone.
    pub const RECORD: Self = Self {
        tensorboard: false,
        report: false,
    };
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            tensorboard: true,
            report: true,
        }
    }
}
