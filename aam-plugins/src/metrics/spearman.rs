//! Spearman's correlation.

use aam_api::metric::{
    Better, Headline, Metric, MetricConfig, MetricContext, MetricInfo, Number, Numbers,
    OnConstants, ranks,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Spearman's correlation: Pearson's correlation of the ranks, where ties share their mean rank. NaN if
/// either side is constant.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct SpearmanConfig {}

/// Accumulates [`SpearmanConfig`].
#[derive(Clone, Debug, Default)]
pub struct Spearman(Vec<Number>);

impl MetricConfig for SpearmanConfig {
    const INFO: MetricInfo = MetricInfo::new("spearman", "Spearman correlation", Better::Higher)
        .leading(&[Headline::Card])
        .on_constants(OnConstants::NotANumber)
        .at(50);
    type Metric = Spearman;

    fn init(&self, _context: &MetricContext) -> Spearman {
        Spearman::default()
    }
}

impl Metric for Spearman {
    type Of = Numbers;
    const KEEPS_SAMPLES: bool = true;

    fn add(&mut self, number: Number) {
        self.0.push(number);
    }

    fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    fn value(&self) -> f64 {
        let predicted = ranks(self.0.iter().map(|number| number.predicted));
        let actual = ranks(self.0.iter().map(|number| number.actual));
        let mean = (self.0.len() as f64 + 1.0) / 2.0;
        let sum = |a: &[f64], b: &[f64]| -> f64 {
            let products = a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean));
            products.sum()
        };
        let squares = sum(&predicted, &predicted) * sum(&actual, &actual);
        // Rounding may push it slightly beyond ±1.
        (sum(&predicted, &actual) / squares.sqrt()).clamp(-1.0, 1.0)
    }
}

aam_api::register_metric!(SpearmanConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::metric::*;

    #[test]
    fn known_values() {
        let rho = |pairs: &[(f64, f64)]| of_numbers(&SpearmanConfig {}, pairs);
        assert_close(rho(&[(1.0, 1.0), (2.0, 8.0), (3.0, 27.0)]), 1.0);
        // Without ties: 1 - 6 sum(d^2) / (n (n^2 - 1)), here with squares 1, 1, 4, 1, 1.
        let pairs = [(1.0, 2.0), (2.0, 1.0), (3.0, 5.0), (4.0, 3.0), (5.0, 4.0)];
        assert_close(
            rho(&pairs),
            1.0 - 6.0 * (1.0 + 1.0 + 4.0 + 1.0 + 1.0) / (5.0 * 24.0),
        );
        // Ranks 1.5, 1.5, 3 and 1, 2, 3: 1.5 / sqrt(1.5 * 2).
        assert_close(
            rho(&[(0.0, 1.0), (0.0, 2.0), (7.0, 3.0)]),
            1.5 / 3f64.sqrt(),
        );
        assert!(rho(&[(1.0, 1.0), (1.0, 2.0)]).is_nan());
    }
}
