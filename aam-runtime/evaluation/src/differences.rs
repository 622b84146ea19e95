//! How far the leading metric of a model is from that of another method.

use aam_api::metric::{Headline, MetricOf, leading};

use crate::metrics::Metric;
use crate::results::RawColumn;

/// How much better a model is than another method in the leading metric of a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The target.
    pub target: String,
    /// What the metric is called in text, such as `R²`.
    pub metric: &'static str,
    /// The other method.
    pub other: &'static str,
    /// The model's value.
    pub own: f64,
    /// The model's value less that of the other method; the larger, the better.
    pub value: f64,
    /// 95 % interval of the difference, from a bootstrap of the same samples.
    pub interval: (f64, f64),
}

/// The differences between two lists of metrics, the model's and those of `other`, one for each target
/// whose difference has an interval; `interval` gives it, from the places of the metric in the two lists.
pub fn differences(
    targets: &[RawColumn],
    other: &'static str,
    (own, of_other): (&[Metric], &[Metric]),
    interval: impl Fn((usize, usize)) -> Option<(f64, f64)>,
) -> Vec<Difference> {
    let difference = |column: &RawColumn| {
        let of = match column.classes {
            None => MetricOf::Numbers,
            Some(_) => MetricOf::Classes,
        };
        let info = leading(of, Headline::Verdict)?;
        let name = match targets.len() {
            1 => info.name.to_owned(),
            _ => format!("{}:{}", column.name, info.name),
        };
        let place = own.iter().position(|metric| metric.name == name)?;
        let same = of_other.iter().position(|metric| metric.name == name)?;
        Some(Difference {
            target: column.name.clone(),
            metric: info.label,
            other,
            own: own[place].value,
            value: own[place].value - of_other[same].value,
            interval: interval((place, same))?,
        })
    };
    targets.iter().filter_map(difference).collect()
}
