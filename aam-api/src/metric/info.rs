//! Descriptors of metrics, and those that are linked.

use std::sync::OnceLock;

use super::sample::Predicted;
use super::scores::begun;
use super::{Metric, MetricConfig, MetricContext};

/// Which of two values of a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// The larger.
    Higher,
    /// The smaller.
    Lower,
    /// Neither: the metric does not say how good a model is, and chooses none.
    Neither,
}

impl Better {
    /// `value` on a scale of which more is better; nothing of a metric that does not say.
    pub fn score(self, value: f64) -> Option<f64> {
        match self {
            Self::Higher => Some(value),
            Self::Lower => Some(-value),
            Self::Neither => None,
        }
    }
}

/// What a metric is computed from.
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
    /// What is optimised: losses, and how well something other than targets is learnt.
    Objective,
    /// The course of the training, whatever the model makes of samples.
    Course,
}

impl MetricOf {
    /// Whether it is of a target of classes.
    pub(crate) fn needs_classes(self) -> bool {
        matches!(self, Self::Classes | Self::Sets)
    }

    /// Whether only some predictions have it, so that a metric of it may be of no sample at all.
    pub fn may_be_missing(self) -> bool {
        matches!(self, Self::Intervals | Self::Sets)
    }
}

/// Where a metric leads the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Headline {
    /// It chooses the best epoch of a run that predicts nothing else, and the best trial of a search.
    BestEpoch,
    /// It stands for a run among others.
    Run,
    /// It is one of the large numbers of a report.
    Card,
    /// It has a learning curve.
    Curve,
    /// It is shown of each fold.
    Folds,
    /// It is shown where components are compared.
    Comparison,
}

/// What a metric is where every true value is the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OnConstants {
    /// A number like any other.
    Number,
    /// Always this number.
    Always(f64),
    /// Not a number.
    NotANumber,
}

/// The place of metrics that do not say where they stand: after those that do.
const LAST: u32 = 1000;

/// All that is known of a metric but for how it is computed.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct MetricInfo {
    /// Its name in files and flags, such as `balanced_accuracy`.
    pub name: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// Which of two values is better.
    pub better: Better,
    /// What it is computed from.
    pub of: MetricOf,
    /// Whether it is in the unit of the target; the others have none.
    pub in_unit: bool,
    /// Where it leads.
    pub headlines: &'static [Headline],
    /// What it is where every true value is the same.
    pub on_constants: OnConstants,
    /// Its place among the metrics of the same samples: the smaller comes first.
    pub place: u32,
}

impl MetricInfo {
    /// The descriptor of the metric `name`, which leads nowhere, has no unit and comes last.
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

    /// Of something else than what is optimised. What a component is of, its type says.
    pub const fn of(self, of: MetricOf) -> Self {
        Self { of, ..self }
    }

    /// In the unit of the target.
    pub const fn in_unit(self) -> Self {
        Self {
            in_unit: true,
            ..self
        }
    }

    /// Leading there.
    pub const fn leading(self, headlines: &'static [Headline]) -> Self {
        Self { headlines, ..self }
    }

    /// With what it is where every true value is the same.
    pub const fn on_constants(self, on_constants: OnConstants) -> Self {
        Self {
            on_constants,
            ..self
        }
    }

    /// At this place among the others.
    pub const fn at(self, place: u32) -> Self {
        Self { place, ..self }
    }

    /// The descriptor of the metric of `C`.
    pub(super) const fn of_component<C: MetricConfig>() -> Self {
        C::INFO.of(<<C::Metric as Metric>::Of as Predicted>::OF)
    }

    /// Whether it leads there.
    pub fn leads(&self, headline: Headline) -> bool {
        self.headlines.contains(&headline)
    }
}

/// Something a run learns, after which its metrics are named: `unifrac` has the metrics
/// `unifrac_r2` and `train_unifrac_loss`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subject {
    /// What its metrics begin with, without the underscore.
    pub name: &'static str,
    /// What people call it.
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

/// The descriptors that are linked, those of components among them: by their place, those of one
/// place by name.
fn described() -> &'static [MetricInfo] {
    static ALL: OnceLock<Vec<MetricInfo>> = OnceLock::new();
    ALL.get_or_init(|| {
        let others = inventory::iter::<MetricInfo>.into_iter().copied();
        // What cannot be built is an error where it is to be computed.
        let of = |classes| begun(&MetricContext::new(classes)).unwrap_or_default();
        let components = [of(0), of(2)].into_iter().flatten();
        let components = components.map(|metric| *metric.info());
        let mut all: Vec<MetricInfo> = components.chain(others).collect();
        all.sort_by_key(|info| (info.place, info.name));
        all
    })
}

/// The metric of `of` that leads at `headline`, the first of several.
pub fn leading(of: MetricOf, headline: Headline) -> Option<&'static MetricInfo> {
    let mut all = described().iter();
    all.find(|info| info.of == of && info.leads(headline))
}

/// The descriptor of the name itself.
pub(super) fn named(name: &str) -> Option<&'static MetricInfo> {
    described().iter().find(|info| info.name == name)
}

/// The subjects that are linked.
pub fn subjects() -> impl Iterator<Item = &'static Subject> {
    inventory::iter::<Subject>.into_iter()
}
