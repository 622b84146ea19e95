//! The input of a model for a batch.

use aam_api::SampleAsvs;
use burn::tensor::{Int, Tensor};

/// A batch: its distinct ASVs, and which of them occur in each sample.
#[derive(Clone, Debug)]
pub struct ModelInput {
    /// Tokens of the distinct ASVs, grouped by length: `[ASVs of the group, length]` each,
    /// including the start token. Empty if embeddings of the ASVs are given instead.
    pub groups: Vec<Tensor<2, Int>>,
    /// The ASVs of each sample, by their rows in the concatenation of the groups.
    pub samples: SampleAsvs,
    /// The ids of each sample in each categorical column, `[batch, columns]`, in the order of the
    /// schema; 0 is unknown or missing.
    pub categories: Option<Tensor<2, Int>>,
}
