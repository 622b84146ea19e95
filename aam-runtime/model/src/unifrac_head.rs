//! Predicted UniFrac distances between the samples of a batch: the tanh of the distance between
//! their embeddings.

use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Tensor};

use super::{DistanceScale, ModelConfig};

/// Lower bound of squared distances, which keeps the gradient of the square root finite.
const LEAST_SQUARE: f64 = 1e-8;
/// Up to this many values, `samples² × dim`, differences are computed explicitly.
const DIRECT: usize = 1 << 25;

/// Predicts distances.
#[derive(Module, Debug)]
pub struct UnifracHead {
    log_factor: Option<Param<Tensor<1>>>,
    scale: f64,
}

impl UnifracHead {
    /// Builds the head.
    pub fn new(config: &ModelConfig, device: &Device) -> Self {
        let root = (config.dim as f64).sqrt();
        let (learnable, scale) = match config.distance_scale {
            DistanceScale::Relative => (false, root),
            DistanceScale::Learnable => (true, root),
            DistanceScale::Fixed => (false, 10.0),
        };
        Self {
            log_factor: learnable.then(|| Initializer::Zeros.init([1], device)),
            scale,
        }
    }

    /// Sets the learned factor such that predicted distances are initially, on average, as large as
    /// the true ones, on the scale before the tanh. `samples` is `[batch, dim]`, `truth` is in
    /// row-major order.
    pub fn with_scale_of(mut self, samples: Tensor<2>, truth: &[f64]) -> Self {
        let Some(log_factor) = self.log_factor.take() else {
            return self;
        };
        let distances = squared_distances(samples.detach())
            .clamp_min(LEAST_SQUARE)
            .sqrt();
        let predicted: f64 = distances.into_data().iter::<f64>().sum::<f64>() / self.scale;
        // A distance of 1 is outside the range of tanh.
        let wanted: f64 = truth.iter().map(|&d| d.clamp(0.0, 0.999).atanh()).sum();
        let factor = (predicted / wanted).ln();
        let factor = if factor.is_finite() { factor } else { 0.0 };
        let learns = log_factor.is_require_grad();
        let set = |value: Tensor<1>| {
            let value = value.zeros_like().detach() + factor;
            value.set_require_grad(learns)
        };
        self.log_factor = Some(log_factor.map(set));
        self
    }

    /// The distances, `[batch, batch]` in [0, 1), zero on the diagonal, from the embeddings
    /// `[batch, dim]`.
    pub fn forward(&self, samples: Tensor<2>) -> Tensor<2> {
        let [batch, _] = samples.dims();
        let mut distances = squared_distances(samples).clamp_min(LEAST_SQUARE).sqrt() / self.scale;
        if let Some(log_factor) = &self.log_factor {
            distances = distances / log_factor.val().exp().unsqueeze_dim(0);
        }
        let hollow = 1.0 - Tensor::eye(batch, &distances.device());
        distances.tanh() * hollow
    }
}

fn squared_distances(samples: Tensor<2>) -> Tensor<2> {
    let [batch, dim] = samples.dims();
    if batch * batch * dim <= DIRECT {
        let rows: Tensor<3> = samples.clone().unsqueeze_dim(1);
        let columns: Tensor<3> = samples.unsqueeze_dim(0);
        return (rows - columns).square().sum_dim(2).reshape([batch, batch]);
    }
    let squares = samples.clone().square().sum_dim(1);
    let products = samples.clone().matmul(samples.transpose());
    squares.clone() + squares.transpose() - products * 2.0
}
