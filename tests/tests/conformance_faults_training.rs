//! The conformance suite detects faults: optimizers, schedules and target transforms with one fault
//! at a time.

use std::cell::Cell;
use std::fmt::Debug;

use aam_api::{
    GroupOptimizer, OptimizerConfig, ParameterGroup, PluginError, Schedule, ScheduleConfig,
    ScheduleContext, TargetTransform, TrainingTargets, TransformConfig, testing,
};
use burn::optim::{LearningRate, Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The verdict of the suite.
fn verdict(check: impl FnOnce() + std::panic::UnwindSafe) -> String {
    match std::panic::catch_unwind(check) {
        Ok(()) => "conforms".to_owned(),
        Err(panic) => *panic.downcast::<String>().expect("a message"),
    }
}

#[track_caller]
fn says<F: Debug>(fault: &F, verdict: &str, expected: &str) {
    assert!(verdict.contains(expected), "{fault:?}: {verdict}");
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum OptimizerFault {
    #[default]
    None,
    Ascends,
    DecaysEverything,
    NeverDecays,
    ForgetsVelocity,
    LooksAtWholeTensors,
    MovesAtNoRate,
}

/// Gradient descent that may have a fault.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct FaultyOptimizerConfig {
    /// The fault.
    fault: OptimizerFault,
}

impl OptimizerConfig for FaultyOptimizerConfig {
    const NAME: &'static str = "faulty";

    fn init(&self, group: &ParameterGroup) -> Result<GroupOptimizer, PluginError> {
        let weight_decay = match self.fault {
            OptimizerFault::DecaysEverything => 0.1,
            OptimizerFault::NeverDecays => 0.0,
            _ => group.weight_decay,
        };
        Ok(GroupOptimizer::elementwise(FaultyOptimizer {
            fault: self.fault,
            weight_decay,
        }))
    }
}

#[derive(Clone)]
struct FaultyOptimizer {
    fault: OptimizerFault,
    weight_decay: f64,
}

#[derive(Clone)]
struct Velocity<const D: usize> {
    velocity: Tensor<D>,
    is_saved: bool,
}

impl<const D: usize> RecordState for Velocity<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        if self.is_saved {
            out.push_tensor(prefix, "velocity", self.velocity.to_data());
        }
    }

    fn state_unflatten(prefix: &str, src: &mut StateSource, device: &Device) -> Option<Self> {
        let data = src.take_tensor(prefix, "velocity")?;
        Some(Self {
            velocity: Tensor::from_data(data, device),
            is_saved: true,
        })
    }
}

impl Optimizer for FaultyOptimizer {
    type State<const D: usize> = Velocity<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Velocity<D>>,
    ) -> (Tensor<D>, Option<Velocity<D>>) {
        let grad = match self.fault {
            OptimizerFault::LooksAtWholeTensors => {
                let length: f32 = grad.clone().square().sum().into_scalar();
                grad.div_scalar(length.sqrt().max(1e-6))
            }
            _ => grad,
        };
        let velocity = match state {
            None => grad,
            Some(state) => state.velocity.mul_scalar(0.9) + grad,
        };
        let rate = match self.fault {
            OptimizerFault::Ascends => -rate,
            OptimizerFault::MovesAtNoRate => rate + 1e-3,
            _ => rate,
        };
        let decayed = tensor.mul_scalar(1.0 - rate * self.weight_decay);
        let state = Velocity {
            velocity: velocity.clone(),
            is_saved: self.fault != OptimizerFault::ForgetsVelocity,
        };
        (decayed - velocity.mul_scalar(rate), Some(state))
    }

    fn to_device<const D: usize>(state: Velocity<D>, device: &Device) -> Velocity<D> {
        Velocity {
            velocity: state.velocity.to_device(device),
            ..state
        }
    }
}

#[test]
fn every_fault_of_an_optimizer_is_named() {
    let verdict = |fault| verdict(move || testing::optimizer(&FaultyOptimizerConfig { fault }));
    assert_eq!(verdict(OptimizerFault::None), "conforms");
    for (fault, expected) in [
        (
            OptimizerFault::Ascends,
            "do not halve the squared distance of a parameter from its target",
        ),
        (
            OptimizerFault::DecaysEverything,
            "bias changes without a gradient, though it has no weight decay",
        ),
        (
            OptimizerFault::NeverDecays,
            "weight decay does not shrink matrix",
        ),
        (
            OptimizerFault::ForgetsVelocity,
            "matrix develops differently after the state was saved and loaded",
        ),
        (
            OptimizerFault::LooksAtWholeTensors,
            "it is elementwise, but the first part of matrix becomes",
        ),
        (
            OptimizerFault::MovesAtNoRate,
            "parameters change at a learning rate of 0",
        ),
    ] {
        says(&fault, &verdict(fault), expected);
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum ScheduleFault {
    #[default]
    None,
    Negative,
    TooHigh,
    Standstill,
    CountsQuestions,
    ForgetsEpochs,
    NoWarmup,
}

/// A learning rate that is halved after every epoch, and may have a fault.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct FaultyScheduleConfig {
    /// The fault.
    fault: ScheduleFault,
    /// Number of updates over which the rate rises.
    warmup: f64,
}

#[derive(Debug)]
struct FaultySchedule {
    fault: ScheduleFault,
    peak: f64,
    total: usize,
    warmup: usize,
    rate: f64,
    asked: Cell<u32>,
}

impl ScheduleConfig for FaultyScheduleConfig {
    const NAME: &'static str = "faulty";
    type Schedule = FaultySchedule;

    fn init(&self, context: &ScheduleContext) -> Result<FaultySchedule, PluginError> {
        let warmup = match self.warmup {
            fraction if fraction < 1.0 => (fraction * context.total as f64).round(),
            updates => updates,
        };
        Ok(FaultySchedule {
            fault: self.fault,
            peak: context.peak,
            total: context.total,
            warmup: match self.fault {
                ScheduleFault::NoWarmup => 0,
                _ => warmup as usize,
            },
            rate: context.peak,
            asked: Cell::new(0),
        })
    }
}

impl Schedule for FaultySchedule {
    fn rate(&self, update: usize) -> f64 {
        self.asked.set(self.asked.get() + 1);
        let rise = (update + 1) as f64 / (self.warmup + 1) as f64;
        let rate = self.rate * rise.min(1.0);
        match self.fault {
            // Beyond the last update, where a resumed run may continue.
            ScheduleFault::Negative => rate * (1.0 - update as f64 / self.total as f64),
            ScheduleFault::TooHigh => rate + self.peak,
            ScheduleFault::Standstill => 0.0,
            ScheduleFault::CountsQuestions => rate / f64::from(self.asked.get()),
            _ => rate,
        }
    }

    fn after_epoch(&mut self, _: f64) {
        self.rate /= 2.0;
    }

    fn state(&self) -> Value {
        match self.fault {
            ScheduleFault::ForgetsEpochs => Value::Null,
            _ => self.rate.into(),
        }
    }

    fn resume(&mut self, state: &Value) -> Result<(), PluginError> {
        self.rate = state.as_f64().unwrap_or(self.rate);
        Ok(())
    }
}

#[test]
fn every_fault_of_a_schedule_is_named() {
    let verdict = |fault| {
        let config = FaultyScheduleConfig { fault, warmup: 0.0 };
        verdict(move || testing::schedule(&config))
    };
    assert_eq!(verdict(ScheduleFault::None), "conforms");
    for (fault, expected) in [
        (ScheduleFault::Negative, "update 2 of 1 has the rate -0.001"),
        (
            ScheduleFault::TooHigh,
            "update 0 of 1 has the rate 0.002, above the highest rate, 0.001",
        ),
        (ScheduleFault::Standstill, "learns nothing: all rates are 0"),
        (
            ScheduleFault::CountsQuestions,
            "the rate of an update changes when it is requested again",
        ),
        (
            ScheduleFault::ForgetsEpochs,
            "that was stopped after epoch 1 has other rates after epoch 1",
        ),
        (
            ScheduleFault::NoWarmup,
            "do not rise from above 0 over five updates",
        ),
    ] {
        says(&fault, &verdict(fault), expected);
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum TransformFault {
    #[default]
    None,
    OneWay,
    UpsideDown,
    Unsaved,
    Overflow,
    NoNegatives,
    ReservedKey,
}

/// Halves a target, and may have a fault.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct FaultyTransformConfig {
    /// The fault.
    fault: TransformFault,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct FaultyTransform {
    fault: TransformFault,
    #[serde(skip)]
    scale: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
}

impl TransformConfig for FaultyTransformConfig {
    const NAME: &'static str = "faulty";
    type Fitted = FaultyTransform;

    fn fit(&self, _: &TrainingTargets<'_>) -> Result<FaultyTransform, PluginError> {
        let scale = match self.fault {
            TransformFault::Unsaved => 1.0,
            _ => 0.0,
        };
        Ok(FaultyTransform {
            fault: self.fault,
            scale,
            version: (self.fault == TransformFault::ReservedKey).then_some(1),
        })
    }

    fn gives_negatives(&self) -> bool {
        self.fault == TransformFault::NoNegatives
    }
}

impl FaultyTransform {
    fn factor(&self) -> f64 {
        match self.fault {
            TransformFault::UpsideDown => -2.0 - self.scale,
            _ => 2.0 + self.scale,
        }
    }
}

impl TargetTransform for FaultyTransform {
    fn forward(&self, y: f64, _: Option<usize>) -> f64 {
        match self.fault {
            TransformFault::NoNegatives => (y / self.factor()).exp(),
            _ => y / self.factor(),
        }
    }

    fn inverse(&self, z: f64, _: Option<usize>) -> f64 {
        match self.fault {
            TransformFault::OneWay => z,
            TransformFault::Overflow if z > 1e3 && z < 1e5 => (z * self.factor()).exp(),
            TransformFault::NoNegatives => z.max(1e-300).ln() * self.factor(),
            _ => z * self.factor(),
        }
    }
}

#[test]
fn every_fault_of_a_transform_is_named() {
    let verdict = |fault| verdict(move || testing::transform(&FaultyTransformConfig { fault }));
    assert_eq!(verdict(TransformFault::None), "conforms");
    for (fault, expected) in [
        (TransformFault::OneWay, "which the inverse turns into"),
        (TransformFault::UpsideDown, "the order is lost"),
        (
            TransformFault::Unsaved,
            "becomes another number after the transform was saved and loaded",
        ),
        (TransformFault::Overflow, "an output of 10000 becomes inf"),
        (
            TransformFault::NoNegatives,
            "it says that some values become negative, but none does",
        ),
        (
            TransformFault::ReservedKey,
            "its fitted state has the key 'version', which is reserved",
        ),
    ] {
        says(&fault, &verdict(fault), expected);
    }
}

#[test]
fn an_option_that_no_file_can_set_is_named() {
    let verdict = verdict(|| testing::transform(&NamedTransformConfig::default()));
    assert!(verdict.contains("has an option 'name'"), "{verdict}");
}

/// A transform with an option that no file can set.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct NamedTransformConfig {
    /// A name.
    name: String,
}

impl TransformConfig for NamedTransformConfig {
    const NAME: &'static str = "named";
    type Fitted = FaultyTransform;

    fn fit(&self, targets: &TrainingTargets<'_>) -> Result<FaultyTransform, PluginError> {
        FaultyTransformConfig::default().fit(targets)
    }
}
