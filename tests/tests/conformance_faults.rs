//! The conformance suite catches what it is there to catch: a head with one fault at a time.

use aam_api::{Head, HeadConfig, HeadContext, HeadInput, HeadOutput, PluginError, testing};
use burn::module::{Module, Param};
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::{Device, Distribution, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Fault {
    #[default]
    None,
    NotANumber,
    WrongShape,
    Detached,
    HalfTheGradient,
    UnusedParameter,
    OutOfOrder,
    MixedSamples,
    Unsaved,
    Noise,
}

/// A linear head that may have a fault.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct FaultyHeadConfig {
    /// What is wrong with it.
    fault: Fault,
}

#[derive(Module, Debug)]
struct FaultyHead {
    layer: Linear,
    unused: Option<Param<Tensor<1>>>,
    #[module(skip)]
    start: f32,
    #[module(skip)]
    fault: Fault,
    outputs_per_target: usize,
}

impl HeadConfig for FaultyHeadConfig {
    const NAME: &'static str = "faulty";
    type Head = FaultyHead;

    fn init(&self, context: &HeadContext, device: &Device) -> Result<FaultyHead, PluginError> {
        let random = Tensor::<1>::random([1], Distribution::Default, device);
        Ok(FaultyHead {
            layer: LinearConfig::new(context.dim, context.outputs()).init(device),
            unused: (self.fault == Fault::UnusedParameter)
                .then(|| Initializer::Ones.init([3], device)),
            start: random.into_scalar(),
            fault: self.fault,
            outputs_per_target: context.outputs_per_target,
        })
    }
}

impl Head for FaultyHead {
    fn forward(&self, input: HeadInput) -> HeadOutput {
        let pooled = input.pooled;
        let y = self.layer.forward(pooled.clone());
        let y = match self.fault {
            Fault::None | Fault::UnusedParameter | Fault::OutOfOrder => y,
            Fault::NotANumber => y.log(),
            Fault::WrongShape => Tensor::cat(vec![y.clone(), y], 0),
            Fault::Detached => y.detach() + pooled.sum_dim(1),
            Fault::HalfTheGradient => y.clone().mul_scalar(0.5) + y.detach().mul_scalar(0.5),
            Fault::MixedSamples => y.clone() - y.mean_dim(0),
            Fault::Unsaved => y.add_scalar(self.start),
            Fault::Noise => y.clone() + y.random_like(Distribution::Normal(0.0, 1.0)),
        };
        HeadOutput::from_columns(y, self.outputs_per_target)
    }

    fn outputs_ascend(&self) -> bool {
        self.fault == Fault::OutOfOrder
    }
}

/// What the suite says about a head with the fault.
fn verdict(fault: Fault) -> String {
    let checked = std::panic::catch_unwind(|| testing::head(&FaultyHeadConfig { fault }));
    match checked {
        Ok(()) => "conforms".to_owned(),
        Err(panic) => *panic.downcast::<String>().expect("a message"),
    }
}

#[test]
fn every_fault_is_named() {
    assert_eq!(verdict(Fault::None), "conforms");
    for (fault, expected) in [
        (Fault::NotANumber, "head 'faulty': outputs hold NaN"),
        (
            Fault::WrongShape,
            "values have the shape [16, 1, 1], expected [batch, targets, outputs",
        ),
        (
            Fault::Detached,
            "the gradient of parameter layer.weight is 0.000000, finite differences",
        ),
        (
            Fault::HalfTheGradient,
            "the gradient of parameter layer.weight is",
        ),
        (
            Fault::UnusedParameter,
            "no gradient reaches the parameter unused",
        ),
        (
            Fault::OutOfOrder,
            "outputs of a target are not in ascending order",
        ),
        (Fault::MixedSamples, "sample 0 among others and alone"),
        (Fault::Unsaved, "outputs differ after saving and loading"),
        (
            Fault::Noise,
            "the same input gives different outputs outside training",
        ),
    ] {
        let verdict = verdict(fault);
        assert!(verdict.contains(expected), "{fault:?}: {verdict}");
    }
}
