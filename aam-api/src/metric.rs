//! Metrics: how well predictions for a set of samples agree with the actual values.
//!
//! A metric is accumulated sample by sample over the whole set; it is never a mean over batches. All
//! that the program knows about it (its label, which direction is better, where it is the headline) is
//! in its [descriptor](MetricInfo). A metric of another crate therefore appears in `metrics.tsv`,
//! reports, tables and TensorBoard, and is accepted by `--best-metric`, as soon as it is linked:
//!
//! ```
//! use aam_api::metric::{Better, Metric, MetricConfig, MetricContext, MetricInfo, Number, Numbers};
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! /// Largest absolute error.
//! #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
//! #[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
//! pub struct LargestErrorConfig {}
//!
//! #[derive(Clone, Debug, Default)]
//! pub struct LargestError(f64);
//!
//! impl MetricConfig for LargestErrorConfig {
//!     const INFO: MetricInfo =
//!         MetricInfo::new("largest_error", "largest absolute error", Better::Lower).in_unit();
//!     type Metric = LargestError;
//!     fn init(&self, _context: &MetricContext) -> LargestError {
//!         LargestError::default()
//!     }
//! }
//!
//! impl Metric for LargestError {
//!     type Of = Numbers;
//!     fn add(&mut self, number: Number) {
//!         self.0 = self.0.max((number.predicted - number.actual).abs());
//!     }
//!     fn merge(&mut self, other: Self) {
//!         self.0 = self.0.max(other.0);
//!     }
//!     fn value(&self) -> f64 {
//!         self.0
//!     }
//! }
//!
//! aam_api::register_metric!(LargestErrorConfig);
//!
//! assert_eq!(aam_api::metric::label("age:largest_error"), "age: largest absolute error");
//! ```
//!
//! What a training run reports about itself (its loss, how well it predicts distances) has
//! descriptors, too, registered with [`describe_metrics!`](crate::describe_metrics) where it is
//! computed.

mod arithmetic;
mod info;
mod name;
mod reliability;
mod sample;
mod scores;

use std::fmt::Debug;

pub use arithmetic::{Confusion, Moments, area_under_curve, argmax, ranks};
pub use info::{Better, Headline, MetricInfo, MetricOf, OnConstants, Subject, leading, subjects};
pub use name::{MetricName, is_held_out, label, leads, spoken};
pub use reliability::{Bin, Reliability};
pub use sample::{
    Class, ClassSet, Classes, Interval, Intervals, Number, Numbers, Predicted, Sample, Sets,
};
pub use scores::{BoxedMetric, Scores};

use crate::{Config, Kind, PluginError};

/// What a metric is built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricContext {
    /// Number of classes of the target; 0 for a numeric target.
    pub classes: usize,
}

impl MetricContext {
    /// A context for a target of `classes` classes, or for a numeric target if `classes` is 0.
    pub fn new(classes: usize) -> Self {
        Self { classes }
    }
}

/// A metric during accumulation.
pub trait Metric: Clone + Debug + Send + Sync + 'static {
    /// What it is computed from: [`Numbers`], [`Intervals`], [`Classes`] or [`Sets`].
    type Of: Predicted;

    /// Whether it keeps every sample, which makes it unsuitable for millions of them, such as pairs of
    /// samples with a predicted distance.
    const KEEPS_SAMPLES: bool = false;

    /// Adds a sample.
    fn add(&mut self, sample: <Self::Of as Predicted>::Sample<'_>);

    /// Adds the samples of `other`.
    fn merge(&mut self, other: Self);

    /// Returns the metric of the samples added so far; NaN if they do not determine it.
    fn value(&self) -> f64;
}

/// The options of a metric, its descriptor and how to start accumulating it.
pub trait MetricConfig: Config {
    /// Its descriptor.
    const INFO: MetricInfo;
    /// What accumulates it.
    type Metric: Metric;

    /// Starts the metric with no samples.
    fn init(&self, context: &MetricContext) -> Self::Metric;

    /// Returns the metric of `samples`, leaving out those that lack what it is computed from.
    fn of<'a>(
        &self,
        context: &MetricContext,
        samples: impl IntoIterator<Item = Sample<'a>>,
    ) -> f64 {
        let mut metric = self.init(context);
        let samples = samples.into_iter();
        samples
            .filter_map(|sample| <Self::Metric as Metric>::Of::of(&sample))
            .for_each(|sample| metric.add(sample));
        metric.value()
    }
}

/// Starts the metric of `config`, if it applies to the target.
fn begun<C: MetricConfig>(config: &C, context: &MetricContext) -> Result<BoxedMetric, PluginError> {
    let needs = |what| Err(PluginError::needs(MetricKind::NAME, C::INFO.name, what));
    let of_classes = <C::Metric as Metric>::Of::OF.needs_classes();
    match (of_classes, context.classes) {
        (true, 0) => needs("a categorical target, but this one is numeric"),
        (true, _) | (false, 0) => Ok(BoxedMetric::of::<C>(config.init(context))),
        (false, _) => needs("a numeric target, but this one has classes"),
    }
}

crate::define_kind! {
    /// The kind of [`Metric`]s. They are not chosen: a run computes all linked metrics that apply to its
    /// targets.
    pub struct MetricKind: Kind<Context = MetricContext, Component = BoxedMetric> {
        const NAME: &'static str = "metric";
        const SUMMARY: &'static str =
            "How well predictions of a set of samples agree with the truth";
        const PLACE: u32 = 80;
    }

    fn build<C: MetricConfig>(C::INFO.name, &[]) = begun;
}

/// Registers the metric of the given [`MetricConfig`](crate::MetricConfig).
#[macro_export]
macro_rules! register_metric {
    ($config:ty) => {
        $crate::register!($crate::MetricKind, $config);
    };
}

/// Registers descriptors ([`MetricInfo`](crate::metric::MetricInfo)) of what a training run reports
/// about itself, and subjects ([`Subject`](crate::metric::Subject)) that distinguish metrics. Those
/// of components need no registration.
#[macro_export]
macro_rules! describe_metrics {
    ($($described:expr),+ $(,)?) => {
        $($crate::plumbing::inventory::submit! { $described })+
    };
}
