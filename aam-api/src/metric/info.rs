//! Descriptors of metrics, and the list of linked ones.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::sample::Predicted;
use super::scores::begun;
use super::{Metric, MetricConfig, MetricContext};

/// Which of two values of a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// The larger.
    Higher,
    /// The smaller.
    Lower,
    /// Neither: the metric does not measure how good a model is, and never selects one.
    Neither,
}

impl Better {
    /// `value` on a scale on which higher is better; `None` if neither direction is better.
    pub fn score(self, value: f64) -> Option<f64> {
        match self {
            Self::Higher => Some(value),
            Self::Lower => Some(-value),
            Self::Neither => None,
        }
    }
}

/// What a metric describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricOf {
    /// Predicted numbers.
    Numbers,
    /// Intervals around predicted numbers.
    Intervals,
    /// Probabilities of classes.
    Classes,
    /// Prediction sets of classes.
    Sets,
    /// The objective: losses, and how well something other than targets is learned.
    Objective,
    /// The course of the training, independent of the model's predictions.
    Course,
}

impl MetricOf {
    /// Whether the target must be categorical.
    pub(crate) fn needs_classes(self) -> bool {
        matches!(self, Self::Classes | Self::Sets)
    }

    /// Whether only some predictions have it, so that a metric may be left without any samples.
    pub fn may_be_missing(self) -> bool {
        matches!(self, Self::Intervals | Self::Sets)
    }
}

/// Where a metric is the headline metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Headline {
    /// It selects the best epoch of a run without other predictions, and the best trial of a search.
    BestEpoch,
    /// It represents a run among other runs.
    Run,
    /// It is one of the headline numbers of a report.
    Card,
    /// It has a learning curve.
    Curve,
    /// It is shown for each fold.
    Folds,
    /// It is shown where components are compared.
    Comparison,
    /// It says whether a model is better than simpler methods; larger values are better.
    Verdict,
}

/// The value of a metric if all true values are equal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OnConstants {
    /// A number as usual.
    Number,
    /// Always this number.
    Always(f64),
    /// NaN.
    NotANumber,
}

/// The place of metrics without a place of their own: after all others.
const LAST: u32 = 1000;

/// Everything known about a metric except how it is computed.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct MetricInfo {
    /// Its name in files and flags, such as `balanced_accuracy`.
    pub name: &'static str,
    /// Its label for users.
    pub label: &'static str,
    /// Which of two values is better.
    pub better: Better,
    /// What it is computed from.
    pub of: MetricOf,
    /// Whether it is in the unit of the target; other metrics have no unit.
    pub in_unit: bool,
    /// Where it is the headline metric.
    pub headlines: &'static [Headline],
    /// Its value if all true values are equal.
    pub on_constants: OnConstants,
    /// Its place among the metrics of the same samples: smaller numbers come first.
    pub place: u32,
}

impl MetricInfo {
    /// A descriptor of the metric `name`, which is no headline metric, has no unit and comes last.
    pub const fn new(name: &'static str, label: &'static str, better: Better) -> Self {
        Self {
            name,
            label,
            better,
            of: MetricOf::Objective,
            in_unit: false,
            headlines: &[],
            on_constants: OnConstants::Number,
            place: LAST,
        }
    }

    /// Sets what the metric describes, if not the objective. For components, their type sets it.
    pub const fn of(self, of: MetricOf) -> Self {
        Self { of, ..self }
    }

    /// Declares that the metric is in the unit of the target.
    pub const fn in_unit(self) -> Self {
        Self {
            in_unit: true,
            ..self
        }
    }

    /// Sets where it is the headline metric.
    pub const fn leading(self, headlines: &'static [Headline]) -> Self {
        Self { headlines, ..self }
    }

    /// Sets its value for equal true values.
    pub const fn on_constants(self, on_constants: OnConstants) -> Self {
        Self {
            on_constants,
            ..self
        }
    }

    /// Sets its place among the other metrics.
    pub const fn at(self, place: u32) -> Self {
        Self { place, ..self }
    }

    /// The descriptor of the metric of `C`.
    pub(super) const fn of_component<C: MetricConfig>() -> Self {
        C::INFO.of(<<C::Metric as Metric>::Of as Predicted>::OF)
    }

    /// Whether it is the headline metric there.
    pub fn leads(&self, headline: Headline) -> bool {
        self.headlines.contains(&headline)
    }
}

/// Something that a run learns and that prefixes the names of its metrics: `unifrac` has the metrics
/// `unifrac_r2` and `train_unifrac_loss`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subject {
    /// The prefix of its metrics, without the underscore.
    pub name: &'static str,
    /// Its title for users.
    pub title: &'static str,
}

impl Subject {
    /// The subject whose metrics begin with `name` and an underscore.
    pub const fn new(name: &'static str, title: &'static str) -> Self {
        Self { name, title }
    }
}

inventory::collect!(MetricInfo);
inventory::collect!(Subject);

/// All linked descriptors, including those of components, sorted by place and then by name.
fn described() -> &'static [MetricInfo] {
    static ALL: OnceLock<Vec<MetricInfo>> = OnceLock::new();
    ALL.get_or_init(|| {
        let others = inventory::iter::<MetricInfo>.into_iter().copied();
        // A metric that cannot be built is reported as an error where it is computed.
        let of = |classes| begun(&MetricContext::new(classes)).unwrap_or_default();
        let components = [of(0), of(2)].into_iter().flatten();
        let components = components.map(|metric| *metric.info());
        let mut all: Vec<MetricInfo> = components.chain(others).collect();
        all.sort_by_key(|info| (info.place, info.name));
        all
    })
}

/// The headline metric of `of` at `headline`; the first if there are several.
pub fn leading(of: MetricOf, headline: Headline) -> Option<&'static MetricInfo> {
    let mut all = described().iter();
    all.find(|info| info.of == of && info.leads(headline))
}

/// The descriptor with exactly this name.
pub(super) fn named(name: &str) -> Option<&'static MetricInfo> {
    described().iter().find(|info| info.name == name)
}

/// All linked subjects.
pub fn subjects() -> impl Iterator<Item = &'static Subject> {
    inventory::iter::<Subject>.into_iter()
}
