//! Metrics: how well predictions for a whole set of samples agree with the actual values.
//!
//! Their places, in steps of ten, preserve the order that they have always had in files; metrics without
//! a place come after them.

pub mod accuracy;
pub mod auc;
pub mod balanced_accuracy;
pub mod calibration_error;
pub mod f1;
pub mod interval_coverage;
pub mod interval_width;
pub mod log_loss;
pub mod mae;
pub mod pearson;
pub mod r2;
pub mod rmse;
pub mod set_coverage;
pub mod set_size;
pub mod spearman;

use aam_api::metric::{Class, Classes, Confusion, Metric, MetricContext};

/// A metric of classes that is computed from the confusion matrix.
#[derive(Clone, Debug)]
pub struct OfConfusion {
    confusion: Confusion,
    value: fn(&Confusion) -> f64,
}

impl OfConfusion {
    /// A metric that computes `value` from the confusion matrix.
    fn new(context: &MetricContext, value: fn(&Confusion) -> f64) -> Self {
        Self {
            confusion: Confusion::new(context.classes),
            value,
        }
    }
}

impl Metric for OfConfusion {
    type Of = Classes;

    fn add(&mut self, class: Class<'_>) {
        self.confusion.add(class.probabilities, class.actual);
    }

    fn merge(&mut self, other: Self) {
        self.confusion.merge(&other.confusion);
    }

    fn value(&self) -> f64 {
        (self.value)(&self.confusion)
    }
}

/// Mean of the values; NaN if there are none.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len() as f64
}
