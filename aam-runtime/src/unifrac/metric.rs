//! The choice of a UniFrac metric.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::data::DataError;

/// Which UniFrac; the [module docs](super) hold the formulas.
///
/// Written and read by name: `unweighted`, `unweighted-unnormalized`, `weighted`,
/// `weighted-normalized`, `generalized` (α = 0.5) or `generalized:ALPHA`; and for the
/// variance-adjusted forms `unweighted-vaw`, `weighted-vaw`, `weighted-normalized-vaw` and
/// `generalized-vaw:ALPHA`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Metric {
    /// Presence alone; between 0 and 1.
    #[default]
    Unweighted,
    /// Presence alone, not normalised; in units of branch length.
    UnweightedUnnormalized,
    /// Abundance, not normalised; in units of branch length.
    Weighted,
    /// Abundance, between 0 and 1.
    WeightedNormalized,
    /// Between presence and abundance: `alpha` 1 is `weighted-normalized`.
    Generalized {
        /// Weight of abundant branches, between 0 and 1.
        alpha: f64,
    },
    /// Each branch weighted by the variance of the reads below it.
    VarianceAdjusted(Adjusted),
}

/// What is adjusted for variance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Adjusted {
    /// As [`Metric::Unweighted`].
    Unweighted,
    /// As [`Metric::Weighted`].
    Weighted,
    /// As [`Metric::WeightedNormalized`].
    WeightedNormalized,
    /// As [`Metric::Generalized`].
    Generalized {
        /// Weight of abundant branches, between 0 and 1.
        alpha: f64,
    },
}

impl Metric {
    /// The exponent of the generalized forms.
    pub(super) fn alpha(self) -> Option<f64> {
        match self {
            Self::Generalized { alpha } => Some(alpha),
            Self::VarianceAdjusted(Adjusted::Generalized { alpha }) => Some(alpha),
            _ => None,
        }
    }

    /// The metric that the generalized form with α = 1 is; other metrics as they are.
    pub(super) fn plain(self) -> Self {
        match self {
            Self::Generalized { alpha: 1.0 } => Self::WeightedNormalized,
            Self::VarianceAdjusted(Adjusted::Generalized { alpha: 1.0 }) => {
                Self::VarianceAdjusted(Adjusted::WeightedNormalized)
            }
            other => other,
        }
    }

    /// The error for an exponent that is none.
    pub(super) fn check(self) -> Result<Self, DataError> {
        match self.alpha() {
            Some(alpha) if !(0.0..=1.0).contains(&alpha) => Err(DataError::new(format!(
                "the alpha of generalized UniFrac lies between 0 and 1, found {alpha}"
            ))),
            _ => Ok(self),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unweighted => f.write_str("unweighted"),
            Self::UnweightedUnnormalized => f.write_str("unweighted-unnormalized"),
            Self::Weighted => f.write_str("weighted"),
            Self::WeightedNormalized => f.write_str("weighted-normalized"),
            Self::Generalized { alpha } => write!(f, "generalized:{alpha}"),
            Self::VarianceAdjusted(Adjusted::Unweighted) => f.write_str("unweighted-vaw"),
            Self::VarianceAdjusted(Adjusted::Weighted) => f.write_str("weighted-vaw"),
            Self::VarianceAdjusted(Adjusted::WeightedNormalized) => {
                f.write_str("weighted-normalized-vaw")
            }
            Self::VarianceAdjusted(Adjusted::Generalized { alpha }) => {
                write!(f, "generalized-vaw:{alpha}")
            }
        }
    }
}

impl FromStr for Metric {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let name = text.trim().to_ascii_lowercase().replace('_', "-");
        let (kind, alpha) = match name.split_once(':') {
            Some((kind, alpha)) => (kind, Some(alpha)),
            None => (name.as_str(), None),
        };
        let exponent = match alpha {
            None => 0.5,
            // Refused below.
            Some(_) if !kind.starts_with("generalized") => 0.5,
            Some(alpha) => match alpha.parse::<f64>() {
                Ok(alpha) if (0.0..=1.0).contains(&alpha) => alpha,
                _ => {
                    return Err(DataError::new(format!(
                        "the alpha of generalized UniFrac lies between 0 and 1, found `{alpha}`"
                    )));
                }
            },
        };
        match kind {
            "generalized" => Ok(Self::Generalized { alpha: exponent }),
            "generalized-vaw" => Ok(Self::VarianceAdjusted(Adjusted::Generalized {
                alpha: exponent,
            })),
            "unweighted" if alpha.is_none() => Ok(Self::Unweighted),
            "unweighted-unnormalized" if alpha.is_none() => Ok(Self::UnweightedUnnormalized),
            "weighted" if alpha.is_none() => Ok(Self::Weighted),
            "weighted-normalized" if alpha.is_none() => Ok(Self::WeightedNormalized),
            "unweighted-vaw" if alpha.is_none() => Ok(Self::VarianceAdjusted(Adjusted::Unweighted)),
            "weighted-vaw" if alpha.is_none() => Ok(Self::VarianceAdjusted(Adjusted::Weighted)),
            "weighted-normalized-vaw" if alpha.is_none() => {
                Ok(Self::VarianceAdjusted(Adjusted::WeightedNormalized))
            }
            _ => Err(
                DataError::new(format!("there is no UniFrac metric `{text}`")).help(
                    "choose unweighted, unweighted-unnormalized, weighted, weighted-normalized or \
                     generalized:ALPHA, or with -vaw adjusted for variance: unweighted-vaw, \
                     weighted-vaw, weighted-normalized-vaw or generalized-vaw:ALPHA",
                ),
            ),
        }
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
            Metric::UnweightedUnnormalized,
            Metric::Generalized { alpha: 0.25 },
            Metric::VarianceAdjusted(Adjusted::Unweighted),
            Metric::VarianceAdjusted(Adjusted::Weighted),
            Metric::VarianceAdjusted(Adjusted::WeightedNormalized),
            Metric::VarianceAdjusted(Adjusted::Generalized { alpha: 0.75 }),
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
        assert!("weighted:0.5".parse::<Metric>().is_err());
    }
}
