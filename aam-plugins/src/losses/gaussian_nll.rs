//! The negative log-likelihood of a normal distribution.

use std::f64::consts::TAU;

use aam_api::{Kind, Loss, LossConfig, LossContext, LossKind, PluginError, Prediction};
use burn::module::Module;
use burn::tensor::activation::tanh;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Largest absolute logarithm of a variance, so that no sample's likelihood outgrows all others.
const BOUND: f64 = 8.0;

/// The negative log-likelihood of a normal distribution: `(ln 2π + s + (y - μ)² / eˢ) / 2`.
///
/// Each target `y` has two outputs: the mean `μ`, and the logarithm of the variance, which enters
/// as `s = 8 tanh(v / 8)`: bounded, so that a sample that is hit exactly does not rule the fit. The
/// model thus says how sure it is of each sample. Nix and Weigend, *Estimating the mean and variance
/// of the target probability distribution*, IEEE ICNN 1994. Predicts the mean, and the interval
/// around it that holds the share `coverage` of the distribution.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct GaussianNllLossConfig {
    /// Share of samples that the interval is to cover, in (0, 1).
    pub coverage: f64,
}

impl Default for GaussianNllLossConfig {
    fn default() -> Self {
        Self { coverage: 0.8 }
    }
}

/// The loss that [`GaussianNllLossConfig`] builds.
#[derive(Module, Debug)]
pub struct GaussianNllLoss {
    /// Half the width of the interval in standard deviations.
    deviations: f64,
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
        if !(self.coverage > 0.0 && self.coverage < 1.0) {
            return Err(PluginError::bad_option(
                LossKind::NAME,
                Self::NAME,
                "coverage",
                "a number above 0 and below 1",
                self.coverage,
            ));
        }
        Ok(GaussianNllLoss {
            deviations: deviations(self.coverage),
        })
    }
}

/// How many standard deviations to either side hold the share `coverage` of a normal distribution.
///
/// The rational approximation of the normal quantile by Peter Acklam; its relative error is below
/// 1.2e-9.
fn deviations(coverage: f64) -> f64 {
    const CENTRE: ([f64; 6], [f64; 6]) = (
        [
            -3.969683028665376e1,
            2.209460984245205e2,
            -2.759285104469687e2,
            1.38357751867269e2,
            -3.066479806614716e1,
            2.506628277459239,
        ],
        [
            -5.447609879822406e1,
            1.615858368580409e2,
            -1.556989798598866e2,
            6.680131188771972e1,
            -1.328068155288572e1,
            1.0,
        ],
    );
    const TAIL: ([f64; 6], [f64; 5]) = (
        [
            -7.784894002430293e-3,
            -3.223964580411365e-1,
            -2.400758277161838,
            -2.549732539343734,
            4.374664141464968,
            2.938163982698783,
        ],
        [
            7.784695709041462e-3,
            3.224671290700398e-1,
            2.445134137142996,
            3.754408661907416,
            1.0,
        ],
    );
    let polynomial = |coefficients: &[f64], x: f64| -> f64 {
        coefficients.iter().fold(0.0, |sum, c| sum * x + c)
    };
    let above = (1.0 - coverage) / 2.0;
    if above < 0.02425 {
        let x = (-2.0 * above.ln()).sqrt();
        return -polynomial(&TAIL.0, x) / polynomial(&TAIL.1, x);
    }
    let x = coverage / 2.0;
    x * polynomial(&CENTRE.0, x * x) / polynomial(&CENTRE.1, x * x)
}

/// Means and logarithms of variances, each `[batch, targets]`.
fn parameters(values: Tensor<3>) -> (Tensor<2>, Tensor<2>) {
    let mean = values.clone().narrow(2, 0, 1).squeeze_dim(2);
    let free: Tensor<2> = values.narrow(2, 1, 1).squeeze_dim(2);
    (mean, tanh(free.div_scalar(BOUND)).mul_scalar(BOUND))
}

impl Loss for GaussianNllLoss {
    fn outputs_per_target(&self) -> usize {
        2
    }

    fn forward(&self, values: Tensor<3>, target: Tensor<2>) -> Tensor<2> {
        let (mean, log_variance) = parameters(values);
        let error = target - mean;
        let square = error.clone() * error * log_variance.clone().neg().exp();
        (square + log_variance).add_scalar(TAU.ln()).mul_scalar(0.5)
    }

    fn predict(&self, values: Tensor<3>) -> Prediction {
        let (mean, log_variance) = parameters(values);
        let deviation = log_variance.mul_scalar(0.5).exp();
        let half = deviation.mul_scalar(self.deviations);
        Prediction {
            interval: Some((mean.clone() - half.clone(), mean.clone() + half)),
            point: mean,
            probabilities: None,
        }
    }

    fn predicts_interval(&self) -> bool {
        true
    }
}

aam_api::register_loss!(GaussianNllLossConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::{assert_close, device, matrix};

    fn loss(coverage: f64) -> GaussianNllLoss {
        let context = LossContext { classes: None };
        let config = GaussianNllLossConfig { coverage };
        config.init(&context, &device()).expect("it is a share")
    }

    /// Outputs for the mean 1 and the variance `variance`.
    fn values(variance: f64) -> Tensor<3> {
        let free = BOUND * (variance.ln() / BOUND).atanh();
        matrix([[1.0, free as f32]]).unsqueeze_dim(1)
    }

    #[test]
    fn is_the_logarithm_of_the_density() {
        // Densities by the standard library of Python: NormalDist(1, 1).pdf(3) = 0.0539909665,
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
        assert_close(losses, &[((TAU.ln() - BOUND) / 2.0) as f32]);
    }

    #[test]
    fn the_interval_is_that_of_the_normal_distribution() {
        // NormalDist().inv_cdf((1 + coverage) / 2) of the standard library of Python.
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
    fn refuses_what_is_no_share() {
        let context = LossContext { classes: None };
        for coverage in [0.0, 1.0, f64::NAN] {
            let error = GaussianNllLossConfig { coverage }
                .init(&context, &device())
                .expect_err("out of range");
            assert_eq!(
                error.to_string(),
                format!(
                    "loss 'gaussian-nll', option 'coverage': \
                     expected a number above 0 and below 1, found {coverage:?}"
                )
            );
        }
    }
}
