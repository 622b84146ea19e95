//! Values that components expose for inspection.

use burn::tensor::Tensor;

/// A value that a component exposes for inspection; it does not affect the result.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Observation {
    /// What it is, for example `attention`.
    pub name: &'static str,
    /// `[batch, heads, queries, keys]` for attention weights, `[batch, 1, 1, dim]` for gates.
    pub values: Tensor<4>,
    /// What a run reports about it after every epoch.
    pub logged: Logged,
}

impl Observation {
    /// Values `[batch, …]` named `name`, of which a run reports what `logged` says.
    pub fn new(name: &'static str, values: Tensor<4>, logged: Logged) -> Self {
        Self {
            name,
            values,
            logged,
        }
    }
}

/// What a run reports about an [`Observation`] after every epoch: means over the validation samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logged {
    /// Nothing, for example for attention over ASVs, some of which are padding.
    Nothing,
    /// The mean of all values.
    Mean,
    /// The mean at each position of the last dimension, numbered from 1.
    Each,
}
