//! What a model is given of a batch.

use aam_api::SampleAsvs;
use burn::tensor::{Int, Tensor};

/// A batch: the distinct ASVs in it, and which of them each sample has.
#[derive(Clone, Debug)]
pub struct ModelInput {
    /// Tokens of the distinct ASVs, in groups of one length: each `[ASVs of the group, length]`,
    /// start token included. Empty where embeddings of the ASVs are given instead.
    pub groups: Vec<Tensor<2, Int>>,
    /// Which ASVs each sample has, by their rows in the concatenation of the groups.
    pub samples: SampleAsvs,
    /// Id of each sample in each categorical column, `[batch, columns]`, in the order of the
    /// schema; 0 stands for unknown or missing.
    pub categories: Option<Tensor<2, Int>>,
}
