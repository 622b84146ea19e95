//! Losses: what the outputs of a target mean, and how far they are from the truth.
//!
//! A loss returns one value per sample and target. The runtime weights and averages, so sample
//! weights, category weights and a different loss per target compose with every loss.

use std::fmt::Debug;

use burn::module::{Module, ModuleDisplay};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::module::{CloneBox, DynModule, Erased, Holder};
use crate::{Kind, Plugin, PluginError};

/// What a loss is built for.
#[derive(Clone, Debug)]
pub struct LossContext {
    /// Names of the classes of the target in the order of their indices, or `None` where it is a
    /// number.
    pub classes: Option<Vec<String>>,
}

impl LossContext {
    /// Checks that the target is a number, for the loss called `loss`.
    ///
    /// # Errors
    /// A target of classes.
    pub fn expect_number(&self, loss: &str) -> Result<(), PluginError> {
        match &self.classes {
            None => Ok(()),
            Some(classes) => Err(PluginError::needs(
                LossKind::NAME,
                loss,
                format!(
                    "a target that is a number, but this one has {} classes",
                    classes.len()
                ),
            )),
        }
    }

    /// The classes of the target, for the loss called `loss`.
    ///
    /// # Errors
    /// A target that is a number, or fewer than two classes.
    pub fn expect_classes(&self, loss: &str) -> Result<&[String], PluginError> {
        match &self.classes {
            Some(classes) if classes.len() >= 2 => Ok(classes),
            found => Err(PluginError::needs(
                LossKind::NAME,
                loss,
                match found {
                    Some(classes) => {
                        format!("a target of two classes or more, found {}", classes.len())
                    }
                    None => "a target of classes, but this one is a number".to_owned(),
                },
            )),
        }
    }
}

/// What the outputs of a batch predict, on the scale of the (transformed) target.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// The best single value, `[batch, targets]`; for classes the index of the likeliest.
    pub point: Tensor<2>,
    /// Lower and upper end of an interval, each `[batch, targets]`.
    pub interval: Option<(Tensor<2>, Tensor<2>)>,
    /// Probabilities of the classes, `[batch, targets, classes]`.
    pub probabilities: Option<Tensor<3>>,
}

impl Prediction {
    /// A value without interval or probabilities.
    pub fn point(point: Tensor<2>) -> Self {
        Self {
            point,
            interval: None,
            probabilities: None,
        }
    }
}

/// A loss. It may hold parameters of its own (thresholds of ordered classes).
pub trait Loss {
    /// How many outputs the head must give for each target.
    fn outputs_per_target(&self) -> usize;

    /// Loss of each sample and target, `[batch, targets]`.
    ///
    /// `values` is `[batch, targets, outputs_per_target]`; `target` `[batch, targets]` is on the
    /// transformed scale, or holds class indices from 0.
    fn forward(&self, values: Tensor<3>, target: Tensor<2>) -> Tensor<2>;

    /// What `values`, `[batch, targets, outputs_per_target]`, predict.
    fn predict(&self, values: Tensor<3>) -> Prediction;

    /// Whether the outputs are values of the target itself, so that output activations
    /// (softplus, sigmoid) and scaling of the outputs make sense.
    fn outputs_are_values(&self) -> bool {
        false
    }

    /// Whether the outputs of a target should be in ascending order, as quantiles are.
    fn outputs_ascend(&self) -> bool {
        false
    }

    /// Whether predictions have an interval. How good that is only the loss tells, so that it
    /// chooses the best epoch unless the user wants another metric.
    fn predicts_interval(&self) -> bool {
        false
    }
}

/// The options of a loss and how to build it.
pub trait LossConfig: Clone + Debug + Default + Serialize + DeserializeOwned + JsonSchema {
    /// The name people choose it by.
    const NAME: &'static str;
    /// What it builds.
    type Loss: Loss + Module + ModuleDisplay + 'static;

    /// Builds the loss.
    ///
    /// # Errors
    /// An option out of range ([`PluginError::bad_option`]), or a target of the wrong sort
    /// ([`PluginError::needs`]).
    fn init(&self, context: &LossContext, device: &Device) -> Result<Self::Loss, PluginError>;
}

/// A loss of any type as a Burn module.
pub type BoxedLoss = Erased<dyn LossObject>;

/// A loss behind a trait object.
pub trait LossObject: Loss + DynModule {
    /// The clone.
    fn clone_loss(&self) -> Box<dyn LossObject>;
}

impl<L: Loss + Module + ModuleDisplay + 'static> LossObject for Holder<L> {
    fn clone_loss(&self) -> Box<dyn LossObject> {
        Box::new(self.clone())
    }
}

impl CloneBox for dyn LossObject {
    fn clone_box(&self) -> Box<Self> {
        self.clone_loss()
    }
}

impl<L: Loss> Loss for Holder<L> {
    fn outputs_per_target(&self) -> usize {
        self.get().outputs_per_target()
    }

    fn forward(&self, values: Tensor<3>, target: Tensor<2>) -> Tensor<2> {
        self.get().forward(values, target)
    }

    fn predict(&self, values: Tensor<3>) -> Prediction {
        self.get().predict(values)
    }

    fn outputs_are_values(&self) -> bool {
        self.get().outputs_are_values()
    }

    fn outputs_ascend(&self) -> bool {
        self.get().outputs_ascend()
    }

    fn predicts_interval(&self) -> bool {
        self.get().predicts_interval()
    }
}

/// The kind of [`Loss`].
#[derive(Clone, Copy, Debug)]
pub struct LossKind;

impl Kind for LossKind {
    const NAME: &'static str = "loss";
    type Context = LossContext;
    type Component = BoxedLoss;

    fn plugins() -> Vec<&'static Plugin<Self>> {
        inventory::iter::<Plugin<Self>>.into_iter().collect()
    }
}

inventory::collect!(Plugin<LossKind>);

impl Plugin<LossKind> {
    /// The plugin of the loss that `C` configures; used by [`register_loss!`](crate::register_loss).
    pub const fn of<C: LossConfig>(provider: &'static str, version: &'static str) -> Self {
        Self::new::<C>(C::NAME, provider, version, |config, context, device| {
            let loss = Self::parse::<C>(C::NAME, config)?.init(context, device)?;
            Ok(Erased::new(Box::new(Holder::new(loss))))
        })
    }
}

/// Registers the loss that the given [`LossConfig`] builds.
#[macro_export]
macro_rules! register_loss {
    ($config:ty) => {
        $crate::inventory::submit! {
            $crate::Plugin::<$crate::LossKind>::of::<$config>(
                env!("CARGO_PKG_NAME"),
                env!("CARGO_PKG_VERSION"),
            )
        }
    };
}
