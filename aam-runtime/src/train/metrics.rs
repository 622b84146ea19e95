//! Whole-set metrics, accumulated sample by sample; never means of batch means.

use serde::{Deserialize, Deserializer, Serialize};

/// A named figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name, for example `r2`.
    pub name: String,
    /// Its value; not a number where the data do not determine it.
    #[serde(deserialize_with = "number_or_null")]
    pub value: f64,
}

/// JSON has no NaN: it is written as null.
fn number_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Option::deserialize(deserializer).map(|value| value.unwrap_or(f64::NAN))
}

/// Whether more or less of a metric is better.
///
/// Losses, errors and widths (`loss`, `*_loss`, `mae`, `rmse`, `interval_width`, …) are better when
/// small, the rest (`r2`, `accuracy`, `auc`, `spearman`, `interval_coverage`, …) when large.
pub fn higher_is_better(name: &str) -> bool {
    let figure = name.rsplit(':').next().unwrap_or(name);
    let small = ["loss", "mae", "mse", "width"];
    !small.iter().any(|word| figure.contains(word))
}

/// Accumulates predicted and actual numbers.
///
/// Moments are updated as by Welford (1962) and Chan et al. (1983), so that nothing is lost when
/// values are large against their spread.
#[derive(Clone, Debug, Default)]
pub struct Regression {
    count: f64,
    mean_predicted: f64,
    mean_actual: f64,
    predicted_squares: f64,
    actual_squares: f64,
    products: f64,
    squared_error: f64,
    absolute_error: f64,
}

impl Regression {
    /// Adds one pair.
    pub fn add(&mut self, predicted: f64, actual: f64) {
        self.count += 1.0;
        let from_predicted = predicted - self.mean_predicted;
        let from_actual = actual - self.mean_actual;
        self.mean_predicted += from_predicted / self.count;
        self.mean_actual += from_actual / self.count;
        self.predicted_squares += from_predicted * (predicted - self.mean_predicted);
        self.actual_squares += from_actual * (actual - self.mean_actual);
        self.products += from_predicted * (actual - self.mean_actual);
        self.squared_error += (predicted - actual).powi(2);
        self.absolute_error += (predicted - actual).abs();
    }

    /// `1 − SSE / SST`; 0 where every actual value is the same.
    pub fn r2(&self) -> f64 {
        match self.actual_squares > 0.0 {
            true => 1.0 - self.squared_error / self.actual_squares,
            false => 0.0,
        }
    }

    /// Pearson correlation; not a number where either side is constant.
    pub fn pearson(&self) -> f64 {
        self.products / (self.predicted_squares * self.actual_squares).sqrt()
    }

    /// Standard deviation of the predicted values over that of the actual ones.
    pub fn spread(&self) -> f64 {
        (self.predicted_squares / self.actual_squares).sqrt()
    }

    /// `r2`, `mae`, `rmse`, `pearson`, each with `prefix` before its name.
    pub fn metrics(&self, prefix: &str) -> Vec<Metric> {
        let mean = |sum: f64| sum / self.count;
        [
            ("r2", self.r2()),
            ("mae", mean(self.absolute_error)),
            ("rmse", mean(self.squared_error).sqrt()),
            ("pearson", self.pearson()),
        ]
        .map(|(name, value)| Metric {
            name: format!("{prefix}{name}"),
            value,
        })
        .into()
    }
}

/// Accumulates predicted and actual classes.
#[derive(Clone, Debug)]
pub struct Classification {
    /// `confusion[actual][predicted]`.
    confusion: Vec<Vec<u64>>,
    log_loss: f64,
}

/// Probabilities below this count as this in the log loss, as in scikit-learn.
const LEAST_PROBABILITY: f64 = 1e-15;

impl Classification {
    /// For `classes` classes.
    pub fn new(classes: usize) -> Self {
        Self {
            confusion: vec![vec![0; classes]; classes],
            log_loss: 0.0,
        }
    }

    /// Adds a sample by the probabilities of its classes.
    pub fn add(&mut self, probabilities: &[f64], actual: usize) {
        let predicted = argmax(probabilities);
        self.confusion[actual][predicted] += 1;
        self.log_loss -= probabilities[actual].max(LEAST_PROBABILITY).ln();
    }

    /// How often each class (a row) was predicted as each class.
    pub fn confusion(&self) -> &[Vec<u64>] {
        &self.confusion
    }

    fn total(&self) -> f64 {
        self.confusion.iter().flatten().sum::<u64>() as f64
    }

    /// `accuracy`, `balanced_accuracy` (mean recall of the classes present), `f1` (mean over the
    /// classes present or predicted) and `log_loss`, each with `prefix` before its name.
    pub fn metrics(&self, prefix: &str) -> Vec<Metric> {
        let classes = 0..self.confusion.len();
        let hits = |class: usize| self.confusion[class][class] as f64;
        let actual = |class: usize| self.confusion[class].iter().sum::<u64>() as f64;
        let predicted =
            |class: usize| self.confusion.iter().map(|row| row[class]).sum::<u64>() as f64;
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        let recalls = classes
            .clone()
            .filter(|&class| actual(class) > 0.0)
            .map(|class| hits(class) / actual(class))
            .collect();
        let f1 = classes
            .clone()
            .map(|class| (hits(class), actual(class) + predicted(class)))
            .filter(|(_, support)| *support > 0.0)
            .map(|(hits, support)| 2.0 * hits / support)
            .collect();
        [
            ("accuracy", classes.map(hits).sum::<f64>() / self.total()),
            ("balanced_accuracy", mean(recalls)),
            ("f1", mean(f1)),
            ("log_loss", self.log_loss / self.total()),
        ]
        .map(|(name, value)| Metric {
            name: format!("{prefix}{name}"),
            value,
        })
        .into()
    }
}

/// Position of the largest value; the first of equals.
pub fn argmax(values: &[f64]) -> usize {
    let mut best = 0;
    for (position, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = position;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(metrics: &[Metric], name: &str) -> f64 {
        metrics.iter().find(|m| m.name == name).unwrap().value
    }

    #[test]
    fn regression_matches_the_closed_forms() {
        let mut regression = Regression::default();
        for (predicted, actual) in [(1.0, 1.0), (2.0, 4.0), (4.0, 4.0), (3.0, 5.0)] {
            regression.add(predicted, actual);
        }
        let metrics = regression.metrics("");
        // SSE = 8, SST = 9; Pearson: sums of products 5, of squares 5 and 9.
        assert!((value(&metrics, "r2") - (1.0 - 8.0 / 9.0)).abs() < 1e-12);
        assert!((value(&metrics, "mae") - 1.0).abs() < 1e-12);
        assert!((value(&metrics, "rmse") - 2f64.sqrt()).abs() < 1e-12);
        assert!((value(&metrics, "pearson") - 5.0 / (5.0f64 * 9.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_constant_far_from_zero_loses_no_digits() {
        let mut regression = Regression::default();
        for i in 0..10 {
            let y = 1e9 + f64::from(i);
            regression.add(y, y);
        }
        assert!((regression.r2() - 1.0).abs() < 1e-12);
        assert!((regression.pearson() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn classification_matches_the_closed_forms() {
        let mut classification = Classification::new(3);
        classification.add(&[0.8, 0.1, 0.1], 0);
        classification.add(&[0.6, 0.3, 0.1], 0);
        classification.add(&[0.5, 0.4, 0.1], 1);
        let metrics = classification.metrics("site:");
        assert!((value(&metrics, "site:accuracy") - 2.0 / 3.0).abs() < 1e-12);
        assert!((value(&metrics, "site:balanced_accuracy") - 0.5).abs() < 1e-12);
        // F1: class 0 = 4/5, class 1 = 0, class 2 is neither present nor predicted.
        assert!((value(&metrics, "site:f1") - 0.4).abs() < 1e-12);
        let expected = -(0.8f64.ln() + 0.6f64.ln() + 0.4f64.ln()) / 3.0;
        assert!((value(&metrics, "site:log_loss") - expected).abs() < 1e-12);
    }

    #[test]
    fn directions() {
        assert!(higher_is_better("r2") && higher_is_better("age:pearson"));
        assert!(!higher_is_better("loss") && !higher_is_better("age:mae"));
        assert!(higher_is_better("auc") && !higher_is_better("age:interval_width"));
        assert!(!higher_is_better("log_loss") && !higher_is_better("rmse"));
    }
}
