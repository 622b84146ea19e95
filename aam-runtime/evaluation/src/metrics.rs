//! Values of metrics by name, as they are reported and written.

use serde::{Deserialize, Deserializer, Serialize};

/// The value of a metric. What its name says of it, [`MetricName`](aam_api::metric::MetricName) reads.
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
