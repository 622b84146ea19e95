//! Mean F1 over the classes.

use aam_api::metric::{Better, Confusion, MetricConfig, MetricContext, MetricInfo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OfConfusion, mean};

/// Macro F1: the harmonic mean of precision and recall, averaged over the classes that occur or are
/// predicted.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct F1Config {}

impl MetricConfig for F1Config {
    const INFO: MetricInfo = MetricInfo::new("f1", "F1 (macro)", Better::Higher).at(30);
    type Metric = OfConfusion;

    fn init(&self, context: &MetricContext) -> OfConfusion {
        OfConfusion::new(context, value)
    }
}

fn value(confusion: &Confusion) -> f64 {
    let classes = (0..confusion.classes()).map(|class| {
        (
            confusion.hits(class),
            confusion.actual(class) + confusion.predicted(class),
        )
    });
    let present = classes.filter(|(_, support)| *support > 0.0);
    mean(present.map(|(hits, support)| 2.0 * hits / support))
}

aam_api::register_metric!(F1Config);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::metric::*;

    #[test]
    fn known_values() {
        // Class 0 has 4/5, class 1 has 0, class 2 is neither present nor predicted.
        assert_close(of_classes(&F1Config {}), 0.4);
    }
}
