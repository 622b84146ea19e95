//! A metric: the median of the absolute errors.

use aam_api::metric::{
    Better, Headline, Metric, MetricConfig, MetricContext, MetricInfo, Number, Numbers,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Median absolute error: half of the samples are predicted better, in the unit of the target. A few
/// that are far off do not change it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct MedianErrorConfig {}

/// What accumulates [`MedianErrorConfig`].
#[derive(Clone, Debug, Default)]
pub struct MedianError(Vec<f64>);

impl MetricConfig for MedianErrorConfig {
    const INFO: MetricInfo =
        MetricInfo::new("median_error", "median absolute error", Better::Lower)
            .in_unit()
            .leading(&[Headline::Card, Headline::Curve, Headline::Folds]);
    type Metric = MedianError;

    fn init(&self, _context: &MetricContext) -> MedianError {
        MedianError::default()
    }
}

impl Metric for MedianError {
    type Of = Numbers;
    const KEEPS_SAMPLES: bool = true;

    fn add(&mut self, number: Number) {
        self.0.push((number.predicted - number.actual).abs());
    }

    fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    fn value(&self) -> f64 {
        let mut errors = self.0.clone();
        errors.sort_by(f64::total_cmp);
        let middle = errors.len() / 2;
        match errors.len() {
            0 => f64::NAN,
            even if even % 2 == 0 => (errors[middle - 1] + errors[middle]) / 2.0,
            _ => errors[middle],
        }
    }
}

aam_api::register_metric!(MedianErrorConfig);
