//! Sizes of a whole model, chosen by the user.

/// Sizes of a model, set by presets and flags such as `--attention-layers`. An encoder uses those that
/// apply to it, unless one of its own options overrides them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ModelSizes {
    /// Width of the embeddings of ASVs and samples.
    pub dim: usize,
    /// Attention heads of every transformer; must divide `dim`.
    pub heads: usize,
    /// Transformer layers over the bases of an ASV.
    pub asv_layers: usize,
    /// Transformer layers over the ASVs of a sample.
    pub sample_layers: usize,
    /// Additional layers over the ASVs, before the pooling that gives a sample's embedding.
    pub encoder_layers: usize,
    /// Width of the feed-forward part of a transformer layer.
    pub feed_forward: usize,
    /// Features of the profile from which abundance pooling predicts distances, per weighting.
    pub profile_features: usize,
    /// Features of a sample's composition with abundance pooling; the head receives the cosine and the sine
    /// of each.
    pub composition_features: usize,
    /// Dropout of every transformer, in [0, 1).
    pub dropout: f64,
    /// Whether all layers of a transformer start with the same weights, as in the reference implementation.
    pub identical_layers: bool,
}

impl ModelSizes {
    /// Small sizes of an even width `dim`, without dropout.
    pub fn new(dim: usize) -> Self {
        Self {
            dim,
            heads: 2,
            asv_layers: 1,
            sample_layers: 1,
            encoder_layers: 1,
            feed_forward: 2 * dim,
            profile_features: 32,
            composition_features: 32,
            dropout: 0.0,
            identical_layers: false,
        }
    }
}
