//! What components let people look at.

use burn::tensor::Tensor;

/// Something a component lets people look at, without a part in the result.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Observation {
    /// What it is, for example `attention`.
    pub name: &'static str,
    /// `[batch, heads, queries, keys]` for attention weights, `[batch, 1, 1, dim]` for gates.
    pub values: Tensor<4>,
    /// What a run tells of it after every epoch.
    pub logged: Logged,
}

impl Observation {
    /// Values `[batch, …]` called `name`, of which a run reports what `logged` says.
    pub fn new(name: &'static str, values: Tensor<4>, logged: Logged) -> Self {
        Self {
            name,
            values,
            logged,
        }
    }
}

/// What a run tells of an [`Observation`] after every epoch: means over the validation samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logged {
    /// Nothing, as of attention over ASVs, of which some are padding.
    Nothing,
    /// The mean of all values.
    Mean,
    /// The mean of each place of the last dimension; they are numbered from 1.
    Each,
}
