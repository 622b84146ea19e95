//! Size of the prediction set.

use aam_api::metric::{Better, ClassSet, Metric, MetricConfig, MetricContext, MetricInfo, Sets};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Mean number of classes in the prediction set; 1 if every set has one class.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct SetSizeConfig {}

/// Accumulates [`SetSizeConfig`].
#[derive(Clone, Debug, Default)]
pub struct SetSize {
    classes: f64,
    count: f64,
}

impl MetricConfig for SetSizeConfig {
    const INFO: MetricInfo =
        MetricInfo::new("set_size", "classes in the set", Better::Lower).at(80);
    type Metric = SetSize;

    fn init(&self, _context: &MetricContext) -> SetSize {
        SetSize::default()
    }
}

impl Metric for SetSize {
    type Of = Sets;

    fn add(&mut self, set: ClassSet<'_>) {
        self.classes += set.classes.len() as f64;
        self.count += 1.0;
    }

    fn merge(&mut self, other: Self) {
        self.classes += other.classes;
        self.count += other.count;
    }

    fn value(&self) -> f64 {
        self.classes / self.count
    }
}

aam_api::register_metric!(SetSizeConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::metric::*;

    #[test]
    fn known_values() {
        assert_close(of_sets(&SetSizeConfig {}), 5.0 / 3.0);
    }
}
