//! Coefficient of determination.

use aam_api::metric::{
    Better, Headline, Metric, MetricConfig, MetricContext, MetricInfo, Moments, Number, Numbers,
    OnConstants,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Coefficient of determination: `1 - SSE / SST`, with the sum of squared errors and the sum of squared
/// deviations of the actual values from their mean.
///
/// It is 1 for perfect predictions, 0 for predicting the mean, and negative for worse predictions. If all
/// actual values are equal it is 0.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct R2Config {}

/// Accumulates [`R2Config`].
#[derive(Clone, Debug, Default)]
pub struct R2 {
    moments: Moments,
    squared_error: f64,
}

impl MetricConfig for R2Config {
    const INFO: MetricInfo = MetricInfo::new("r2", "R²", Better::Higher)
        .leading(&[
            Headline::BestEpoch,
            Headline::Run,
            Headline::Card,
            Headline::Curve,
            Headline::Folds,
            Headline::Comparison,
            Headline::Verdict,
        ])
        .on_constants(OnConstants::Always(0.0))
        .at(10);
    type Metric = R2;

    fn init(&self, _context: &MetricContext) -> R2 {
        R2::default()
    }
}

impl Metric for R2 {
    type Of = Numbers;

    fn add(&mut self, number: Number) {
        self.moments.add(number.predicted, number.actual);
        self.squared_error += (number.predicted - number.actual).powi(2);
    }

    fn merge(&mut self, other: Self) {
        self.moments.merge(&other.moments);
        self.squared_error += other.squared_error;
    }

    fn value(&self) -> f64 {
        let squares = self.moments.actual_squares();
        match squares > 0.0 {
            true => 1.0 - self.squared_error / squares,
            false => 0.0,
        }
    }
}

aam_api::register_metric!(R2Config);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::metric::*;

    #[test]
    fn known_values() {
        // SSE = 8, SST = 9.
        assert_close(of_numbers(&R2Config {}, &NUMBERS), 1.0 - 8.0 / 9.0);
    }

    #[test]
    fn a_constant_far_from_zero_loses_no_digits() {
        let pairs: Vec<(f64, f64)> = (0..10)
            .map(|i| 1e9 + f64::from(i))
            .map(|y| (y, y))
            .collect();
        assert_close(of_numbers(&R2Config {}, &pairs), 1.0);
    }
}
