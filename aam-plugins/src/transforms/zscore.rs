//! Z-score.

use aam_api::options::Facts;
use aam_api::{PluginError, TrainingTargets, TransformConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::linear::Linear;

/// `(y − mean) / standard deviation`.
///
/// The standard deviation is that of the population (divided by the number of values).
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(transform = Facts::new().because("a single outlier determines a min–max scale"))]
pub struct ZscoreConfig {}

impl TransformConfig for ZscoreConfig {
    const NAME: &'static str = "zscore";
    type Fitted = Linear;

    fn fit(&self, targets: &TrainingTargets<'_>) -> Result<Linear, PluginError> {
        Ok(Linear::zscore(targets.values))
    }

    fn gives_negatives(&self) -> bool {
        true
    }
}

aam_api::register!(aam_api::TransformKind, ZscoreConfig);
