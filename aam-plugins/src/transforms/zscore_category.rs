//! Z-score within categories of samples, with statistics shrunk towards those of all samples.

use std::collections::BTreeMap;

use aam_api::{
    PluginError, TargetTransform, TrainingTargets, TransformCategories, TransformConfig,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::linear::Linear;

/// Number of pseudo-samples from the whole that are added to each category.
const PSEUDO_SAMPLES: f64 = 5.0;

/// `zscore` with the statistics of the sample's category.
///
/// A category of `n` training samples with mean `m` and variance `v` is combined with `k` = 5
/// pseudo-samples distributed like all training samples, with mean `μ` and standard deviation `σ`:
///
/// ```text
/// mean     = (n m + k μ) / (n + k)
/// variance = (n v + k σ²) / (n + k) + n k (m − μ)² / (n + k)²
/// ```
///
/// A large category keeps its own statistics, a small one approaches those of the whole, and the standard
/// deviation is never 0: no training sample lies more than √(n + k) standard deviations from the mean of
/// its category. A sample of another category gets the statistics of the whole.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ZscoreCategoryConfig {}

/// The transform fitted by [`ZscoreCategoryConfig`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ZscoreCategory {
    /// The scale of all training samples.
    #[serde(flatten)]
    whole: Linear,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    categories: Option<CategoryScales>,
}

impl TransformConfig for ZscoreCategoryConfig {
    const NAME: &'static str = "zscore-category";
    type Fitted = ZscoreCategory;

    fn fit(&self, targets: &TrainingTargets<'_>) -> Result<ZscoreCategory, PluginError> {
        let whole = Linear::zscore(targets.values);
        let any = !targets.columns.is_empty();
        Ok(ZscoreCategory {
            whole,
            categories: any.then(|| CategoryScales::fit(targets, &whole)),
        })
    }

    fn by_category(&self) -> bool {
        true
    }

    fn gives_negatives(&self) -> bool {
        true
    }
}

impl ZscoreCategory {
    fn scale_of(&self, category: Option<usize>) -> Linear {
        let of_category = || self.categories.as_ref()?.categories.get(category?);
        of_category().map_or(self.whole, |own| Linear::known(own.mean, own.deviation))
    }
}

impl TargetTransform for ZscoreCategory {
    fn forward(&self, y: f64, category: Option<usize>) -> f64 {
        self.scale_of(category).forward(y, category)
    }

    fn inverse(&self, z: f64, category: Option<usize>) -> f64 {
        self.scale_of(category).inverse(z, category)
    }

    fn categories(&self) -> Option<&dyn TransformCategories> {
        let categories = self.categories.as_ref();
        categories.map(|categories| categories as &dyn TransformCategories)
    }
}

aam_api::register!(aam_api::TransformKind, ZscoreCategoryConfig);

/// Statistics of categories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct CategoryScales {
    /// Metadata columns whose values together form a category.
    columns: Vec<String>,
    /// The categories, in lexical order of their values.
    categories: Vec<CategoryScale>,
}

/// Statistics of a category.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct CategoryScale {
    /// One value per column.
    levels: Vec<String>,
    /// Number of training samples.
    samples: usize,
    /// Shrunken mean.
    mean: f64,
    /// Shrunken standard deviation.
    deviation: f64,
}

impl CategoryScales {
    fn fit(targets: &TrainingTargets<'_>, whole: &Linear) -> Self {
        let mut groups: BTreeMap<&[String], Vec<f64>> = BTreeMap::new();
        for (levels, &value) in targets.categories.iter().zip(targets.values) {
            if let Some(levels) = levels {
                groups.entry(levels).or_default().push(value);
            }
        }
        let (mean, deviation) = (whole.shift(), whole.scale());
        let groups = groups.into_iter();
        Self {
            columns: targets.columns.to_vec(),
            categories: groups
                .map(|(levels, values)| CategoryScale::fit(levels, &values, mean, deviation))
                .collect(),
        }
    }
}

impl TransformCategories for CategoryScales {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn place(&self, levels: &[String]) -> Option<usize> {
        self.categories
            .binary_search_by(|category| category.levels.as_slice().cmp(levels))
            .ok()
    }

    fn sizes(&self) -> Vec<(&[String], usize)> {
        let categories = self.categories.iter();
        categories
            .map(|category| (category.levels.as_slice(), category.samples))
            .collect()
    }
}

impl CategoryScale {
    fn fit(levels: &[String], values: &[f64], all: f64, deviation: f64) -> Self {
        let n = values.len() as f64;
        let k = PSEUDO_SAMPLES;
        let own = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - own).powi(2)).sum();
        let between = n * k * (own - all).powi(2) / (n + k).powi(2);
        let variance = (squares + k * deviation.powi(2)) / (n + k) + between;
        Self {
            levels: levels.to_vec(),
            samples: values.len(),
            mean: (n * own + k * all) / (n + k),
            deviation: variance.sqrt(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn category(values: &[f64]) -> CategoryScale {
        CategoryScale::fit(&["a".to_owned()], values, 10.0, 2.0)
    }

    #[test]
    fn known_categories_have_their_own_scale_and_others_the_overall_one() {
        let columns = ["site".to_owned()];
        let levels = ["a", "b", "c"].map(|level| [level.to_owned()]);
        let [a, b, c] = &levels;
        let of = [a, b, c].map(|level| Some(level.as_slice()));
        let categories = vec![of[0], of[1], of[2], None, of[0], of[1]];
        let values = [1.0, 11.0, 5.0, 6.0, 3.0, 13.0];
        let targets = TrainingTargets::with_categories(&values, &columns, categories);
        let fitted = ZscoreCategoryConfig {}.fit(&targets).expect("categories");
        let scales = fitted.categories().expect("categories");
        assert_eq!(scales.columns(), columns);
        let place = |level: &str| scales.place(&[level.to_owned()]);
        assert_eq!((place("b"), place("z")), (Some(1), None));
        let sizes: Vec<usize> = scales.sizes().iter().map(|(_, size)| *size).collect();
        assert_eq!(sizes, [2, 2, 1]);
        assert!(fitted.forward(6.0, place("a")) > fitted.forward(6.0, place("b")));
        assert!(fitted.forward(6.5, None).abs() < 1e-12);
    }

    #[test]
    fn checkpoints_of_older_versions_are_read() {
        let text = r#"{"shift":1.0,"scale":2.0,"categories":{"columns":["site"],"categories":[{"levels":["gut"],"samples":3,"mean":4.0,"deviation":0.5}]}}"#;
        let fitted: ZscoreCategory = serde_json::from_str(text).expect("a transform");
        assert_eq!(serde_json::to_string(&fitted).expect("text"), text);
        assert_eq!(fitted.forward(5.0, Some(0)), 2.0);
        assert_eq!(fitted.forward(5.0, None), 2.0);
        assert_eq!(fitted.inverse(1.0, Some(0)), 4.5);
    }

    #[test]
    fn statistics_combine_the_category_with_five_pseudo_samples() {
        // Five values of mean 10 and variance 4, in addition to 4 and 6.
        let root = 10f64.sqrt();
        let whole = [10.0, 10.0, 10.0, 10.0 - root, 10.0 + root];
        let all = [&[4.0, 6.0], &whole[..]].concat();
        let mean = all.iter().sum::<f64>() / 7.0;
        let variance = all.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 7.0;
        let shrunk = category(&[4.0, 6.0]);
        assert!((shrunk.mean - mean).abs() < 1e-12);
        assert!((shrunk.deviation - variance.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn single_and_constant_samples_have_a_nonzero_scale() {
        let single = category(&[40.0]);
        assert!((single.mean - 15.0).abs() < 1e-12);
        // √(5 · 4 / 6 + 5 · 30² / 6²)
        assert!((single.deviation - (20.0f64 / 6.0 + 125.0).sqrt()).abs() < 1e-12);
        let constant = category(&[10.0; 100]);
        assert!((constant.deviation - 2.0 * (5.0f64 / 105.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn large_categories_keep_their_own_statistics() {
        let values: Vec<f64> = (0..10_000).map(|i| f64::from(i % 2)).collect();
        let scale = category(&values);
        assert!((scale.mean - 0.5).abs() < 0.01, "{}", scale.mean);
        assert!((scale.deviation - 0.5).abs() < 0.06, "{}", scale.deviation);
    }

    #[test]
    fn no_training_sample_is_too_far_from_its_category() {
        for values in [vec![1e6], vec![1e6, -1e6], vec![1e6, 0.0, 0.0, 0.0]] {
            let scale = category(&values);
            let limit = (values.len() as f64 + PSEUDO_SAMPLES).sqrt();
            for value in &values {
                let z = (value - scale.mean) / scale.deviation;
                assert!(z.abs() <= limit, "{value} of {values:?} became {z}");
            }
        }
    }
}
