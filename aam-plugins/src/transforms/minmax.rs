//! Min–max scaling.

use aam_api::options::{Facts, Spelling};
use aam_api::{PluginError, TrainingTargets, TransformConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::linear::Linear;

/// `(y − min) / (max − min)`.
///
/// Training values are in [0, 1]; a single outlier compresses the others.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(transform = Facts::new().spelling(
    Spelling::flag("normalize-targets").sets("minmax").yields()
))]
pub struct MinmaxConfig {}

impl TransformConfig for MinmaxConfig {
    const NAME: &'static str = "minmax";
    type Fitted = Linear;

    fn fit(&self, targets: &TrainingTargets<'_>) -> Result<Linear, PluginError> {
        Ok(Linear::minmax(targets.values))
    }
}

aam_api::register!(aam_api::TransformKind, MinmaxConfig);
