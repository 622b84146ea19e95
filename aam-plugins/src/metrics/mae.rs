//! Mean absolute error.

use aam_api::metric::{
    Better, Headline, Metric, MetricConfig, MetricContext, MetricInfo, Number, Numbers,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Mean absolute error: the mean of `|ŷ - y|`, in the unit of the target.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct MaeConfig {}

/// Accumulates [`MaeConfig`].
#[derive(Clone, Debug, Default)]
pub struct Mae {
    sum: f64,
    count: f64,
}

impl MetricConfig for MaeConfig {
    const INFO: MetricInfo = MetricInfo::new("mae", "mean absolute error", Better::Lower)
        .in_unit()
        .leading(&[Headline::Card, Headline::Folds, Headline::Comparison])
        .at(20);
    type Metric = Mae;

    fn init(&self, _context: &MetricContext) -> Mae {
        Mae::default()
    }
}

impl Metric for Mae {
    type Of = Numbers;

    fn add(&mut self, number: Number) {
        self.sum += (number.predicted - number.actual).abs();
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

aam_api::register_metric!(MaeConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::metric::*;

    #[test]
    fn known_values() {
        assert_close(of_numbers(&MaeConfig {}, &NUMBERS), 1.0);
    }
}
