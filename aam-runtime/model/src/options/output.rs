//! Settings of what a head's outputs become.

use aam_api::options::{Facts, Heading};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Activation;

/// What happens to the outputs of the head of a column of numbers.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(transform = Heading("Output"))]
pub struct OutputOptions {
    /// Normalise the sample's embedding before the head; without it only with attention pooling.
    #[schemars(transform = Facts::new().otherwise("by the pooling")
        .because("profiles of abundance pooling are standardised already"))]
    pub target_layer_norm: Option<bool>,
    /// Categorical columns each of whose levels has a learned scale and shift of the output.
    pub conditional_output_scaling: Vec<String>,
    /// Learn a scale and a shift of the output.
    pub learnable_output_scale: bool,
    /// What bounds the output, on the scale of the target's transform.
    #[schemars(transform = Facts::new().switch("bounded-targets", "sigmoid")
        .switch("unbounded-targets", "none")
        .because("a transform of the target does more, and at no risk"))]
    pub output_activation: Activation,
}
