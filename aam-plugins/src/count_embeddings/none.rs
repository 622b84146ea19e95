//! Ignores abundance.

use aam_api::options::Facts;
use aam_api::{CountEmbedding, CountEmbeddingConfig, CountEmbeddingContext, PluginError};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Ignores abundance: `e' = e`. A sample is the set of its ASVs.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(transform = Facts::new().switch("no-count-embedding", "none"))]
pub struct NoCountEmbeddingConfig {}

/// The count embedding that [`NoCountEmbeddingConfig`] builds.
#[derive(Module, Debug)]
pub struct NoCountEmbedding;

impl CountEmbeddingConfig for NoCountEmbeddingConfig {
    const NAME: &'static str = "none";
    type CountEmbedding = NoCountEmbedding;

    fn init(
        &self,
        _context: &CountEmbeddingContext,
        _device: &Device,
    ) -> Result<NoCountEmbedding, PluginError> {
        Ok(NoCountEmbedding)
    }
}

impl CountEmbedding for NoCountEmbedding {
    fn forward(&self, asvs: Tensor<3>, _abundances: Tensor<3>) -> Tensor<3> {
        asvs
    }
}

aam_api::register!(aam_api::CountEmbeddingKind, NoCountEmbeddingConfig);
