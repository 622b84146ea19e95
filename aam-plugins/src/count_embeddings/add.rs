//! Adds a linear map of the abundance.

use aam_api::options::Facts;
use aam_api::{CountEmbedding, CountEmbeddingConfig, CountEmbeddingContext, PluginError};
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Adds a linear map of the abundance: `e' = e + a w + b`.
///
/// `e` `[dim]` is the embedding of an ASV, `a` its abundance, `w` and `b` are `[dim]`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(transform = Facts::new().bare("add"))]
pub struct AddCountEmbeddingConfig {}

/// The count embedding that [`AddCountEmbeddingConfig`] builds.
#[derive(Module, Debug)]
pub struct AddCountEmbedding {
    embed: Linear,
}

impl CountEmbeddingConfig for AddCountEmbeddingConfig {
    const NAME: &'static str = "add";
    type CountEmbedding = AddCountEmbedding;

    fn init(
        &self,
        context: &CountEmbeddingContext,
        device: &Device,
    ) -> Result<AddCountEmbedding, PluginError> {
        Ok(AddCountEmbedding {
            embed: LinearConfig::new(1, context.dim).init(device),
        })
    }
}

impl CountEmbedding for AddCountEmbedding {
    fn forward(&self, asvs: Tensor<3>, abundances: Tensor<3>) -> Tensor<3> {
        asvs + self.embed.forward(abundances)
    }
}

aam_api::register!(aam_api::CountEmbeddingKind, AddCountEmbeddingConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::{assert_close, asvs, linear};

    #[test]
    fn is_a_sum() {
        let embedding = AddCountEmbedding {
            embed: linear([[2.0, -1.0]], [0.5, 0.0]),
        };
        let found = embedding.forward(asvs([[1.0, 2.0], [0.0, 0.0]]), asvs([[3.0], [0.0]]));
        assert_close(found, &[7.5, -1.0, 0.5, 0.0]);
    }
}
