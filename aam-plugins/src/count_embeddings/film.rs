//! Scales and shifts the embedding depending on the abundance.

use aam_api::{CountEmbedding, CountEmbeddingConfig, CountEmbeddingContext, PluginError};
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Scales and shifts the embedding depending on the abundance: `e' = e (1 + γ) + β`, `[γ ; β] = a w + b`.
///
/// `e` `[dim]` is the embedding of an ASV, `a` its abundance, `w` and `b` are `[2 dim]`. Perez et al.,
/// *FiLM: Visual reasoning with a general conditioning layer*, AAAI 2018.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct FilmCountEmbeddingConfig {}

/// The count embedding that [`FilmCountEmbeddingConfig`] builds.
#[derive(Module, Debug)]
pub struct FilmCountEmbedding {
    embed: Linear,
}

impl CountEmbeddingConfig for FilmCountEmbeddingConfig {
    const NAME: &'static str = "film";
    type CountEmbedding = FilmCountEmbedding;

    fn init(
        &self,
        context: &CountEmbeddingContext,
        device: &Device,
    ) -> Result<FilmCountEmbedding, PluginError> {
        Ok(FilmCountEmbedding {
            embed: LinearConfig::new(1, 2 * context.dim).init(device),
        })
    }
}

impl CountEmbedding for FilmCountEmbedding {
    fn forward(&self, asvs: Tensor<3>, abundances: Tensor<3>) -> Tensor<3> {
        let [batch, slots, dim] = asvs.dims();
        let embedded = self.embed.forward(abundances);
        let part = |i: usize| {
            embedded
                .clone()
                .slice([0..batch, 0..slots, i * dim..(i + 1) * dim])
        };
        asvs * (part(0) + 1.0) + part(1)
    }
}

aam_api::register!(aam_api::CountEmbeddingKind, FilmCountEmbeddingConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::{assert_close, asvs, linear};

    #[test]
    fn is_a_scale_and_a_shift() {
        let embedding = FilmCountEmbedding {
            embed: linear([[1.0, 10.0]], [0.0, 0.5]),
        };
        let found = embedding.forward(asvs([[4.0], [2.0]]), asvs([[3.0], [0.0]]));
        assert_close(found, &[46.5, 2.5]);
    }
}
