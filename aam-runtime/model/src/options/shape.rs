//! Size and shape of a model.

use aam_api::options::{Facts, Heading};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CountScale, DistanceScale, Preset, Quirk};

/// Size and shape of the model; what is not given comes from the preset.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(transform = Heading("Model"))]
pub struct ModelOptions {
    /// Sizes: tiny and small train in minutes on a laptop, base is the reference's size.
    #[schemars(transform = Facts::new()
        .because("trains in minutes on a laptop and is level with a Random Forest or above it"))]
    pub preset: Preset,
    /// Width of every embedding.
    #[schemars(range(min = 1, max = 16_384), transform = Facts::new().otherwise("by the preset"))]
    pub embedding_dim: Option<usize>,
    /// Attention heads of every transformer; must divide the width.
    #[schemars(
        range(min = 1, max = 1_024),
        transform = Facts::new().otherwise("by the preset").because("as in the reference")
    )]
    pub attention_heads: Option<usize>,
    /// Layers of every transformer.
    #[schemars(range(max = 1_000), transform = Facts::new().otherwise("by the preset"))]
    pub attention_layers: Option<usize>,
    /// Width of the feed-forward part of every transformer layer, as a multiple of `embedding-dim`.
    #[schemars(
        range(max = 64.0), extend("exclusiveMinimum" = 0),
        transform = Facts::new().otherwise("by the preset")
    )]
    pub ffn_ratio: Option<f64>,
    /// Dropout of every transformer, in [0, 1).
    #[schemars(
        range(min = 0.0), extend("exclusiveMaximum" = 1),
        transform = Facts::new().search(0.0, 0.5).otherwise("by the preset")
    )]
    pub dropout: Option<f64>,
    /// What is taken for abundance, with attention pooling.
    #[schemars(transform = Facts::new().otherwise("by the pooling")
        .because("raw counts span orders of magnitude"))]
    pub count_scale: Option<CountScale>,
    /// What distances between samples are measured in before they are compared with UniFrac.
    #[schemars(transform = Facts::new().otherwise("by the preset")
        .because("starts where predicted distances are as large as the true ones"))]
    pub distance_scale: Option<DistanceScale>,
    /// Ways of the reference implementation to follow; `reference` stands for all of them.
    pub compatibility: Vec<Quirk>,
}
