//! Losses: what the outputs of a target mean, and how far they are from the truth.
//!
//! A loss returns one value per sample and target. The runtime does the weighting and averaging, so
//! sample weights, category weights and a different loss per target work with every loss.

use burn::tensor::Tensor;
use serde_json::{Map, Value};

use crate::export::{ExportedPrediction, Graph, Value as Exported};
use crate::kind::is_given;
use crate::{Kind, PluginError, Stage};

/// What a loss is built from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LossContext {
    /// Class names of the target in the order of their indices, or `None` for a numeric target.
    pub classes: Option<Vec<String>>,
}

impl LossContext {
    /// A categorical target with these classes, in the order of their indices, or a numeric target.
    pub fn new(classes: Option<Vec<String>>) -> Self {
        Self { classes }
    }

    /// A numeric target.
    pub fn number() -> Self {
        Self::new(None)
    }

    /// Checks that the target is numeric, on behalf of the loss named `loss`.
    ///
    /// # Errors
    /// The target is categorical.
    pub fn expect_number(&self, loss: &str) -> Result<(), PluginError> {
        match &self.classes {
            None => Ok(()),
            Some(_) => Err(PluginError::needs(
                LossKind::NAME,
                loss,
                "a numeric target, but --classifier makes this one classes; leave it out, or choose another --loss",
            )),
        }
    }

    /// Returns the classes of the target, on behalf of the loss named `loss`.
    ///
    /// # Errors
    /// The target is numeric, or has fewer than two classes.
    pub fn expect_classes(&self, loss: &str) -> Result<&[String], PluginError> {
        match &self.classes {
            Some(classes) if classes.len() >= 2 => Ok(classes),
            found => Err(PluginError::needs(
                LossKind::NAME,
                loss,
                match found {
                    Some(classes) => {
                        format!(
                            "a categorical target with at least two classes, found {}",
                            classes.len()
                        )
                    }
                    None => "a categorical target, but this one is numeric".to_owned(),
                },
            )),
        }
    }
}

/// Predictions for a batch, on the scale of the (transformed) target.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Prediction {
    /// The best single value, `[batch, targets]`; for classes, the index of the most probable one.
    pub point: Tensor<2>,
    /// Lower and upper bound of a prediction interval, each `[batch, targets]`.
    pub interval: Option<(Tensor<2>, Tensor<2>)>,
    /// Class probabilities, `[batch, targets, classes]`.
    pub probabilities: Option<Tensor<3>>,
}

impl Prediction {
    /// A point prediction without interval or probabilities.
    pub fn point(point: Tensor<2>) -> Self {
        Self {
            point,
            interval: None,
            probabilities: None,
        }
    }

    /// Adds the lower and upper bound of a prediction interval, each `[batch, targets]`.
    #[must_use]
    pub fn with_interval(self, lower: Tensor<2>, upper: Tensor<2>) -> Self {
        Self {
            interval: Some((lower, upper)),
            ..self
        }
    }

    /// Adds class probabilities, `[batch, targets, classes]`.
    #[must_use]
    pub fn with_probabilities(self, probabilities: Tensor<3>) -> Self {
        Self {
            probabilities: Some(probabilities),
            ..self
        }
    }
}

/// A loss. It may have parameters of its own (for example the thresholds of ordered classes).
pub trait Loss {
    /// Number of outputs that the head must return for each target.
    fn outputs_per_target(&self) -> usize;

    /// Returns the loss of each sample and target, `[batch, targets]`.
    ///
    /// `values` is `[batch, targets, outputs_per_target]`; `target`, `[batch, targets]`, is on the
    /// transformed scale or holds class indices from 0.
    fn forward(&self, values: Tensor<3>, target: Tensor<2>) -> Tensor<2>;

    /// Returns the predictions given by `values`, `[batch, targets, outputs_per_target]`.
    fn predict(&self, values: Tensor<3>) -> Prediction;

    /// Adds [`predict`](Self::predict) to `graph`, for one target: from `values`,
    /// `[samples, outputs_per_target]`, to its prediction. `None` if the loss cannot be exported.
    fn export(&self, graph: &mut Graph, values: &Exported) -> Option<ExportedPrediction> {
        let _ = (graph, values);
        None
    }

    /// Whether the outputs are values of the target itself, so that output activations
    /// (softplus, sigmoid) and scaling of the outputs make sense. A network with such outputs also starts
    /// from those of a ridge regression where it can, and the loss shapes only what training adds.
    fn outputs_are_values(&self) -> bool {
        false
    }

    /// Whether the outputs are log-odds, one per class, whose loss is the cross-entropy, so that
    /// logistic regression gives the optimal ones.
    fn outputs_are_log_odds(&self) -> bool {
        false
    }

    /// Whether the outputs of a target should be in ascending order, as quantiles are.
    fn outputs_ascend(&self) -> bool {
        false
    }

    /// Whether predictions have an interval. Only the loss measures how good intervals are, so it
    /// selects the best epoch unless the user chooses another metric.
    fn predicts_interval(&self) -> bool {
        false
    }
}

crate::define_kind! {
    /// The kind of [`Loss`]es.
    pub struct LossKind: Kind<Context = LossContext> {
        const NAME: &'static str = "loss";
        const ALIASES: &'static [&'static str] = &["loss-type"];
        const SUMMARY: &'static str = "What the outputs of a target mean, and how far they are from the truth";
        const CHOSEN_IN: &'static [Stage] = &[Stage::Training];
        const PLACE: u32 = 30;
        const LABELS_RUNS: bool = true;

        fn default_component(settings: &Map<String, Value>) -> Option<&'static str> {
            match is_given(settings, "classifier") {
                true => Some("cross-entropy"),
                false => Some("huber"),
            }
        }
    }

    /// The options of a loss and how to build it.
    pub trait LossConfig {
        /// What it builds.
        type Loss: Loss;
    }

    /// A loss of any type as a Burn module.
    pub type BoxedLoss = module;
}

/// Registers the loss that the given [`LossConfig`](crate::LossConfig) builds.
#[macro_export]
macro_rules! register_loss {
    ($config:ty) => {
        $crate::register!($crate::LossKind, $config);
    };
}
