//! Concatenates a linear map of the abundance with the embedding, and projects back.

use aam_api::{CountEmbedding, CountEmbeddingConfig, CountEmbeddingContext, PluginError};
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Concatenates a linear map of the abundance with the embedding, and projects back:
/// `e' = [e ; a w + b] W + c`.
///
/// `e` `[dim]` is the embedding of an ASV, `a` its abundance, `w` and `b` are `[dim]`, `W` is
/// `[2 dim, dim]` and `c` `[dim]`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ConcatCountEmbeddingConfig {}

/// The count embedding that [`ConcatCountEmbeddingConfig`] builds.
#[derive(Module, Debug)]
pub struct ConcatCountEmbedding {
    embed: Linear,
    project: Linear,
}

impl CountEmbeddingConfig for ConcatCountEmbeddingConfig {
    const NAME: &'static str = "concat";
    type CountEmbedding = ConcatCountEmbedding;

    fn init(
        &self,
        context: &CountEmbeddingContext,
        device: &Device,
    ) -> Result<ConcatCountEmbedding, PluginError> {
        let dim = context.dim;
        Ok(ConcatCountEmbedding {
            embed: LinearConfig::new(1, dim).init(device),
            project: LinearConfig::new(2 * dim, dim).init(device),
        })
    }
}

impl CountEmbedding for ConcatCountEmbedding {
    fn forward(&self, asvs: Tensor<3>, abundances: Tensor<3>) -> Tensor<3> {
        let embedded = self.embed.forward(abundances);
        self.project.forward(Tensor::cat(vec![asvs, embedded], 2))
    }
}

aam_api::register!(aam_api::CountEmbeddingKind, ConcatCountEmbeddingConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::{assert_close, asvs, linear};

    #[test]
    fn is_a_projection_of_both() {
        let embedding = ConcatCountEmbedding {
            embed: linear([[2.0]], [1.0]),
            project: linear([[10.0], [1.0]], [0.5]),
        };
        let found = embedding.forward(asvs([[4.0], [0.0]]), asvs([[3.0], [0.0]]));
        assert_close(found, &[47.5, 1.5]);
    }
}
