//! The choice of a UniFrac metric.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use aam_core::DataError;

/// A UniFrac metric; see the [module docs](super) for the formulas.
///
/// Metrics are parsed and displayed by name ([`Metric::names`]). The generalized forms include
/// their exponent, as in `generalized:0.25`; the default is 0.5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Metric {
    /// Presence only; between 0 and 1.
    #[default]
    Unweighted,
    /// Presence only, not normalised; in units of branch length.
    UnweightedUnnormalized,
    /// Abundance, not normalised; in units of branch length.
    Weighted,
    /// Abundance, between 0 and 1.
    WeightedNormalized,
    /// Between presence and abundance; with `alpha` 1, it equals `weighted-normalized`.
    Generalized {
        /// Weight of abundant branches, between 0 and 1.
        alpha: f64,
    },
    /// Each branch weighted by the variance of the reads below it.
    VarianceAdjusted(Adjusted),
}

/// A metric in variance-adjusted form.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Adjusted {
    /// Like [`Metric::Unweighted`].
    Unweighted,
    /// Like [`Metric::Weighted`].
    Weighted,
    /// Like [`Metric::WeightedNormalized`].
    WeightedNormalized,
    /// Like [`Metric::Generalized`].
    Generalized {
        /// Weight of abundant branches, between 0 and 1.
        alpha: f64,
    },
}

impl Metric {
    /// All forms, the generalized ones with their default exponent.
    const ALL: [Self; 9] = [
        Self::Unweighted,
        Self::UnweightedUnnormalized,
        Self::Weighted,
        Self::WeightedNormalized,
        Self::Generalized { alpha: 0.5 },
        Self::VarianceAdjusted(Adjusted::Unweighted),
        Self::VarianceAdjusted(Adjusted::Weighted),
        Self::VarianceAdjusted(Adjusted::WeightedNormalized),
        Self::VarianceAdjusted(Adjusted::Generalized { alpha: 0.5 }),
    ];

    /// Names of all metrics, for help and messages: `unweighted`, …, `generalized:ALPHA`, ….
    pub fn names() -> Vec<String> {
        let names = Self::ALL.iter().map(|metric| match metric.alpha() {
            None => metric.kind().to_owned(),
            Some(_) => format!("{}:ALPHA", metric.kind()),
        });
        names.collect()
    }

    /// The name without the exponent.
    fn kind(self) -> &'static str {
        match self {
            Self::Unweighted => "unweighted",
            Self::UnweightedUnnormalized => "unweighted-unnormalized",
            Self::Weighted => "weighted",
            Self::WeightedNormalized => "weighted-normalized",
            Self::Generalized { .. } => "generalized",
            Self::VarianceAdjusted(Adjusted::Unweighted) => "unweighted-vaw",
            Self::VarianceAdjusted(Adjusted::Weighted) => "weighted-vaw",
            Self::VarianceAdjusted(Adjusted::WeightedNormalized) => "weighted-normalized-vaw",
            Self::VarianceAdjusted(Adjusted::Generalized { .. }) => "generalized-vaw",
        }
    }

    /// The metric with another exponent, if it has one.
    fn with_alpha(self, alpha: f64) -> Self {
        match self {
            Self::Generalized { .. } => Self::Generalized { alpha },
            Self::VarianceAdjusted(Adjusted::Generalized { .. }) => {
                Self::VarianceAdjusted(Adjusted::Generalized { alpha })
            }
            other => other,
        }
    }

    /// The exponent of the generalized forms.
    pub(super) fn alpha(self) -> Option<f64> {
        match self {
            Self::Generalized { alpha } => Some(alpha),
            Self::VarianceAdjusted(Adjusted::Generalized { alpha }) => Some(alpha),
            _ => None,
        }
    }

    /// Replaces a generalized form with α = 1 by the equivalent metric; other metrics are
    /// unchanged.
    pub(super) fn plain(self) -> Self {
        match self {
            Self::Generalized { alpha: 1.0 } => Self::WeightedNormalized,
            Self::VarianceAdjusted(Adjusted::Generalized { alpha: 1.0 }) => {
                Self::VarianceAdjusted(Adjusted::WeightedNormalized)
            }
            other => other,
        }
    }

    /// Rejects an invalid exponent.
    pub(super) fn check(self) -> Result<Self, DataError> {
        match self.alpha() {
            Some(alpha) if !(0.0..=1.0).contains(&alpha) => Err(DataError::new(format!(
                "the alpha of generalized UniFrac must be between 0 and 1, found {alpha}"
            ))),
            _ => Ok(self),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self.alpha() {
            Some(alpha) => write!(f, ":{alpha}"),
            None => Ok(()),
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
        let metric = Self::ALL
            .into_iter()
            .find(|metric| metric.kind() == kind && (alpha.is_none() || metric.alpha().is_some()))
            .ok_or_else(|| {
                DataError::new(format!("there is no UniFrac metric '{text}'"))
                    .help(format!("choose one of {}", Self::names().join(", ")))
            })?;
        match alpha {
            None => Ok(metric),
            Some(alpha) => match alpha.parse::<f64>() {
                Ok(alpha) if (0.0..=1.0).contains(&alpha) => Ok(metric.with_alpha(alpha)),
                _ => Err(DataError::new(format!(
                    "the alpha of generalized UniFrac must be between 0 and 1, found '{alpha}'"
                ))),
            },
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
        assert!(error.contains("'bray'") && error.contains("generalized-vaw:ALPHA"));
        for name in Metric::names() {
            let metric: Metric = name.replace("ALPHA", "0.5").parse().unwrap();
            assert_eq!(metric.to_string(), name.replace("ALPHA", "0.5"));
        }
        assert_eq!("generalized".parse::<Metric>().unwrap().alpha(), Some(0.5));
        assert!("generalized:2".parse::<Metric>().is_err());
        assert!("generalized:x".parse::<Metric>().is_err());
        assert!("weighted:0.5".parse::<Metric>().is_err());
    }
}
