//! Target transforms: the scale on which a numeric target is learnt, and the way back.

pub mod category_scales;
pub mod normal_quantiles;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::category_scales::CategoryScales;
use self::normal_quantiles::NormalQuantiles;
use super::sample_categories::SampleCategories;

/// How a numeric target is scaled before training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TargetTransform {
    /// As it is.
    None,
    /// `(y − min) / (max − min)`.
    Minmax,
    /// `(y − mean) / standard deviation`.
    #[default]
    Zscore,
    /// `zscore` with the statistics of the sample's category ([`CategoryScales`]).
    ZscoreCategory,
    /// `ln(y + 1)`, then `minmax`.
    LogMinmax,
    /// `ln(y + 1)`, then `zscore`.
    LogZscore,
    /// The normal quantile of the value's rank ([`NormalQuantiles`]).
    QuantileNormal,
}

impl TargetTransform {
    /// Every transform.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Minmax,
        Self::Zscore,
        Self::ZscoreCategory,
        Self::LogMinmax,
        Self::LogZscore,
        Self::QuantileNormal,
    ];

    /// Whether it takes `ln(y + 1)`, which values at or below −1 do not have.
    pub fn is_log(self) -> bool {
        matches!(self, Self::LogMinmax | Self::LogZscore)
    }
}

impl fmt::Display for TargetTransform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Minmax => "minmax",
            Self::Zscore => "zscore",
            Self::ZscoreCategory => "zscore-category",
            Self::LogMinmax => "log-minmax",
            Self::LogZscore => "log-zscore",
            Self::QuantileNormal => "quantile-normal",
        })
    }
}

/// A transform with the statistics of the training targets.
///
/// It is `(f(y) − shift) / scale`, with shift and scale of the category where there are categories
/// and the sample's is among them, and the curve of `quantiles` where there is one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedTransform {
    transform: TargetTransform,
    shift: f64,
    scale: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    categories: Option<CategoryScales>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quantiles: Option<NormalQuantiles>,
}

/// Beyond this, `exp` would leave the range of `f32`.
const LARGEST_LOG: f64 = 88.0;

impl FittedTransform {
    /// Takes minimum, maximum, mean and population standard deviation from the training targets,
    /// of the samples at `rows`; under a logarithm all must be above −1. `categories` are those
    /// of `zscore-category`.
    pub fn fit(
        transform: TargetTransform,
        targets: &[f64],
        rows: &[usize],
        categories: Option<&SampleCategories>,
    ) -> Self {
        let values: Vec<f64> = match transform.is_log() {
            true => targets.iter().map(|y| y.ln_1p()).collect(),
            false => targets.to_vec(),
        };
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let count = values.len().max(1) as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
        let (shift, scale) = match transform {
            TargetTransform::None | TargetTransform::QuantileNormal => (0.0, 1.0),
            TargetTransform::Minmax | TargetTransform::LogMinmax => (low, high - low),
            TargetTransform::Zscore
            | TargetTransform::ZscoreCategory
            | TargetTransform::LogZscore => (mean, variance.sqrt()),
        };
        // A constant target has no scale; the difference to it is then kept as it is.
        let scale = if scale > 1e-8 * shift.abs().max(1.0) {
            scale
        } else {
            1.0
        };
        let of_categories =
            |categories| CategoryScales::fit(categories, rows, &values, shift, scale);
        Self {
            transform,
            shift,
            scale,
            categories: categories
                .filter(|_| transform == TargetTransform::ZscoreCategory)
                .map(of_categories),
            quantiles: (transform == TargetTransform::QuantileNormal)
                .then(|| NormalQuantiles::fit(&values)),
        }
    }

    /// Statistics of categories, where the transform depends on them.
    pub fn categories(&self) -> Option<&CategoryScales> {
        self.categories.as_ref()
    }

    /// From the target's unit to the scale of training, for a sample of the category at this
    /// place in [`CategoryScales`], or of none of them.
    pub fn forward(&self, y: f64, category: Option<usize>) -> f64 {
        if let Some(quantiles) = &self.quantiles {
            return quantiles.forward(y);
        }
        let y = if self.transform.is_log() {
            y.ln_1p()
        } else {
            y
        };
        let (shift, scale) = self.scale_of(category);
        (y - shift) / scale
    }

    /// From the scale of training to the target's unit, for a sample as in
    /// [`forward`](Self::forward).
    pub fn inverse(&self, z: f64, category: Option<usize>) -> f64 {
        if let Some(quantiles) = &self.quantiles {
            return quantiles.inverse(z);
        }
        let (shift, scale) = self.scale_of(category);
        let y = z * scale + shift;
        match self.transform.is_log() {
            true => y.min(LARGEST_LOG).exp_m1(),
            false => y,
        }
    }

    fn scale_of(&self, category: Option<usize>) -> (f64, f64) {
        match (category, &self.categories) {
            (Some(category), Some(scales)) => {
                let scale = &scales.categories[category];
                (scale.mean, scale.deviation)
            }
            _ => (self.shift, self.scale),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::random::stream;

    fn fit(transform: TargetTransform, targets: &[f64]) -> FittedTransform {
        let rows: Vec<usize> = (0..targets.len()).collect();
        FittedTransform::fit(transform, targets, &rows, None)
    }

    /// Categories of `count` samples: `a`, `b`, `c`, nothing, `a`, `b` …
    fn categories(count: usize) -> SampleCategories {
        let levels = [Some(&["a"][..]), Some(&["b"]), Some(&["c"]), None];
        let levels: Vec<Option<&[&str]>> = levels.into_iter().cycle().take(count).collect();
        SampleCategories::known(&["site"], &levels)
    }

    #[test]
    fn every_transform_is_undone_by_its_inverse_and_keeps_the_order() {
        let mut random = stream(1, "targets");
        for round in 0..200 {
            let count = random.random_range(1..60);
            let spread = 10f64.powi(random.random_range(-6..7));
            let targets: Vec<f64> = (0..count)
                .map(|_| match round % 3 {
                    0 => random.random::<f64>() * spread,
                    1 => f64::from(random.random_range(0..4)) * spread,
                    _ => (random.random::<f64>() * 12.0).exp(),
                })
                .collect();
            let rows: Vec<usize> = (0..count).collect();
            let categories = categories(count);
            for transform in TargetTransform::ALL {
                let fitted = FittedTransform::fit(transform, &targets, &rows, Some(&categories));
                let known = fitted.categories().map_or(0, |c| c.categories.len());
                let category = random.random_range(0..=known).checked_sub(1);
                let largest = targets.iter().copied().fold(1.0, f64::max);
                let mut before = f64::NEG_INFINITY;
                for step in 0..40 {
                    let y = largest
                        * (f64::from(step) / 10.0 - if transform.is_log() { 0.0 } else { 2.0 });
                    let z = fitted.forward(y, category);
                    assert!(z > before, "{transform}: {y} became {z}, after {before}");
                    before = z;
                    let back = fitted.inverse(z, category);
                    let off = (back - y).abs();
                    assert!(
                        off <= 1e-9 * largest,
                        "{transform}: {y} came back as {back}"
                    );
                }
            }
        }
    }

    #[test]
    fn statistics_are_those_of_the_training_targets() {
        let fitted = fit(TargetTransform::Zscore, &[1.0, 3.0]);
        assert_eq!((fitted.shift, fitted.scale), (2.0, 1.0));
        let fitted = fit(TargetTransform::Minmax, &[2.0, 6.0]);
        assert_eq!(fitted.forward(4.0, None), 0.5);
    }

    #[test]
    fn a_category_has_its_own_scale_and_others_that_of_the_whole() {
        // Samples 0 and 4 are of `a`, 1 and 5 of `b`.
        let targets = [1.0, 11.0, 5.0, 6.0, 3.0, 13.0];
        let rows: Vec<usize> = (0..6).collect();
        let of = categories(6);
        let fitted =
            FittedTransform::fit(TargetTransform::ZscoreCategory, &targets, &rows, Some(&of));
        let scales = fitted.categories().unwrap();
        assert_eq!(scales.columns, ["site"]);
        let position = |level: &str| scales.position(&[level.to_owned()]);
        assert_eq!((position("b"), position("z")), (Some(1), None));
        assert_eq!(scales.categories[1].samples, 2);
        assert_eq!(scales.smallest(), Some(("site=c".to_owned(), 1)));
        assert!(fitted.forward(6.0, position("a")) > fitted.forward(6.0, position("b")));
        assert!(fitted.forward(6.5, None).abs() < 1e-12);
    }

    #[test]
    fn manifests_of_older_versions_are_read() {
        let text = r#"{"transform":"log-zscore","shift":1.5,"scale":2.0}"#;
        let fitted: FittedTransform = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&fitted).unwrap(), text);
        assert!((fitted.inverse(0.25, None) - 2f64.exp_m1()).abs() < 1e-12);
    }

    #[test]
    fn a_fitted_transform_is_the_same_after_it_was_written_and_read() {
        let targets = [0.1, 0.7, 0.7, 13.0, 2.0 / 3.0];
        let rows: Vec<usize> = (0..5).collect();
        for transform in TargetTransform::ALL {
            let fitted = FittedTransform::fit(transform, &targets, &rows, Some(&categories(5)));
            let text = serde_json::to_string(&fitted).unwrap();
            assert_eq!(
                serde_json::from_str::<FittedTransform>(&text).unwrap(),
                fitted
            );
        }
    }
}
