//! Fraction of samples whose class is predicted correctly.

use aam_api::metric::{Better, Confusion, Headline, MetricConfig, MetricContext, MetricInfo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OfConfusion;

/// Fraction of samples whose most probable class is the actual one.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct AccuracyConfig {}

impl MetricConfig for AccuracyConfig {
    const INFO: MetricInfo = MetricInfo::new("accuracy", "accuracy", Better::Higher)
        .leading(&[
            Headline::Run,
            Headline::Card,
            Headline::Curve,
            Headline::Folds,
            Headline::Comparison,
        ])
        .at(10);
    type Metric = OfConfusion;

    fn init(&self, context: &MetricContext) -> OfConfusion {
        OfConfusion::new(context, value)
    }
}

fn value(confusion: &Confusion) -> f64 {
    let hits = (0..confusion.classes()).map(|class| confusion.hits(class));
    hits.sum::<f64>() / confusion.total()
}

aam_api::register_metric!(AccuracyConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::metric::*;

    #[test]
    fn known_values() {
        assert_close(of_classes(&AccuracyConfig {}), 2.0 / 3.0);
    }
}
