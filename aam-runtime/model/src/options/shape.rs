//! Size and shape of a model.

use aam_api::options::{Facts, Heading};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CountScale, DistanceScale, Preset, Quirk};

/// Size and shape of the model. Options that are not given are set by the preset.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(transform = Heading("Model"))]
pub struct ModelOptions {
    /// Preset: tiny and small train in minutes on a laptop, base has the size of the reference.
    #[schemars(transform = Facts::new()
        .because("trains in minutes on a laptop and performs as well as a Random Forest or better"))]
    pub preset: Preset,
    /// Width of all embeddings.
    #[schemars(range(min = 1, max = 16_384), transform = Facts::new().otherwise("by the preset"))]
    pub embedding_dim: Option<usize>,
    /// Number of attention heads of every transformer. Must divide the embedding width.
    #[schemars(
        range(min = 1, max = 1_024),
        transform = Facts::new().otherwise("by the preset").because("as in the reference")
    )]
    pub attention_heads: Option<usize>,
    /// Number of layers of every transformer.
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
    /// Abundance measure used with attention pooling.
    #[schemars(transform = Facts::new().otherwise("by the pooling")
        .because("raw counts span orders of magnitude"))]
    pub count_scale: Option<CountScale>,
    /// Measure of the distance between sample embeddings, which is compared with UniFrac.
    #[schemars(transform = Facts::new().otherwise("by the preset")
        .because("predicted distances start on the scale of the true ones"))]
    pub distance_scale: Option<DistanceScale>,
    /// Behaviours of the reference implementation to reproduce; `reference` selects all of them.
    pub compatibility: Vec<Quirk>,
}
