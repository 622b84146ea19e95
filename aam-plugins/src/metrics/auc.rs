//! Area under the ROC curve.

use aam_api::metric::{
    Better, Class, Classes, Headline, Metric, MetricConfig, MetricContext, MetricInfo, OnConstants,
    area_under_curve,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mean;

/// Area under the ROC curve of each class against all others, averaged over classes: how often a sample
/// of the class gets a higher probability of it than a sample outside it (Mann and Whitney 1947).
///
/// Classes that contain all or none of the samples are left out; if that leaves none, the result is NaN.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct AucConfig {}

/// Accumulates [`AucConfig`].
#[derive(Clone, Debug)]
pub struct Auc {
    /// For each class, its predicted probability for each sample, and whether the sample is in the class.
    of_class: Vec<Vec<(f64, bool)>>,
}

impl MetricConfig for AucConfig {
    const INFO: MetricInfo = MetricInfo::new("auc", "AUC", Better::Higher)
        .leading(&[Headline::Card, Headline::Folds, Headline::Verdict])
        .on_constants(OnConstants::NotANumber)
        .at(50);
    type Metric = Auc;

    fn init(&self, context: &MetricContext) -> Auc {
        Auc {
            of_class: vec![Vec::new(); context.classes],
        }
    }
}

impl Metric for Auc {
    type Of = Classes;
    const KEEPS_SAMPLES: bool = true;

    fn add(&mut self, class: Class<'_>) {
        let scores = self
            .of_class
            .iter_mut()
            .zip(class.probabilities)
            .enumerate();
        for (index, (scores, probability)) in scores {
            scores.push((*probability, index == class.actual));
        }
    }

    fn merge(&mut self, other: Self) {
        let classes = self.of_class.iter_mut().zip(other.of_class);
        classes.for_each(|(own, other)| own.extend(other));
    }

    fn value(&self) -> f64 {
        let areas = self.of_class.iter();
        mean(areas.filter_map(|scores| area_under_curve(scores)))
    }
}

aam_api::register_metric!(AucConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::metric::*;

    #[test]
    fn known_values() {
        let samples: [([f64; 3], usize); 4] = [
            ([0.7, 0.2, 0.1], 0),
            ([0.5, 0.4, 0.1], 1),
            ([0.1, 0.8, 0.1], 1),
            ([0.3, 0.5, 0.2], 0),
        ];
        // Both classes that occur have 3 of 4 pairs in order; the third does not occur.
        assert_close(of_these_classes(&AucConfig {}, &samples), 0.75);
    }
}
