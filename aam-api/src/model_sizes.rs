//! Sizes that the user chooses for a whole model.

/// Sizes of a model as presets and flags such as `--attention-layers` give them. An encoder follows
/// those that mean something to it, unless an option of its own says otherwise.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ModelSizes {
    /// Width of the embeddings of ASVs and samples.
    pub dim: usize,
    /// Attention heads of every transformer; they divide `dim`.
    pub heads: usize,
    /// Transformer layers over the bases of an ASV.
    pub asv_layers: usize,
    /// Transformer layers over the ASVs of a sample.
    pub sample_layers: usize,
    /// Further layers over the ASVs, before the pooling that gives a sample's embedding.
    pub encoder_layers: usize,
    /// Width of the feed-forward part of a transformer's layer.
    pub feed_forward: usize,
    /// Features of the profile from which abundance pooling predicts distances, for each weighting.
    pub profile_features: usize,
    /// Features of a sample's composition, which a head sees of it with abundance pooling.
    pub composition_features: usize,
    /// Dropout of every transformer, in [0, 1).
    pub dropout: f64,
    /// All layers of a transformer start with the same weights, as in the reference implementation.
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
