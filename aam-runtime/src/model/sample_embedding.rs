//! From the profile of a sample to the vector that fusion and head see.

use burn::module::{Initializer, Module};
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::activation::gelu;
use burn::tensor::{Device, Tensor};

use super::ModelConfig;
use super::abundance_pooling::QUANTITIES;
use super::dropout::drop;

/// A hidden layer over profiles.
///
/// Profiles are about 1 long whatever their width, so its weights start from N(0, 1): smaller ones,
/// as for inputs of unit variance, would leave it linear, and it would take more steps than a small
/// study bears to make it otherwise.
#[derive(Module, Debug)]
pub struct SampleEmbedding {
    hidden: Linear,
    dropout: Dropout,
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
        }
    }

    /// `[batch, sample_dim]` from profiles `[batch, features]`.
    pub fn forward(&self, profiles: Tensor<2>) -> Tensor<2> {
        // Outliers, which are far longer than the rest, are drawn in.
        let length = profiles.clone().square().sum_dim(1).sqrt();
        let profiles = profiles * 2.0 / (length + 1.0);
        drop(&self.dropout, gelu(self.hidden.forward(profiles)))
    }
}
