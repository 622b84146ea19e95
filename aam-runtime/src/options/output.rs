//! Settings of what a head's outputs become.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Activation;

/// What happens to the outputs of the head of a column of numbers.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct OutputOptions {
    /// Normalise the sample's embedding before the head; without it only with attention pooling.
    pub target_layer_norm: Option<bool>,
    /// Categorical columns each of whose levels has a learned scale and shift of the output.
    pub conditional_output_scaling: Vec<String>,
    /// Learn a scale and a shift of the output.
    pub learnable_output_scale: bool,
    /// What bounds the output, on the scale of the target's transform.
    pub output_activation: Activation,
}
