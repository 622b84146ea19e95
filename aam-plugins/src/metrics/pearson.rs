//! Pearson's correlation.

use aam_api::metric::{
    Better, Metric, MetricConfig, MetricContext, MetricInfo, Moments, Number, Numbers, OnConstants,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Pearson's correlation of predicted and actual values; independent of scale and offset of the
/// predictions. NaN if either side is constant.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct PearsonConfig {}

/// Accumulates [`PearsonConfig`].
#[derive(Clone, Debug, Default)]
pub struct Pearson(Moments);

impl MetricConfig for PearsonConfig {
    const INFO: MetricInfo = MetricInfo::new("pearson", "Pearson correlation", Better::Higher)
        .on_constants(OnConstants::NotANumber)
        .at(40);
    type Metric = Pearson;

    fn init(&self, _context: &MetricContext) -> Pearson {
        Pearson::default()
    }
}

impl Metric for Pearson {
    type Of = Numbers;

    fn add(&mut self, number: Number) {
        self.0.add(number.predicted, number.actual);
    }

    fn merge(&mut self, other: Self) {
        self.0.merge(&other.0);
    }

    fn value(&self) -> f64 {
        self.0.correlation()
    }
}

aam_api::register_metric!(PearsonConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::metric::*;

    #[test]
    fn known_values() {
        // Sum of products 5, sums of squares 5 and 9.
        assert_close(of_numbers(&PearsonConfig {}, &NUMBERS), 5.0 / 45f64.sqrt());
    }
}
