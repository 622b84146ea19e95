//! Ordered classes.

use aam_api::{Loss, LossConfig, LossContext, PluginError, Prediction};
use burn::module::{Module, Param};
use burn::tensor::activation::{log_sigmoid, softplus};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Thresholds are at least this far apart, so that no class becomes impossible.
const LEAST_GAP: f64 = 1e-3;

/// The log loss of ordered classes, cut out of one score by thresholds (proportional odds):
/// `- ln (σ(θ_k - f) - σ(θ_{k-1} - f))` for the true class `k`.
///
/// Each target has one output, the score `f`; the higher it is, the later the class. The thresholds
/// `θ_1 < … < θ_{K-1}` between the `K` classes (`θ_0 = -∞`, `θ_K = ∞`) are learned with the model,
/// as a first one and softplus increments; they start where a score of 0 means even odds. Predicts
/// the likeliest class and the probabilities of all. The order of the classes is that of their
/// names as text, so names such as `0`, `1`, `2` or `1-low`, `2-middle`, `3-high` are needed.
/// McCullagh, *Regression models for ordinal data*, Journal of the Royal Statistical Society B
/// 1980. Needs a target of classes.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct OrdinalLossConfig {}

/// The loss that [`OrdinalLossConfig`] builds.
#[derive(Module, Debug)]
pub struct OrdinalLoss {
    /// The lowest threshold, `[1]`.
    first: Param<Tensor<1>>,
    /// What the increments are the softplus of, `[classes - 2]`.
    increments: Option<Param<Tensor<1>>>,
    classes: usize,
}

impl LossConfig for OrdinalLossConfig {
    const NAME: &'static str = "ordinal";
    type Loss = OrdinalLoss;

    fn init(&self, context: &LossContext, device: &Device) -> Result<OrdinalLoss, PluginError> {
        let classes = context.expect_classes(Self::NAME)?;
        let even = |k: usize| (k as f64 / (classes - k) as f64).ln();
        let thresholds: Vec<f64> = (1..classes).map(even).collect();
        Ok(OrdinalLoss::with_thresholds(&thresholds, device))
    }
}

impl OrdinalLoss {
    /// With these thresholds, at least one, ascending.
    fn with_thresholds(thresholds: &[f64], device: &Device) -> Self {
        let parameter = |values: &[f64]| {
            let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
            Param::from_tensor(Tensor::from_floats(values.as_slice(), device))
        };
        let increments: Vec<f64> = thresholds
            .windows(2)
            .map(|pair| (pair[1] - pair[0] - LEAST_GAP).exp_m1().ln())
            .collect();
        Self {
            first: parameter(&thresholds[..1]),
            increments: (!increments.is_empty()).then(|| parameter(&increments)),
            classes: thresholds.len() + 1,
        }
    }

    /// Logarithms of the probabilities of the classes, `[batch, targets, classes]`, from scores
    /// `[batch, targets, 1]`.
    fn log_probabilities(&self, scores: Tensor<3>) -> Tensor<3> {
        // σ(a) - σ(b) = σ(a) σ(-b) (1 - exp(b - a)): none of the factors cancels, and the last one
        // depends on the thresholds alone.
        let first = self.first.val();
        let device = first.device();
        let (thresholds, between) = match &self.increments {
            None => (first, None),
            Some(increments) => {
                let gaps = softplus(increments.val(), 1.0).add_scalar(LEAST_GAP);
                let later = first.clone() + gaps.clone().cumsum(0);
                let between = gaps.neg().exp().neg().log1p();
                (Tensor::cat(vec![first, later], 0), Some(between))
            }
        };
        let count = self.classes - 1;
        let below = thresholds.reshape([1, 1, count]) - scores;
        let [batch, targets, _] = below.dims();
        let certain = Tensor::<3>::zeros([batch, targets, 1], &device);
        let not_above = Tensor::cat(vec![log_sigmoid(below.clone()), certain.clone()], 2);
        let not_below = Tensor::cat(vec![certain, log_sigmoid(below.neg())], 2);
        let sum = not_above + not_below;
        let Some(between) = between else {
            return sum;
        };
        let outermost = Tensor::<1>::zeros([1], &device);
        let between = Tensor::cat(vec![outermost.clone(), between, outermost], 0);
        sum + between.reshape([1, 1, self.classes])
    }
}

impl Loss for OrdinalLoss {
    fn outputs_per_target(&self) -> usize {
        1
    }

    fn forward(&self, values: Tensor<3>, target: Tensor<2>) -> Tensor<2> {
        let truth = target.int().one_hot::<3>(self.classes).float();
        let terms = self.log_probabilities(values) * truth;
        terms.sum_dim(2).squeeze_dim::<2>(2).neg()
    }

    fn predict(&self, values: Tensor<3>) -> Prediction {
        let probabilities = self.log_probabilities(values).exp();
        Prediction {
            point: probabilities.clone().argmax(2).squeeze_dim::<2>(2).float(),
            interval: None,
            probabilities: Some(probabilities),
        }
    }
}

aam_api::register_loss!(OrdinalLossConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::{assert_close, device, matrix};

    fn loss(thresholds: &[f64]) -> OrdinalLoss {
        OrdinalLoss::with_thresholds(thresholds, &device())
    }

    fn score(score: f32) -> Tensor<3> {
        matrix([[score]]).unsqueeze_dim(1)
    }

    #[test]
    fn is_the_logarithm_of_the_probability_of_the_true_class() {
        // With thresholds ±ln 3 a score of 0 has σ(-ln 3) = 1/4 below and as much above.
        let loss = loss(&[-3f64.ln(), 3f64.ln()]);
        for (class, probability) in [(0.0, 0.25), (1.0, 0.5), (2.0, 0.25)] {
            let losses = loss.forward(score(0.0), matrix([[class]]));
            assert_close(losses, &[-f32::ln(probability)]);
        }
        // A score of ln 3: σ(-ln 9) = 1/10 below the first threshold, σ(0) below the second.
        let prediction = loss.predict(score(3f32.ln()));
        let probabilities = prediction.probabilities.expect("classes have them");
        assert_close(probabilities, &[0.1, 0.4, 0.5]);
        assert_close(prediction.point, &[2.0]);
    }

    #[test]
    fn odds_of_being_above_each_threshold_grow_alike_with_the_score() {
        let loss = loss(&[-1.0, 0.5, 2.5]);
        let odds = |s: f32| -> Vec<f32> {
            let probabilities = loss.log_probabilities(score(s)).exp();
            let p: Vec<f32> = probabilities.into_data().try_to_vec().expect("f32 values");
            (1..4)
                .map(|k| p[k..].iter().sum::<f32>() / p[..k].iter().sum::<f32>())
                .collect()
        };
        for (before, after) in odds(0.3).into_iter().zip(odds(1.3)) {
            assert!((after / before - 1f32.exp()).abs() < 1e-4);
        }
    }

    #[test]
    fn starts_at_even_odds_and_is_logistic_regression_of_two_classes() {
        for classes in [2, 3, 5] {
            let context = LossContext {
                classes: Some(classes),
            };
            let loss = OrdinalLossConfig {}
                .init(&context, &device())
                .expect("classes");
            let probabilities = loss.predict(score(0.0)).probabilities;
            let expected = vec![1.0 / classes as f32; classes];
            assert_close(probabilities.expect("classes have them"), &expected);
        }
        let two = loss(&[0.0]).predict(score(4f32.ln())).probabilities;
        assert_close(two.expect("classes have them"), &[0.2, 0.8]);
    }

    #[test]
    fn scores_far_off_have_a_finite_loss() {
        let losses = loss(&[-1.0, 1.0]).forward(score(200.0), matrix([[0.0]]));
        assert_close(losses, &[201.0]);
    }

    #[test]
    fn refuses_numbers() {
        let error = OrdinalLossConfig {}
            .init(&LossContext { classes: None }, &device())
            .expect_err("a number has no classes");
        assert_eq!(
            error.to_string(),
            "loss 'ordinal' needs a target of classes, but this one is a number"
        );
    }
}
