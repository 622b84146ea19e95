//! Mean recall over the classes.

use aam_api::metric::{Better, Confusion, Headline, MetricConfig, MetricContext, MetricInfo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OfConfusion, mean};

/// Mean recall over the classes that occur, so that rare classes count as much as frequent ones.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct BalancedAccuracyConfig {}

impl MetricConfig for BalancedAccuracyConfig {
    const INFO: MetricInfo =
        MetricInfo::new("balanced_accuracy", "balanced accuracy", Better::Higher)
            .leading(&[Headline::Card])
            .at(20);
    type Metric = OfConfusion;

    fn init(&self, context: &MetricContext) -> OfConfusion {
        OfConfusion::new(context, value)
    }
}

fn value(confusion: &Confusion) -> f64 {
    let classes = (0..confusion.classes()).filter(|&class| confusion.actual(class) > 0.0);
    mean(classes.map(|class| confusion.hits(class) / confusion.actual(class)))
}

aam_api::register_metric!(BalancedAccuracyConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::metric::*;

    #[test]
    fn known_values() {
        assert_close(of_classes(&BalancedAccuracyConfig {}), 0.5);
    }
}
