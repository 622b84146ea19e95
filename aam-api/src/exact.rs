//! Numbers as text that parses back to the same number, including infinities and NaN, which JSON cannot
//! represent: `#[serde(with = "aam_api::exact")]`.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Writes the number.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    value.to_string().serialize(serializer)
}

/// Reads the number.
///
/// # Errors
/// Those of the deserializer, and text that is not a number.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(D::Error::custom)
}

/// The same for lists.
pub mod list {
    use super::{Deserialize, Deserializer, Error, Serialize, Serializer};

    /// Writes the numbers.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
        texts.serialize(serializer)
    }

    /// Reads the numbers.
    ///
    /// # Errors
    /// Those of the deserializer, and text that is not a number.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let numbers = texts.iter().map(|text| text.parse());
        numbers.collect::<Result<_, _>>().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[test]
    fn numbers_are_kept_to_the_bit() {
        #[derive(Serialize, Deserialize)]
        struct Numbers(#[serde(with = "super::list")] Vec<f64>);
        let numbers = [0.1 + 0.2, f64::MIN_POSITIVE, f64::NEG_INFINITY, f64::NAN];
        let text = serde_json::to_string(&Numbers(numbers.to_vec())).unwrap();
        let back: Numbers = serde_json::from_str(&text).unwrap();
        let bits = |numbers: &[f64]| numbers.iter().map(|n| n.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&back.0), bits(&numbers));
    }
}
