//! Log loss for ordered classes.

use aam_api::export::{ExportedPrediction, Graph, Value};
use aam_api::{Kind, Loss, LossConfig, LossContext, LossKind, PluginError, Prediction};
use burn::module::{Module, Param};
use burn::tensor::activation::{log_sigmoid, softplus};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Minimum distance between thresholds, so that no class becomes impossible.
const LEAST_GAP: f64 = 1e-3;

/// How many times faster thresholds move than other weights. An optimizer moves each weight by about the
/// learning rate per update, and thresholds have to move by several units in a few hundred updates.
const PACE: f64 = 10.0;

/// Log loss for ordered classes that thresholds separate on one score (proportional odds):
/// `- ln (σ(θ_k - f) - σ(θ_{k-1} - f))` for the true class `k`.
///
/// Each target has one output, the score `f`; higher scores mean later classes. The thresholds
/// `θ_1 < … < θ_{K-1}` between the `K` classes (`θ_0 = -∞`, `θ_K = ∞`) are learned with the model, as the
/// first one and softplus increments; initially a score of 0 gives equal probabilities. Predicts the most
/// probable class and the probabilities of all. McCullagh, *Regression models for ordinal data*, Journal of
/// the Royal Statistical Society B 1980. Needs a categorical target.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct OrdinalLossConfig {
    /// Names of all classes, from first to last. If empty, the classes are sorted by number if all their
    /// names are numbers, otherwise as text.
    pub order: Vec<String>,
}

/// The loss that [`OrdinalLossConfig`] builds.
#[derive(Module, Debug)]
pub struct OrdinalLoss {
    /// The lowest threshold divided by [`PACE`], `[1]`.
    first: Param<Tensor<1>>,
    /// The inverse softplus of the increments, divided by [`PACE`], `[classes - 2]`.
    increments: Option<Param<Tensor<1>>>,
    classes: usize,
    /// The place of each class in the order, if it differs from the order of their indices.
    #[module(skip)]
    places: Option<Vec<usize>>,
}

impl LossConfig for OrdinalLossConfig {
    const NAME: &'static str = "ordinal";
    type Loss = OrdinalLoss;

    fn init(&self, context: &LossContext, device: &Device) -> Result<OrdinalLoss, PluginError> {
        let names = context.expect_classes(Self::NAME)?;
        let classes = names.len();
        let even = |k: usize| (k as f64 / (classes - k) as f64).ln();
        let thresholds: Vec<f64> = (1..classes).map(even).collect();
        Ok(OrdinalLoss {
            places: self.places(names)?,
            ..OrdinalLoss::with_thresholds(&thresholds, device)
        })
    }
}

impl OrdinalLossConfig {
    /// The place of each of the classes `names` in the order, if one is given.
    fn places(&self, names: &[String]) -> Result<Option<Vec<usize>>, PluginError> {
        if self.order.is_empty() {
            return Ok(None);
        }
        let place = |name| self.order.iter().position(|other| other == name);
        let places: Option<Vec<usize>> = names.iter().map(place).collect();
        match places {
            Some(places) if self.order.len() == names.len() => Ok(Some(places)),
            _ => Err(PluginError::bad_option(
                LossKind::NAME,
                Self::NAME,
                "order",
                format!(
                    "all classes of the target, each once ({})",
                    names.join(", ")
                ),
                &self.order,
            )),
        }
    }
}

impl OrdinalLoss {
    /// A loss with these thresholds, at least one, ascending.
    fn with_thresholds(thresholds: &[f64], device: &Device) -> Self {
        let parameter = |values: &[f64]| {
            let values: Vec<f32> = values.iter().map(|&value| (value / PACE) as f32).collect();
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
            places: None,
        }
    }

    /// The thresholds, `[classes - 1]`, and `ln(1 - exp(-gap))` of the gaps between them, if there are any.
    fn thresholds(&self) -> (Tensor<1>, Option<Tensor<1>>) {
        let first = self.first.val().mul_scalar(PACE);
        match &self.increments {
            None => (first, None),
            Some(increments) => {
                let gaps = softplus(increments.val().mul_scalar(PACE), 1.0).add_scalar(LEAST_GAP);
                let later = first.clone() + gaps.clone().cumsum(0);
                let between = gaps.neg().exp().neg().log1p();
                (Tensor::cat(vec![first, later], 0), Some(between))
            }
        }
    }

    /// Returns log-probabilities of the classes by their indices, `[batch, targets, classes]`, given
    /// scores `[batch, targets, 1]`.
    fn log_probabilities(&self, scores: Tensor<3>) -> Tensor<3> {
        let ordered = self.ordered_log_probabilities(scores);
        match &self.places {
            None => ordered,
            Some(places) => {
                let classes = places.iter();
                let classes = classes.map(|&place| ordered.clone().narrow(2, place, 1));
                Tensor::cat(classes.collect(), 2)
            }
        }
    }

    /// The same for the classes in their given order.
    fn ordered_log_probabilities(&self, scores: Tensor<3>) -> Tensor<3> {
        // σ(a) - σ(b) = σ(a) σ(-b) (1 - exp(b - a)): no factor suffers from cancellation, and the last one
        // depends only on the thresholds.
        let (thresholds, between) = self.thresholds();
        let device = thresholds.device();
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
        Prediction::point(probabilities.clone().argmax(2).squeeze_dim::<2>(2).float())
            .with_probabilities(probabilities)
    }

    fn export(&self, graph: &mut Graph, values: &Value) -> Option<ExportedPrediction> {
        let (thresholds, between) = self.thresholds();
        let thresholds = graph.tensor(&thresholds);
        // `ln σ(x)` is `-softplus(-x)`; the first class is above all, and the last one below none.
        let above = graph.sub(values, &thresholds);
        let not_above = graph.map("Softplus", &above);
        let below = graph.map("Neg", &above);
        let not_below = graph.map("Softplus", &below);
        let certain = graph.sub(values, values);
        let not_above = graph.concat(&[not_above, certain.clone()], 1);
        let not_below = graph.concat(&[certain, not_below], 1);
        let sum = graph.add(&not_above, &not_below);
        let mut logarithms = graph.map("Neg", &sum);
        if let Some(between) = between {
            let outermost = Tensor::<1>::zeros([1], &between.device());
            let between = Tensor::cat(vec![outermost.clone(), between, outermost], 0);
            let between = graph.tensor(&between);
            logarithms = graph.add(&logarithms, &between);
        }
        let ordered = graph.map("Exp", &logarithms);
        Some(ExportedPrediction::Classes(match &self.places {
            None => ordered,
            Some(places) => graph.columns_at(&ordered, places),
        }))
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
        // With thresholds ±ln 3, a score of 0 has probability σ(-ln 3) = 1/4 below and above.
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
    fn the_score_shifts_the_odds_at_all_thresholds_equally() {
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
            let names = (0..classes).map(|class| class.to_string()).collect();
            let context = LossContext::new(Some(names));
            let loss = OrdinalLossConfig::default()
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
    fn extreme_scores_have_a_finite_loss() {
        let losses = loss(&[-1.0, 1.0]).forward(score(200.0), matrix([[0.0]]));
        assert_close(losses, &[201.0]);
    }

    #[test]
    fn the_order_of_the_classes_can_be_given() {
        let context = LossContext::new(Some(["high", "low", "middle"].map(str::to_owned).into()));
        let init = |order: &[&str]| {
            let order = order.iter().map(|&name| name.to_owned()).collect();
            OrdinalLossConfig { order }.init(&context, &device())
        };
        let loss = init(&["low", "middle", "high"]).expect("all classes");
        let prediction = loss.predict(score(9.0));
        assert_close(prediction.point, &[0.0]);
        let prediction = loss.predict(score(0.3));
        let probabilities = prediction.probabilities.expect("classes have them");
        // Thresholds start at ±ln 2, so those at and above "middle" are at odds of 2 to 1.
        let above = |threshold: f32| 1.0 / (1.0 + (threshold - 0.3).exp());
        let (middle, high) = (above(-2f32.ln()), above(2f32.ln()));
        assert_close(probabilities, &[high, 1.0 - middle, middle - high]);
        for wrong in [
            &["low", "high"][..],
            &["low", "middle", "height"],
            &["low", "low", "middle", "high"],
        ] {
            let error = init(wrong).expect_err("not all classes, each once");
            assert_eq!(
                error.to_string(),
                format!(
                    "loss 'ordinal', option 'order': expected all classes of the target, each \
                     once (high, low, middle), found {wrong:?}"
                )
            );
        }
    }

    #[test]
    fn refuses_numbers() {
        let error = OrdinalLossConfig::default()
            .init(&LossContext::number(), &device())
            .expect_err("a number has no classes");
        assert_eq!(
            error.to_string(),
            "loss 'ordinal' needs a categorical target, but this one is numeric"
        );
    }
}
