//! Z-score of logarithms.

use aam_api::{PluginError, TrainingTargets, TransformConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::linear::{Linear, LogLinear};

/// `ln(y + 1)`, then `zscore`.
///
/// For values above −1 whose ratios matter rather than their differences.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct LogZscoreConfig {}

impl TransformConfig for LogZscoreConfig {
    const NAME: &'static str = "log-zscore";
    type Fitted = LogLinear;

    fn fit(&self, targets: &TrainingTargets<'_>) -> Result<LogLinear, PluginError> {
        Ok(LogLinear::fit(targets.values, Linear::zscore))
    }

    fn check(&self, y: f64) -> Result<(), String> {
        LogLinear::check(y)
    }

    fn gives_negatives(&self) -> bool {
        true
    }
}

aam_api::register!(aam_api::TransformKind, LogZscoreConfig);
