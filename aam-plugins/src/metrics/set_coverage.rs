//! Fraction of actual classes inside the prediction set.

use aam_api::metric::{Better, ClassSet, Metric, MetricConfig, MetricContext, MetricInfo, Sets};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Fraction of samples whose class is in their prediction set; it should be at least the requested
/// coverage.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct SetCoverageConfig {}

/// Accumulates [`SetCoverageConfig`].
#[derive(Clone, Debug, Default)]
pub struct SetCoverage {
    inside: f64,
    count: f64,
}

impl MetricConfig for SetCoverageConfig {
    const INFO: MetricInfo =
        MetricInfo::new("set_coverage", "share inside the set", Better::Higher).at(70);
    type Metric = SetCoverage;

    fn init(&self, _context: &MetricContext) -> SetCoverage {
        SetCoverage::default()
    }
}

impl Metric for SetCoverage {
    type Of = Sets;

    fn add(&mut self, set: ClassSet<'_>) {
        self.inside += f64::from(set.classes.contains(&set.actual));
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

aam_api::register_metric!(SetCoverageConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::metric::*;

    #[test]
    fn known_values() {
        assert_close(of_sets(&SetCoverageConfig {}), 2.0 / 3.0);
    }
}
