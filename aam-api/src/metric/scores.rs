//! Metrics of any type, accumulated together.

use std::any::Any;
use std::fmt::Debug;

use burn::tensor::Device;
use serde_json::Map;

use super::info::{MetricInfo, MetricOf};
use super::sample::{Predicted, Sample};
use super::{Metric, MetricConfig, MetricContext, MetricKind};
use crate::{PluginError, Registry};

/// A metric of any type during accumulation.
#[derive(Debug)]
pub struct BoxedMetric {
    info: MetricInfo,
    samples: usize,
    metric: Box<dyn AnyMetric>,
}

trait AnyMetric: Debug + Send + Sync {
    fn add(&mut self, sample: &Sample<'_>) -> bool;
    fn merge(&mut self, other: Box<dyn Any>) -> bool;
    fn value(&self) -> f64;
    fn keeps_samples(&self) -> bool;
    fn cloned(&self) -> Box<dyn AnyMetric>;
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl<M: Metric> AnyMetric for M {
    fn add(&mut self, sample: &Sample<'_>) -> bool {
        let sample = M::Of::of(sample);
        sample.map(|sample| Metric::add(self, sample)).is_some()
    }

    fn merge(&mut self, other: Box<dyn Any>) -> bool {
        let other = other.downcast::<M>().ok();
        other.map(|other| Metric::merge(self, *other)).is_some()
    }

    fn value(&self) -> f64 {
        Metric::value(self)
    }

    fn keeps_samples(&self) -> bool {
        M::KEEPS_SAMPLES
    }

    fn cloned(&self) -> Box<dyn AnyMetric> {
        Box::new(self.clone())
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl Clone for BoxedMetric {
    fn clone(&self) -> Self {
        Self {
            info: self.info,
            samples: self.samples,
            metric: self.metric.cloned(),
        }
    }
}

impl BoxedMetric {
    pub(super) fn of<C: MetricConfig>(metric: C::Metric) -> Self {
        Self {
            info: MetricInfo::of_component::<C>(),
            samples: 0,
            metric: Box::new(metric),
        }
    }

    /// Its descriptor.
    pub fn info(&self) -> &MetricInfo {
        &self.info
    }

    /// Whether it keeps every sample.
    pub fn keeps_samples(&self) -> bool {
        self.metric.keeps_samples()
    }

    /// Adds a sample, if it has what the metric is computed from.
    pub fn add(&mut self, sample: &Sample<'_>) {
        self.samples += usize::from(self.metric.add(sample));
    }

    /// Adds the samples of `other`; returns false and adds nothing if `other` is another metric.
    pub fn merge(&mut self, other: Self) -> bool {
        let merged = self.metric.merge(other.metric.into_any());
        self.samples += usize::from(merged) * other.samples;
        merged
    }

    /// Returns the metric of the samples added so far; NaN if they do not determine it.
    pub fn value(&self) -> f64 {
        self.metric.value()
    }
}

/// The linked metrics that apply to a target of `context`, without samples and in the order of files.
pub(super) fn begun(context: &MetricContext) -> Result<Vec<BoxedMetric>, PluginError> {
    let registry = Registry::<MetricKind>::load()?;
    let begun = registry.iter().filter_map(|plugin| {
        let build = |options| plugin.build(&options, context, &Device::default());
        match plugin.resolve(&Map::new()).and_then(build) {
            Err(PluginError::Needs { .. }) => None,
            begun => Some(begun),
        }
    });
    let mut metrics: Vec<BoxedMetric> = begun.collect::<Result<_, _>>()?;
    metrics.sort_by_key(|metric| (metric.info.place, metric.info.name));
    Ok(metrics)
}

/// Metrics that are accumulated together.
#[derive(Clone, Debug, Default)]
pub struct Scores(Vec<BoxedMetric>);

impl Scores {
    /// All linked metrics that apply to a target, in the order of files.
    ///
    /// # Errors
    /// Two metrics share a name, or one cannot be built.
    pub fn of(context: &MetricContext) -> Result<Self, PluginError> {
        begun(context).map(Self)
    }

    /// The metrics of numbers that need no intervals and keep no samples: for pairs of samples, of
    /// which there are millions.
    ///
    /// # Errors
    /// As for [`Scores::of`].
    pub fn of_pairs() -> Result<Self, PluginError> {
        let mut all = Self::of(&MetricContext::new(0))?;
        let suits = |m: &BoxedMetric| m.info.of == MetricOf::Numbers && !m.keeps_samples();
        all.0.retain(suits);
        Ok(all)
    }

    /// Adds a sample.
    pub fn add(&mut self, sample: &Sample<'_>) {
        self.0.iter_mut().for_each(|metric| metric.add(sample));
    }

    /// The names and values of the metrics. A metric of intervals or sets is left out if no sample had
    /// one.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let has_any = |m: &&BoxedMetric| !m.info.of.may_be_missing() || m.samples > 0;
        let told = self.0.iter().filter(has_any);
        told.map(|metric| (metric.info.name, metric.value()))
    }

    /// The descriptors of the metrics.
    pub fn infos(&self) -> impl Iterator<Item = &MetricInfo> {
        self.0.iter().map(BoxedMetric::info)
    }
}
