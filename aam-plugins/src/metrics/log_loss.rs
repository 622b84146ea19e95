//! Log loss.

use aam_api::metric::{
    Better, Class, Classes, Headline, Metric, MetricConfig, MetricContext, MetricInfo,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Smaller probabilities are replaced by this one.
const LEAST_PROBABILITY: f64 = 1e-15;

/// Log loss: the mean of `-ln p`, where `p` is the probability of the actual class, at least 1e-15 as in
/// scikit-learn. It is the metric to judge class probabilities by.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct LogLossConfig {}

/// Accumulates [`LogLossConfig`].
#[derive(Clone, Debug, Default)]
pub struct LogLoss {
    sum: f64,
    count: f64,
}

impl MetricConfig for LogLossConfig {
    const INFO: MetricInfo = MetricInfo::new("log_loss", "log loss", Better::Lower)
        .leading(&[Headline::BestEpoch, Headline::Comparison])
        .at(40);
    type Metric = LogLoss;

    fn init(&self, _context: &MetricContext) -> LogLoss {
        LogLoss::default()
    }
}

impl Metric for LogLoss {
    type Of = Classes;

    fn add(&mut self, class: Class<'_>) {
        self.sum -= class.probabilities[class.actual]
            .max(LEAST_PROBABILITY)
            .ln();
        self.count += 1.0;
    }

    fn merge(&mut self, other: Self) {
        self.sum += other.sum;
        self.count += other.count;
    }

    fn value(&self) -> f64 {
        self.sum / self.count
    }
}

aam_api::register_metric!(LogLossConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::metric::*;

    #[test]
    fn known_values() {
        let expected = -(0.8f64.ln() + 0.6f64.ln() + 0.4f64.ln()) / 3.0;
        assert_close(of_classes(&LogLossConfig {}), expected);
    }
}
