//! The choice of a UniFrac metric.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::data::DataError;

/// Which UniFrac; the [module docs](super) hold the formulas.
///
/// Written and read by name: `unweighted`, `weighted`, `weighted-normalized`, `generalized`
/// (α = 0.5) or `generalized:ALPHA`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Metric {
    /// Presence alone; between 0 and 1.
    #[default]
    Unweighted,
    /// Abundance, not normalised; in units of branch length.
    Weighted,
    /// Abundance, between 0 and 1.
    WeightedNormalized,
    /// Between presence and abundance: `alpha` 1 is `weighted-normalized`.
    Generalized {
        /// Weight of abundant branches, between 0 and 1.
        alpha: f64,
    },
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unweighted => f.write_str("unweighted"),
            Self::Weighted => f.write_str("weighted"),
            Self::WeightedNormalized => f.write_str("weighted-normalized"),
            Self::Generalized { alpha } => write!(f, "generalized:{alpha}"),
        }
    }
}

impl FromStr for Metric {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let name = text.trim().to_ascii_lowercase().replace('_', "-");
        match name.as_str() {
            "unweighted" => return Ok(Self::Unweighted),
            "weighted" => return Ok(Self::Weighted),
            "weighted-normalized" => return Ok(Self::WeightedNormalized),
            "generalized" => return Ok(Self::Generalized { alpha: 0.5 }),
            _ => {}
        }
        if let Some(alpha) = name.strip_prefix("generalized:") {
            return match alpha.parse::<f64>() {
                Ok(alpha) if (0.0..=1.0).contains(&alpha) => Ok(Self::Generalized { alpha }),
                _ => Err(DataError::new(format!(
                    "the alpha of generalized UniFrac lies between 0 and 1, found `{alpha}`"
                ))),
            };
        }
        Err(
            DataError::new(format!("there is no UniFrac metric `{text}`"))
                .help("choose unweighted, weighted, weighted-normalized or generalized:ALPHA"),
        )
    }
}

impl TryFrom<String> for Metric {
    type Error = DataError;

    fn try_from(text: String) -> Result<Self, DataError> {
        text.parse()
    }
}

impl From<Metric> for String {
    fn from(metric: Metric) -> Self {
        metric.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for metric in [
            Metric::Unweighted,
            Metric::Weighted,
            Metric::WeightedNormalized,
            Metric::Generalized { alpha: 0.25 },
        ] {
            assert_eq!(metric.to_string().parse::<Metric>().unwrap(), metric);
            let json = serde_json::to_string(&metric).unwrap();
            assert_eq!(serde_json::from_str::<Metric>(&json).unwrap(), metric);
        }
        assert_eq!(
            "Weighted_Normalized".parse::<Metric>().unwrap(),
            Metric::WeightedNormalized
        );
        let error = "bray".parse::<Metric>().unwrap_err().to_string();
        assert!(error.contains("`bray`") && error.contains("weighted-normalized"));
        assert!("generalized:2".parse::<Metric>().is_err());
        assert!("generalized:x".parse::<Metric>().is_err());
    }
}
