//! Root mean squared error.

use aam_api::metric::{Better, Metric, MetricConfig, MetricContext, MetricInfo, Number, Numbers};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Root mean squared error: the root of the mean of `(ŷ - y)²`, in the unit of the target. Large errors
/// have more weight than in the mean absolute error.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct RmseConfig {}

/// Accumulates [`RmseConfig`].
#[derive(Clone, Debug, Default)]
pub struct Rmse {
    squares: f64,
    count: f64,
}

impl MetricConfig for RmseConfig {
    const INFO: MetricInfo = MetricInfo::new("rmse", "root mean squared error", Better::Lower)
        .in_unit()
        .at(30);
    type Metric = Rmse;

    fn init(&self, _context: &MetricContext) -> Rmse {
        Rmse::default()
    }
}

impl Metric for Rmse {
    type Of = Numbers;

    fn add(&mut self, number: Number) {
        self.squares += (number.predicted - number.actual).powi(2);
        self.count += 1.0;
    }

    fn merge(&mut self, other: Self) {
        self.squares += other.squares;
        self.count += other.count;
    }

    fn value(&self) -> f64 {
        (self.squares / self.count).sqrt()
    }
}

aam_api::register_metric!(RmseConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::metric::*;

    #[test]
    fn known_values() {
        assert_close(of_numbers(&RmseConfig {}, &NUMBERS), 2f64.sqrt());
    }
}
