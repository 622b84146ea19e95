//! Min–max scaling of logarithms.

use aam_api::options::Facts;
use aam_api::{PluginError, TrainingTargets, TransformConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::linear::{Linear, LogLinear};

/// `ln(y + 1)`, then `minmax`.
///
/// For values above −1 whose ratios matter rather than their differences.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(transform = Facts::new().switch("log-transform-targets", "log-minmax"))]
pub struct LogMinmaxConfig {}

impl TransformConfig for LogMinmaxConfig {
    const NAME: &'static str = "log-minmax";
    type Fitted = LogLinear;

    fn fit(&self, targets: &TrainingTargets<'_>) -> Result<LogLinear, PluginError> {
        Ok(LogLinear::fit(targets.values, Linear::minmax))
    }

    fn check(&self, y: f64) -> Result<(), String> {
        LogLinear::check(y)
    }
}

aam_api::register!(aam_api::TransformKind, LogMinmaxConfig);
