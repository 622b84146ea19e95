//! Metric values by name, as reported and written.

use serde::{Deserialize, Deserializer, Serialize};

/// The value of a metric. [`MetricName`](aam_api::metric::MetricName) parses its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name, for example `r2`.
    pub name: String,
    /// Its value; NaN if the data do not determine it.
    #[serde(deserialize_with = "number_or_null")]
    pub value: f64,
}

/// JSON has no NaN; it is written as null.
fn number_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Option::deserialize(deserializer).map(|value| value.unwrap_or(f64::NAN))
}
