//! Observations of the parts of a model.

use aam_api::{Attention, AttentionKeys, AttentionQueries, Observation};
use burn::tensor::Tensor;

/// The part of a model that pools the ASVs of a sample.
pub const POOLING: &str = "pooling";

/// Marks `observations` as those of a component of the kind `part`.
pub(super) fn from_part(
    part: &'static str,
    observations: Vec<Observation>,
) -> impl Iterator<Item = Observation> {
    let all = observations.into_iter();
    all.map(move |seen| seen.from_part(part))
}

/// The weights of attention pooling, `[batch, asvs]`.
pub(super) fn of_pooling(weights: Tensor<2>) -> Observation {
    let [batch, asvs] = weights.dims();
    let weights = weights.reshape([batch, 1, 1, asvs]);
    let attention = Attention::new(AttentionQueries::Sample, [AttentionKeys::Asvs]);
    Observation::attention(weights, attention).from_part(POOLING)
}
