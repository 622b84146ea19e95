//! Cross-entropy for classes.

use aam_api::export::{ExportedPrediction, Graph, Value};
use aam_api::options::Facts;
use aam_api::{Kind, Loss, LossConfig, LossContext, LossKind, PluginError, Prediction};
use burn::module::Module;
use burn::tensor::activation::{log_softmax, softmax};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Cross-entropy for classes: `- Σ_k w_k q_k log p_k`.
///
/// `p = softmax(z)` `[classes]`, where `z` are the outputs for the target; `q_k` is `1 - ε + ε / classes`
/// for the true class and `ε / classes` for the others, with label smoothing `ε` (Szegedy et al.,
/// *Rethinking the Inception architecture*, CVPR 2016); `w_k` is the weight of class `k`. The weights are
/// not normalised: with a mean of 1 over the samples they leave the size of the loss unchanged. Predicts
/// the most probable class and the probabilities of all. Needs a categorical target.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct CrossEntropyLossConfig {
    /// `ε`: the probability mass that is spread over all classes, in [0, 1).
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1))]
    pub label_smoothing: f64,
    /// Weight of each class, at least 0, in the order of the classes: by value if all their names are
    /// numbers, otherwise as text. If empty, all are 1.
    #[schemars(transform = Facts::new().was("class-weights"))]
    pub class_weights: Vec<f64>,
}

/// The loss that [`CrossEntropyLossConfig`] builds.
#[derive(Module, Debug)]
pub struct CrossEntropyLoss {
    classes: usize,
    label_smoothing: f64,
    #[module(skip)]
    class_weights: Option<Vec<f64>>,
}

impl LossConfig for CrossEntropyLossConfig {
    const NAME: &'static str = "cross-entropy";
    type Loss = CrossEntropyLoss;

    fn init(
        &self,
        context: &LossContext,
        _device: &Device,
    ) -> Result<CrossEntropyLoss, PluginError> {
        let names = context.expect_classes(Self::NAME)?;
        let classes = names.len();
        let weights = &self.class_weights;
        let usable = weights.iter().all(|w| w.is_finite() && *w >= 0.0)
            && weights.iter().any(|w| *w > 0.0)
            && weights.len() == classes;
        if !weights.is_empty() && !usable {
            return Err(PluginError::bad_option(
                LossKind::NAME,
                Self::NAME,
                "class-weights",
                format!(
                    "{classes} numbers, one for each class ({}), none below 0 and not all 0",
                    names.join(", ")
                ),
                weights,
            ));
        }
        Ok(CrossEntropyLoss {
            classes,
            label_smoothing: self.label_smoothing,
            class_weights: (!weights.is_empty()).then(|| weights.clone()),
        })
    }
}

impl Loss for CrossEntropyLoss {
    fn outputs_per_target(&self) -> usize {
        self.classes
    }

    fn forward(&self, values: Tensor<3>, target: Tensor<2>) -> Tensor<2> {
        let spread = self.label_smoothing / self.classes as f64;
        let truth = target
            .int()
            .one_hot::<3>(self.classes)
            .float()
            .mul_scalar(1.0 - self.label_smoothing)
            .add_scalar(spread);
        let weighted = match &self.class_weights {
            None => truth,
            Some(weights) => {
                let weights = Tensor::<1>::from_floats(weights.as_slice(), &values.device());
                truth * weights.reshape([1, 1, self.classes])
            }
        };
        let terms = log_softmax(values, 2) * weighted;
        terms.sum_dim(2).squeeze_dim::<2>(2).neg()
    }

    fn predict(&self, values: Tensor<3>) -> Prediction {
        let probabilities = softmax(values, 2);
        Prediction::point(probabilities.clone().argmax(2).squeeze_dim::<2>(2).float())
            .with_probabilities(probabilities)
    }

    fn export(&self, graph: &mut Graph, values: &Value) -> Option<ExportedPrediction> {
        Some(ExportedPrediction::Classes(graph.softmax(values)))
    }

    fn outputs_are_log_odds(&self) -> bool {
        self.label_smoothing == 0.0 && self.class_weights.is_none()
    }
}

aam_api::register_loss!(CrossEntropyLossConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::{assert_close, device, matrix};

    /// Outputs with the probabilities 1/2, 1/3 and 1/6.
    fn values() -> Tensor<3> {
        matrix([[3f32.ln(), 2f32.ln(), 0.0]]).unsqueeze_dim(1)
    }

    fn loss(label_smoothing: f64, class_weights: Option<Vec<f64>>) -> CrossEntropyLoss {
        CrossEntropyLoss {
            classes: 3,
            label_smoothing,
            class_weights,
        }
    }

    #[test]
    fn is_the_logarithm_of_the_probability_of_the_true_class() {
        for (class, probability) in [(0.0, 1.0 / 2.0), (1.0, 1.0 / 3.0), (2.0, 1.0 / 6.0)] {
            let losses = loss(0.0, None).forward(values(), matrix([[class]]));
            assert_close(losses, &[-f32::ln(probability)]);
        }
    }

    #[test]
    fn class_weights_scale_the_terms_of_their_class() {
        let loss = loss(0.0, Some(vec![1.0, 4.0, 1.0]));
        assert_close(loss.forward(values(), matrix([[1.0]])), &[4.0 * 3f32.ln()]);
    }

    #[test]
    fn smoothing_spreads_some_of_the_truth() {
        let losses = loss(0.3, None).forward(values(), matrix([[0.0]]));
        assert_close(
            losses,
            &[0.8 * 2f32.ln() + 0.1 * 3f32.ln() + 0.1 * 6f32.ln()],
        );
    }

    #[test]
    fn predicts_the_most_probable_class_and_all_probabilities() {
        let prediction = loss(0.0, None).predict(values());
        assert_close(prediction.point, &[0.0]);
        let probabilities = prediction.probabilities.expect("classes have them");
        assert_close(probabilities, &[1.0 / 2.0, 1.0 / 3.0, 1.0 / 6.0]);
    }

    #[test]
    fn refuses_numbers_and_weights_that_do_not_fit_the_classes() {
        let refused = |config: &CrossEntropyLossConfig, classes: Option<Vec<String>>| {
            let context = LossContext::new(classes);
            let error = config.init(&context, &device()).expect_err("does not fit");
            error.to_string()
        };
        let config = CrossEntropyLossConfig::default();
        assert_eq!(
            refused(&config, None),
            "loss 'cross-entropy' needs a categorical target, but this one is numeric"
        );
        let config = CrossEntropyLossConfig {
            class_weights: vec![1.0, 2.0],
            ..config
        };
        assert_eq!(
            refused(
                &config,
                Some(["gut", "sea", "soil"].map(str::to_owned).into())
            ),
            "loss 'cross-entropy', option 'class-weights': expected 3 numbers, one for each \
             class (gut, sea, soil), none below 0 and not all 0, found [1.0, 2.0]"
        );
    }
}
