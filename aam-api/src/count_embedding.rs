//! Count embeddings: how the abundance of an ASV enters its embedding.

use burn::tensor::Tensor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Stage;

/// The measure of an ASV's abundance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CountScale {
    /// ln(1 + reads).
    #[default]
    Count,
    /// ln(1 + 10,000 × share of the sample's reads), which does not depend on sequencing depth.
    Relative,
}

impl CountScale {
    /// Returns the abundances of samples with `counts`; both are `[batch, asvs]` with 0 at padding.
    pub fn abundance(self, counts: Tensor<2>) -> Tensor<2> {
        let counts = match self {
            Self::Count => counts,
            Self::Relative => {
                let reads = counts.clone().sum_dim(1).clamp_min(1.0);
                counts / reads * 1e4
            }
        };
        counts.log1p()
    }
}

/// What a count embedding is built from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CountEmbeddingContext {
    /// Width of the embeddings of ASVs.
    pub dim: usize,
}

impl CountEmbeddingContext {
    /// A context for embeddings of width `dim`.
    pub fn new(dim: usize) -> Self {
        Self { dim }
    }
}

/// A count embedding.
pub trait CountEmbedding {
    /// Combines embeddings `asvs`, `[batch, asvs, dim]`, with their `abundances`, `[batch, asvs, 1]` with
    /// 0 at padding, into embeddings of the same shape, each from its own ASV alone. The output at padding
    /// is ignored.
    fn forward(&self, asvs: Tensor<3>, abundances: Tensor<3>) -> Tensor<3>;
}

crate::define_kind! {
    /// The kind of [`CountEmbedding`]s.
    pub struct CountEmbeddingKind: Kind<Context = CountEmbeddingContext> {
        const NAME: &'static str = "count-embedding";
        const ALIASES: &'static [&'static str] = &["count-embedding-method"];
        const SUMMARY: &'static str =
            "How the abundance of an ASV enters its embedding, with attention over ASVs";
        const CHOSEN_IN: &'static [Stage] = &[Stage::Pretraining, Stage::Training];
        const PLACE: u32 = 64;
    }

    /// The options of a count embedding and how to build it.
    pub trait CountEmbeddingConfig {
        /// What it builds.
        type CountEmbedding: CountEmbedding;
    }

    /// A count embedding of any type as a Burn module.
    pub type BoxedCountEmbedding = module;
}
