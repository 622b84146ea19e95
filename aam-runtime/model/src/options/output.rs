//! Options of how a head's outputs are transformed.

use aam_api::options::{Facts, Heading};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Activation;

/// How the head outputs of a numeric target are transformed.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(transform = Heading("Output"))]
pub struct OutputOptions {
    /// Normalise the sample embedding before the head. Default: only with attention pooling.
    #[schemars(transform = Facts::new().otherwise("by the pooling")
        .because("profiles of abundance pooling are standardised already"))]
    pub target_layer_norm: Option<bool>,
    /// Categorical columns each of whose levels has a learned scale and shift of the output.
    pub conditional_output_scaling: Vec<String>,
    /// Learn a scale and a shift of the output.
    pub learnable_output_scale: bool,
    /// How the output is bounded, on the transformed scale of the target.
    #[schemars(transform = Facts::new().switch("bounded-targets", "sigmoid")
        .switch("unbounded-targets", "none")
        .because("a target transform is more effective and carries no risk"))]
    pub output_activation: Activation,
}
