//! The conformance suite detects faults: a head and a metric with one fault at a time.

use aam_api::metric::{
    Better, Metric, MetricConfig, MetricContext, MetricInfo, Number, Numbers, OnConstants,
};
use aam_api::{
    Attention, AttentionKeys, AttentionQueries, Head, HeadConfig, HeadContext, HeadInput,
    HeadOutput, Observation, PluginError, testing,
};
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
    UndeclaredAttention,
    AttentionBeyondOne,
}

/// A linear head that may have a fault.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct FaultyHeadConfig {
    /// The fault.
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
        let ([batch, _], device) = (pooled.dims(), pooled.device());
        let y = self.layer.forward(pooled.clone());
        let y = match self.fault {
            Fault::None
            | Fault::UnusedParameter
            | Fault::OutOfOrder
            | Fault::UndeclaredAttention
            | Fault::AttentionBeyondOne => y,
            Fault::NotANumber => y.log(),
            Fault::WrongShape => Tensor::cat(vec![y.clone(), y], 0),
            Fault::Detached => y.detach() + pooled.sum_dim(1),
            Fault::HalfTheGradient => y.clone().mul_scalar(0.5) + y.detach().mul_scalar(0.5),
            Fault::MixedSamples => y.clone() - y.mean_dim(0),
            Fault::Unsaved => y.add_scalar(self.start),
            Fault::Noise => y.clone() + y.random_like(Distribution::Normal(0.0, 1.0)),
        };
        let output = HeadOutput::from_columns(y, self.outputs_per_target);
        let weight = match self.fault {
            Fault::UndeclaredAttention => 1.0,
            Fault::AttentionBeyondOne => 1.5,
            _ => return output,
        };
        let weights = Tensor::full([batch, 1, 1, 1], weight, &device);
        let attention = Attention::new(AttentionQueries::Sample, [AttentionKeys::Profile]);
        output.with_observations(vec![Observation::attention(weights, attention)])
    }

    fn outputs_ascend(&self) -> bool {
        self.fault == Fault::OutOfOrder
    }
}

/// The verdict of the suite on a head with the fault.
fn verdict(fault: Fault) -> String {
    said(|| testing::head(&FaultyHeadConfig { fault }))
}

/// The message of a check.
fn said(check: impl FnOnce() + std::panic::UnwindSafe) -> String {
    match std::panic::catch_unwind(check) {
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
        (
            Fault::UndeclaredAttention,
            "does not declare PUBLISHES_ATTENTION",
        ),
        (
            Fault::AttentionBeyondOne,
            "the attention weights 'attention' of a query sum to 1.5, expected 1",
        ),
    ] {
        let verdict = verdict(fault);
        assert!(verdict.contains(expected), "{fault:?}: {verdict}");
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum MetricFault {
    #[default]
    None,
    SimilarityForError,
    MeanOfMeans,
    LastWeighsMore,
    Squared,
    NothingOnConstants,
}

/// A mean absolute error that may have a fault.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct FaultyMetricConfig {
    /// The fault.
    fault: MetricFault,
}

#[derive(Clone, Debug, Default)]
struct FaultyMetric {
    sum: f64,
    count: f64,
    lowest: f64,
    highest: f64,
    fault: MetricFault,
}

impl MetricConfig for FaultyMetricConfig {
    const INFO: MetricInfo = MetricInfo::new("faulty", "faulty error", Better::Lower)
        .in_unit()
        .on_constants(OnConstants::Number);
    type Metric = FaultyMetric;

    fn init(&self, _: &MetricContext) -> FaultyMetric {
        FaultyMetric {
            fault: self.fault,
            lowest: f64::INFINITY,
            highest: f64::NEG_INFINITY,
            ..FaultyMetric::default()
        }
    }
}

impl Metric for FaultyMetric {
    type Of = Numbers;

    fn add(&mut self, number: Number) {
        let error = (number.predicted - number.actual).abs();
        self.count += 1.0;
        self.lowest = self.lowest.min(number.actual);
        self.highest = self.highest.max(number.actual);
        self.sum += match self.fault {
            MetricFault::SimilarityForError => -error,
            MetricFault::LastWeighsMore => error * self.count,
            MetricFault::Squared => error * error,
            _ => error,
        };
    }

    fn merge(&mut self, other: Self) {
        self.lowest = self.lowest.min(other.lowest);
        self.highest = self.highest.max(other.highest);
        match self.fault {
            MetricFault::MeanOfMeans if self.count > 0.0 && other.count > 0.0 => {
                self.sum = (self.value() + other.value()) / 2.0;
                self.count = 1.0;
            }
            _ => {
                self.sum += other.sum;
                self.count += other.count;
            }
        }
    }

    fn value(&self) -> f64 {
        match self.fault {
            MetricFault::NothingOnConstants => {
                let range = self.highest - self.lowest;
                self.sum / self.count * range / range
            }
            _ => self.sum / self.count,
        }
    }
}

#[test]
fn every_fault_of_a_metric_is_named() {
    let verdict = |fault| said(move || testing::metric(&FaultyMetricConfig { fault }));
    assert_eq!(verdict(MetricFault::None), "conforms");
    for (fault, expected) in [
        (
            MetricFault::SimilarityForError,
            "metric 'faulty': its direction is Lower, but it is",
        ),
        (
            MetricFault::MeanOfMeans,
            "for the same samples merged from 1 and 59",
        ),
        (
            MetricFault::LastWeighsMore,
            "for the same samples in another order",
        ),
        (
            MetricFault::Squared,
            "for numbers four times as large, and is described as in the unit of the target",
        ),
        (
            MetricFault::NothingOnConstants,
            "it is NaN if all true values are equal, but is described as Number",
        ),
    ] {
        let verdict = verdict(fault);
        assert!(verdict.contains(expected), "{fault:?}: {verdict}");
    }
}
