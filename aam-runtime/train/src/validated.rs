//! What a model makes of the validation samples.

use aam_evaluation::compared::Compared;
use aam_evaluation::metrics::Metric;

/// What a model makes of the validation samples.
#[derive(Default)]
pub struct Validated {
    /// Metrics of the samples as a whole, `loss` among them.
    pub metrics: Vec<Metric>,
    /// Predictions beside the truth, for pictures.
    pub compared: Vec<Compared>,
}

/// A metric by its name.
pub fn metric(name: &str, value: f64) -> Metric {
    Metric {
        name: name.to_owned(),
        value,
    }
}
