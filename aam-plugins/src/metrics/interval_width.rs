//! Width of the prediction interval.

use aam_api::metric::{
    Better, Interval, Intervals, Metric, MetricConfig, MetricContext, MetricInfo,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Mean width of the prediction interval, in the unit of the target.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct IntervalWidthConfig {}

/// Accumulates [`IntervalWidthConfig`].
#[derive(Clone, Debug, Default)]
pub struct IntervalWidth {
    width: f64,
    count: f64,
}

impl MetricConfig for IntervalWidthConfig {
    const INFO: MetricInfo =
        MetricInfo::new("interval_width", "width of the interval", Better::Lower)
            .in_unit()
            .at(70);
    type Metric = IntervalWidth;

    fn init(&self, _context: &MetricContext) -> IntervalWidth {
        IntervalWidth::default()
    }
}

impl Metric for IntervalWidth {
    type Of = Intervals;

    fn add(&mut self, interval: Interval) {
        self.width += interval.high - interval.low;
        self.count += 1.0;
    }

    fn merge(&mut self, other: Self) {
        self.width += other.width;
        self.count += other.count;
    }

    fn value(&self) -> f64 {
        self.width / self.count
    }
}

aam_api::register_metric!(IntervalWidthConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::metric::*;

    #[test]
    fn known_values() {
        assert_close(of_intervals(&IntervalWidthConfig {}), 5.0 / 3.0);
    }
}
