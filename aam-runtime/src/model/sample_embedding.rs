//! From the profile of a sample to the vector that fusion and head see.

use burn::module::{Initializer, Module};
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::activation::gelu;
use burn::tensor::{Device, Tensor};

use super::abundance_pooling::QUANTITIES;
use super::dropout::drop;
use super::{MixedPrecision, ModelConfig};

/// A hidden layer over profiles.
///
/// Profiles are about 1 long whatever their width, so its weights start from N(0, 1): smaller ones,
/// as for inputs of unit variance, would leave it linear, and it would take more steps than a small
/// study bears to make it otherwise.
#[derive(Module, Debug)]
pub struct SampleEmbedding {
    hidden: Linear,
    dropout: Dropout,
    #[module(skip)]
    precision: MixedPrecision,
}

impl SampleEmbedding {
    /// Builds the layer.
    pub fn new(config: &ModelConfig, device: &Device) -> Self {
        let normal = |std: f64| Initializer::Normal { mean: 0.0, std };
        let (input, output) = (QUANTITIES * config.profile_features, config.sample_dim);
        Self {
            hidden: Linear {
                bias: Some(normal(0.3).init([output], device)),
                ..LinearConfig::new(input, output)
                    .with_bias(false)
                    .with_initializer(normal(1.0))
                    .init(device)
            },
            dropout: DropoutConfig::new(config.sample_dropout).init(),
            precision: MixedPrecision::None,
        }
    }

    /// With a matrix product of the numbers of `precision`.
    pub fn with_precision(self, precision: MixedPrecision) -> Self {
        Self { precision, ..self }
    }

    /// `[batch, sample_dim]` from profiles `[batch, features]`.
    pub fn forward(&self, profiles: Tensor<2>) -> Tensor<2> {
        // Outliers, which are far longer than the rest, are drawn in.
        let length = profiles.clone().square().sum_dim(1).sqrt();
        let profiles = profiles * 2.0 / (length + 1.0);
        let hidden = self.precision.linear(&self.hidden, profiles);
        drop(&self.dropout, gelu(hidden))
    }
}
