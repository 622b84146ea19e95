//! An optimizer of its own making, with a state that is saved.

use aam_api::{GroupOptimizer, Kind, OptimizerConfig, OptimizerKind, ParameterGroup, PluginError};
use burn::optim::{LearningRate, Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Adam with the largest gradient so far in place of their root mean square, and decoupled weight
/// decay.
///
/// With `m` the mean of the gradients and `u` the larger of `β₂ u` and the gradient's size, a number
/// moves by `rate · m / (1 − β₁ᵗ) / u` in update `t`. Kingma and Ba, *Adam: a method for stochastic
/// optimization*, ICLR 2015, section 7.1.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct AdamaxConfig {
    /// β₁: what the mean of the gradients keeps in an update, in [0, 1).
    pub beta1: f64,
    /// β₂: what the largest gradient keeps in an update, in [0, 1).
    pub beta2: f64,
}

impl Default for AdamaxConfig {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
        }
    }
}

impl OptimizerConfig for AdamaxConfig {
    const NAME: &'static str = "adamax";

    fn init(&self, group: &ParameterGroup) -> Result<GroupOptimizer, PluginError> {
        for (option, value) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            if !(0.0..1.0).contains(&value) {
                let expected = "a number from 0 to below 1";
                let kind = OptimizerKind::NAME;
                return Err(PluginError::bad_option(
                    kind,
                    Self::NAME,
                    option,
                    expected,
                    value,
                ));
            }
        }
        Ok(GroupOptimizer::elementwise(Adamax {
            beta1: self.beta1,
            beta2: self.beta2,
            weight_decay: group.weight_decay,
        }))
    }
}

/// What updates the parameters of a group.
#[derive(Clone)]
struct Adamax {
    beta1: f64,
    beta2: f64,
    weight_decay: f64,
}

/// What a parameter keeps between updates.
#[derive(Clone)]
struct AdamaxState<const D: usize> {
    mean: Tensor<D>,
    largest: Tensor<D>,
    updates: u64,
}

impl<const D: usize> RecordState for AdamaxState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        out.push_tensor(prefix, "mean", self.mean.to_data());
        out.push_tensor(prefix, "largest", self.largest.to_data());
        out.push_scalar(prefix, "updates", self.updates.into());
    }

    fn state_unflatten(prefix: &str, from: &mut StateSource, device: &Device) -> Option<Self> {
        let mut tensor = |name: &str| {
            let data = from.take_tensor(prefix, name)?;
            Some(Tensor::from_data(data, device))
        };
        let (mean, largest) = (tensor("mean")?, tensor("largest")?);
        let updates = from.take_scalar(prefix, "updates")?.try_into().ok()?;
        Some(Self {
            mean,
            largest,
            updates,
        })
    }
}

impl Optimizer for Adamax {
    type State<const D: usize> = AdamaxState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamaxState<D>>,
    ) -> (Tensor<D>, Option<AdamaxState<D>>) {
        let state = state.unwrap_or_else(|| AdamaxState {
            mean: gradient.zeros_like(),
            largest: gradient.zeros_like(),
            updates: 0,
        });
        let updates = state.updates + 1;
        let mean =
            state.mean.mul_scalar(self.beta1) + gradient.clone().mul_scalar(1.0 - self.beta1);
        let largest = state
            .largest
            .mul_scalar(self.beta2)
            .max_pair(gradient.abs());
        let unbiased = 1.0 - self.beta1.powi(updates.min(1000) as i32);
        let direction = mean.clone() / largest.clone().add_scalar(1e-8);
        let decayed = tensor.mul_scalar(1.0 - rate * self.weight_decay);
        let moved = decayed - direction.mul_scalar(rate / unbiased);
        let state = AdamaxState {
            mean,
            largest,
            updates,
        };
        (moved, Some(state))
    }

    fn to_device<const D: usize>(state: AdamaxState<D>, device: &Device) -> AdamaxState<D> {
        AdamaxState {
            mean: state.mean.to_device(device),
            largest: state.largest.to_device(device),
            ..state
        }
    }
}

aam_api::register!(aam_api::OptimizerKind, AdamaxConfig);
