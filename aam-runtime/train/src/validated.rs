//! The evaluation of a model on the validation samples.

use aam_evaluation::compared::Compared;
use aam_evaluation::metrics::Metric;

/// The evaluation of a model on the validation samples.
#[derive(Default)]
pub struct Validated {
    /// Metrics over all samples, including `loss`.
    pub metrics: Vec<Metric>,
    /// Predictions with true values, for plots.
    pub compared: Vec<Compared>,
}

/// A metric with a name and a value.
pub fn metric(name: &str, value: f64) -> Metric {
    Metric {
        name: name.to_owned(),
        value,
    }
}
