//! How the abundance of an ASV joins its embedding.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use super::config::{CountEmbedding, CountScale, ModelConfig};

/// Joins abundances and embeddings of ASVs.
#[derive(Module, Debug)]
pub(crate) struct CountEmbedder {
    embed: Linear,
    project: Option<Linear>,
    #[module(skip)]
    method: CountEmbedding,
    #[module(skip)]
    scale: CountScale,
}

impl CountEmbedder {
    /// The embedder of the model, unless it ignores abundances.
    pub(crate) fn new(config: &ModelConfig, device: &Device) -> Option<Self> {
        let dim = config.dim;
        let (width, project) = match config.count_embedding {
            CountEmbedding::None => return None,
            CountEmbedding::Add => (dim, None),
            CountEmbedding::Concat => (dim, Some(LinearConfig::new(2 * dim, dim).init(device))),
            CountEmbedding::Film => (2 * dim, None),
        };
        Some(Self {
            embed: LinearConfig::new(1, width).init(device),
            project,
            method: config.count_embedding,
            scale: config.count_scale,
        })
    }

    /// `asvs` is `[batch, asvs, dim]`, `counts` `[batch, asvs]` with 0 at padding.
    pub(crate) fn forward(&self, asvs: Tensor<3>, counts: Tensor<2>) -> Tensor<3> {
        let [batch, slots, dim] = asvs.dims();
        let abundance = match self.scale {
            CountScale::Count => counts,
            CountScale::Relative => {
                let reads = counts.clone().sum_dim(1).clamp_min(1.0);
                counts / reads * 1e4
            }
        };
        let embedded = self
            .embed
            .forward(abundance.log1p().reshape([batch, slots, 1]));
        match (self.method, &self.project) {
            (CountEmbedding::None, _) => asvs,
            (CountEmbedding::Film, _) => {
                let part = |i: usize| {
                    embedded
                        .clone()
                        .slice([0..batch, 0..slots, i * dim..(i + 1) * dim])
                };
                asvs * (part(0) + 1.0) + part(1)
            }
            (_, Some(project)) => project.forward(Tensor::cat(vec![asvs, embedded], 2)),
            (_, None) => asvs + embedded,
        }
    }
}
