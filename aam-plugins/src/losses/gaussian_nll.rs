//! Negative log-likelihood of a normal distribution.

use std::f64::consts::{SQRT_2, TAU};

use aam_api::export::{ExportedPrediction, Graph, Value};
use aam_api::{Loss, LossConfig, LossContext, PluginError, Prediction};
use burn::module::Module;
use burn::tensor::activation::tanh;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::function::erf::erf_inv;

/// Largest absolute log-variance, so that no sample's likelihood dominates all others.
const BOUND: f64 = 8.0;

/// Negative log-likelihood of a normal distribution: `(ln 2π + s + (y - μ)² / eˢ) / 2`.
///
/// Each target `y` has two outputs: the mean `μ`, and the log-variance `v`, which enters as
/// `s = ln(d² + exp(8 tanh(v / 8)))`. It is bounded and has a minimum standard deviation `d`, so that
/// samples that are fitted exactly do not dominate. The model thus estimates its uncertainty about each
/// sample. Nix and Weigend, *Estimating the mean and variance of the target probability distribution*,
/// IEEE ICNN 1994. Predicts the mean and a central interval with probability `coverage`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct GaussianNllLossConfig {
    /// Fraction of samples that the interval should cover, in (0, 1).
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub coverage: f64,
    /// Minimum standard deviation, at least 0, on the training scale: with a z-score, as a fraction of the
    /// target's own. Without such a minimum, a model soon becomes overconfident about the samples it has
    /// memorised if there are few.
    #[schemars(range(min = 0.0))]
    pub least_deviation: f64,
}

impl Default for GaussianNllLossConfig {
    fn default() -> Self {
        Self {
            coverage: 0.8,
            least_deviation: 0.1,
        }
    }
}

/// The loss that [`GaussianNllLossConfig`] builds.
#[derive(Module, Debug)]
pub struct GaussianNllLoss {
    /// Half-width of the interval, in standard deviations.
    deviations: f64,
    least_deviation: f64,
}

impl LossConfig for GaussianNllLossConfig {
    const NAME: &'static str = "gaussian-nll";
    type Loss = GaussianNllLoss;

    fn init(
        &self,
        context: &LossContext,
        _device: &Device,
    ) -> Result<GaussianNllLoss, PluginError> {
        context.expect_number(Self::NAME)?;
        Ok(GaussianNllLoss {
            deviations: deviations(self.coverage),
            least_deviation: self.least_deviation,
        })
    }
}

/// The half-width, in standard deviations, of a central interval with probability `coverage`.
fn deviations(coverage: f64) -> f64 {
    SQRT_2 * erf_inv(coverage)
}

impl GaussianNllLoss {
    /// Returns means and log-variances, each `[batch, targets]`.
    fn parameters(&self, values: Tensor<3>) -> (Tensor<2>, Tensor<2>) {
        let mean = values.clone().narrow(2, 0, 1).squeeze_dim(2);
        let free: Tensor<2> = values.narrow(2, 1, 1).squeeze_dim(2);
        let bounded = tanh(free.div_scalar(BOUND)).mul_scalar(BOUND);
        let variance = bounded.exp().add_scalar(self.least_deviation.powi(2));
        (mean, variance.log())
    }
}

impl Loss for GaussianNllLoss {
    fn outputs_per_target(&self) -> usize {
        2
    }

    fn forward(&self, values: Tensor<3>, target: Tensor<2>) -> Tensor<2> {
        let (mean, log_variance) = self.parameters(values);
        let error = target - mean;
        let square = error.clone() * error * log_variance.clone().neg().exp();
        (square + log_variance).add_scalar(TAU.ln()).mul_scalar(0.5)
    }

    fn predict(&self, values: Tensor<3>) -> Prediction {
        let (mean, log_variance) = self.parameters(values);
        let deviation = log_variance.mul_scalar(0.5).exp();
        let half = deviation.mul_scalar(self.deviations);
        Prediction::point(mean.clone()).with_interval(mean.clone() - half.clone(), mean + half)
    }

    fn export(&self, graph: &mut Graph, values: &Value) -> Option<ExportedPrediction> {
        let value = graph.columns(values, 0, 1);
        let free = graph.columns(values, 1, 2);
        let bound = graph.scalar(BOUND as f32);
        let bounded = graph.div(&free, &bound);
        let bounded = graph.map("Tanh", &bounded);
        let bounded = graph.mul(&bounded, &bound);
        let variance = graph.map("Exp", &bounded);
        let least = graph.scalar(self.least_deviation.powi(2) as f32);
        let variance = graph.add(&variance, &least);
        let deviation = graph.map("Sqrt", &variance);
        let deviations = graph.scalar(self.deviations as f32);
        let half = graph.mul(&deviation, &deviations);
        let interval = (graph.sub(&value, &half), graph.add(&value, &half));
        Some(ExportedPrediction::Number {
            value,
            interval: Some(interval),
        })
    }

    fn predicts_interval(&self) -> bool {
        true
    }
}

aam_api::register_loss!(GaussianNllLossConfig);

#[cfg(test)]
mod tests {
    use aam_api::LossKind;
    use serde_json::json;

    use super::*;
    use crate::known::{assert_close, device, matrix, refused};

    fn loss(coverage: f64) -> GaussianNllLoss {
        let context = LossContext::number();
        let config = GaussianNllLossConfig {
            coverage,
            ..GaussianNllLossConfig::default()
        };
        config.init(&context, &device()).expect("it is a share")
    }

    /// Outputs for the mean 1 and the given variance.
    fn values(variance: f64) -> Tensor<3> {
        let free = BOUND * ((variance - 0.01).ln() / BOUND).atanh();
        matrix([[1.0, free as f32]]).unsqueeze_dim(1)
    }

    #[test]
    fn is_the_logarithm_of_the_density() {
        // Densities from Python's standard library: NormalDist(1, 1).pdf(3) = 0.0539909665,
        // NormalDist(1, 2).pdf(3) = 0.1209853623, NormalDist(1, 0.5).pdf(1) = 0.7978845608.
        for (variance, target, density) in [
            (1.0, 3.0, 0.053_990_966_5f64),
            (4.0, 3.0, 0.120_985_362_3),
            (0.25, 1.0, 0.797_884_560_8),
        ] {
            let losses = loss(0.8).forward(values(variance), matrix([[target]]));
            assert_close(losses, &[-density.ln() as f32]);
        }
    }

    #[test]
    fn the_variance_is_bounded() {
        let sure = matrix([[1.0, -1e9]]).unsqueeze_dim::<3>(1);
        let losses = loss(0.8).forward(sure, matrix([[1.0]]));
        let variance = 0.01 + (-BOUND).exp();
        assert_close(losses, &[((TAU.ln() + variance.ln()) / 2.0) as f32]);
    }

    #[test]
    fn the_interval_is_that_of_the_normal_distribution() {
        // NormalDist().inv_cdf((1 + coverage) / 2) from Python's standard library.
        for (coverage, known) in [
            (0.5, 0.674_489_750_2),
            (0.8, 1.281_551_565_5),
            (0.95, 1.959_963_984_5),
            (0.99, 2.575_829_303_5),
            (0.999, 3.290_526_731_5),
        ] {
            let found = deviations(coverage);
            assert!((found - known).abs() < 1e-8, "{coverage}: {found}");
        }
        let prediction = loss(0.95).predict(values(4.0));
        assert_close(prediction.point, &[1.0]);
        let (lower, upper) = prediction.interval.expect("it knows the variance");
        assert_close(lower, &[1.0 - 2.0 * 1.959_964]);
        assert_close(upper, &[1.0 + 2.0 * 1.959_964]);
    }

    #[test]
    fn refuses_an_invalid_coverage() {
        for coverage in [0.0, 1.0, f64::NAN] {
            let error = refused::<LossKind>("gaussian-nll", json!({"coverage": coverage}));
            let expected =
                "loss 'gaussian-nll', option 'coverage': expected a number between 0 and 1";
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
