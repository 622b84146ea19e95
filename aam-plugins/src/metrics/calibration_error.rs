//! Expected calibration error.

use aam_api::metric::{
    Better, Class, Classes, Metric, MetricConfig, MetricContext, MetricInfo, Reliability,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Expected calibration error (Naeini, Cooper & Hauskrecht 2015): how far predicted probabilities are from
/// the fraction of samples for which they come true, in ten bins of equal width, averaged over
/// predictions. For two classes, that of the second; for more, that of every class against the others.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct CalibrationErrorConfig {}

/// Accumulates [`CalibrationErrorConfig`].
#[derive(Clone, Debug, Default)]
pub struct CalibrationError(Reliability);

impl MetricConfig for CalibrationErrorConfig {
    const INFO: MetricInfo =
        MetricInfo::new("calibration_error", "calibration error", Better::Lower).at(60);
    type Metric = CalibrationError;

    fn init(&self, _context: &MetricContext) -> CalibrationError {
        CalibrationError::default()
    }
}

impl Metric for CalibrationError {
    type Of = Classes;

    fn add(&mut self, class: Class<'_>) {
        self.0.add_classes(class.probabilities, class.actual);
    }

    fn merge(&mut self, other: Self) {
        self.0.merge(&other.0);
    }

    fn value(&self) -> f64 {
        self.0.error()
    }
}

aam_api::register_metric!(CalibrationErrorConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::metric::*;

    #[test]
    fn known_values() {
        // By bin: four probabilities of 0.1, none true; 0.3 and 0.4, the latter true; 0.5, not true; 0.6 and
        // 0.8, both true.
        let sum = 0.4 + 0.3 + 0.6 + 0.5 + 0.4 + 0.2;
        assert_close(of_classes(&CalibrationErrorConfig {}), sum / 9.0);
    }
}
