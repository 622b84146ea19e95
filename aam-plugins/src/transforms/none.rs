//! No transform.

use aam_api::options::Facts;
use aam_api::{PluginError, TrainingTargets, TransformConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::linear::Linear;

/// No transform.
///
/// Outputs start at 0 and should have a size of a few units; values of other sizes are learned slowly.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(transform = Facts::new().switch("no-normalize-targets", "none"))]
pub struct NoTransformConfig {}

impl TransformConfig for NoTransformConfig {
    const NAME: &'static str = "none";
    type Fitted = Linear;

    fn fit(&self, _: &TrainingTargets<'_>) -> Result<Linear, PluginError> {
        Ok(Linear::identity())
    }
}

aam_api::register!(aam_api::TransformKind, NoTransformConfig);
