//! Fraction of actual values inside the prediction interval.

use aam_api::metric::{
    Better, Headline, Interval, Intervals, Metric, MetricConfig, MetricContext, MetricInfo,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Fraction of the actual values inside the prediction interval; it should equal the nominal coverage of
/// the loss.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct IntervalCoverageConfig {}

/// Accumulates [`IntervalCoverageConfig`].
#[derive(Clone, Debug, Default)]
pub struct IntervalCoverage {
    inside: f64,
    count: f64,
}

impl MetricConfig for IntervalCoverageConfig {
    const INFO: MetricInfo = MetricInfo::new(
        "interval_coverage",
        "share inside the interval",
        Better::Higher,
    )
    .leading(&[Headline::Curve])
    .at(60);
    type Metric = IntervalCoverage;

    fn init(&self, _context: &MetricContext) -> IntervalCoverage {
        IntervalCoverage::default()
    }
}

impl Metric for IntervalCoverage {
    type Of = Intervals;

    fn add(&mut self, interval: Interval) {
        let inside = interval.low <= interval.actual && interval.actual <= interval.high;
        self.inside += f64::from(inside);
        self.count += 1.0;
    }

    fn merge(&mut self, other: Self) {
        self.inside += other.inside;
        self.count += other.count;
    }

    fn value(&self) -> f64 {
        self.inside / self.count
    }
}

aam_api::register_metric!(IntervalCoverageConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::metric::*;

    #[test]
    fn known_values() {
        assert_close(of_intervals(&IntervalCoverageConfig {}), 2.0 / 3.0);
    }
}
