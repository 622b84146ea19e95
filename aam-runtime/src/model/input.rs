//! What a model is given of a batch.

use burn::tensor::{Bool, Int, Tensor};

/// A batch: the distinct ASVs in it, and which of them each sample has.
#[derive(Clone, Debug)]
pub struct ModelInput {
    /// Tokens of the distinct ASVs, in groups of one length: each `[ASVs of the group, length]`,
    /// start token included. Empty where embeddings of the ASVs are given instead.
    pub groups: Vec<Tensor<2, Int>>,
    /// Row of each ASV of each sample in the concatenation of the groups, `[batch, asvs]`; any
    /// valid row at padding.
    pub index: Tensor<2, Int>,
    /// True at an ASV, false at padding, `[batch, asvs]`.
    pub mask: Tensor<2, Bool>,
    /// Reads of each ASV, 0 at padding, `[batch, asvs]`.
    pub counts: Tensor<2>,
    /// Id of each sample in each categorical column, `[batch, columns]`, in the order of the
    /// schema; 0 stands for unknown or missing.
    pub categories: Option<Tensor<2, Int>>,
}
