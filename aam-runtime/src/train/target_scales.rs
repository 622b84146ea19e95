//! The scale of each target for each sample: the same for all, or that of the sample's category.

use std::collections::BTreeSet;

use super::sample_categories::{SampleCategories, distinct, label, listed};
use super::transform::TargetTransform;
use super::transform::category_scales::CategoryScales;
use crate::checkpoint::manifest::{TargetManifest, TargetValues};
use crate::data::Metadata;
use crate::error::RunError;
use crate::events::{Event, Observer};
use crate::options::TrainOptions;

/// Most categories that a line names.
const MOST_NAMED: usize = 10;

/// The transform that `options` choose.
///
/// # Errors
/// A transform and columns of categories that do not go together.
pub fn chosen(options: &TrainOptions) -> Result<TargetTransform, RunError> {
    let by = &options.target.normalize_by;
    let usage = |problem: String| Err(RunError::Usage(problem));
    let target = |name: &&String| {
        let mut targets = options.metadata_column.iter();
        targets.any(|target| target.trim() == name.trim())
    };
    match (options.target.target_transform, by.first()) {
        (Some(TargetTransform::ZscoreCategory), None) => usage(
            "--target-transform zscore-category needs --normalize-by, the metadata columns that \
             categories are taken from"
                .to_owned(),
        ),
        (Some(transform), None) => Ok(transform),
        (None, None) => Ok(TargetTransform::default()),
        (_, Some(first)) if options.classifier => usage(format!(
            "--normalize-by {first}: classes have no scale; leave it out, or leave out --classifier"
        )),
        (_, Some(_)) if by.iter().any(|name| target(&name)) => usage(format!(
            "--normalize-by {}: this is the column to predict",
            by.iter().find(target).map_or("", |name| name.trim())
        )),
        (Some(TargetTransform::ZscoreCategory) | None, Some(_)) => {
            Ok(TargetTransform::ZscoreCategory)
        }
        (Some(other), Some(first)) => usage(format!(
            "--normalize-by {first}: the chosen --target-transform, {other}, is of the whole target; \
             choose zscore-category, or leave out --normalize-by"
        )),
    }
}

/// How the targets of a run are scaled.
#[derive(Clone, Debug)]
pub struct Scaling {
    transform: TargetTransform,
    categories: Option<SampleCategories>,
}

impl Scaling {
    /// The scaling of `samples` by the transform that was [`chosen`].
    ///
    /// # Errors
    /// A column that the metadata lack.
    pub fn read(
        transform: TargetTransform,
        options: &TrainOptions,
        metadata: &Metadata,
        samples: &[String],
    ) -> Result<Self, RunError> {
        let columns = distinct(&options.target.normalize_by);
        let categories = match columns.is_empty() {
            true => None,
            false => Some(SampleCategories::read(&columns, metadata, samples)?),
        };
        Ok(Self {
            transform,
            categories,
        })
    }

    /// The transform.
    pub fn transform(&self) -> TargetTransform {
        self.transform
    }

    /// The categories of the samples, if the transform depends on them.
    pub fn categories(&self) -> Option<&SampleCategories> {
        self.categories.as_ref()
    }
}

/// What the values of each target are, and the place of each sample's category in its transform.
#[derive(Clone, Debug)]
pub struct TargetScales {
    values: Vec<TargetValues>,
    /// For each target; of a target that does not depend on categories empty.
    categories: Vec<Vec<Option<usize>>>,
}

impl TargetScales {
    /// The scales of `samples`, and the categories among them that training samples did not have.
    ///
    /// # Errors
    /// No metadata, or metadata that lack a column, where a transform depends on categories.
    pub fn new(
        targets: &[TargetManifest],
        metadata: Option<&Metadata>,
        samples: &[String],
    ) -> Result<(Self, Vec<String>), RunError> {
        let mut unseen = BTreeSet::new();
        let mut categories = Vec::with_capacity(targets.len());
        for target in targets {
            categories.push(match scales_of(&target.values) {
                None => Vec::new(),
                Some(scales) => {
                    let metadata = metadata.ok_or_else(|| needs_metadata(target, scales))?;
                    places(scales, metadata, samples, &mut unseen)?
                }
            });
        }
        let scales = Self {
            values: targets.iter().map(|target| target.values.clone()).collect(),
            categories,
        };
        Ok((scales, unseen.into_iter().collect()))
    }

    /// What the values of the targets are.
    pub fn values(&self) -> &[TargetValues] {
        &self.values
    }

    /// A value of a target in its own unit, for the sample at `row`, on the scale of training; the
    /// index of a class stays.
    pub fn forward(&self, target: usize, row: usize, y: f64) -> f64 {
        match &self.values[target] {
            TargetValues::Numbers(transform) => transform.forward(y, self.category(target, row)),
            TargetValues::Classes(_) => y,
        }
    }

    /// The way back from [`forward`](Self::forward).
    pub fn inverse(&self, target: usize, row: usize, z: f64) -> f64 {
        match &self.values[target] {
            TargetValues::Numbers(transform) => transform.inverse(z, self.category(target, row)),
            TargetValues::Classes(_) => z,
        }
    }

    fn category(&self, target: usize, row: usize) -> Option<usize> {
        self.categories[target].get(row).copied().flatten()
    }

    /// Tells how many categories the targets are scaled in.
    ///
    /// # Errors
    /// Those of the observer.
    pub fn note(
        &self,
        targets: &[TargetManifest],
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        for target in targets {
            if let Some(scales) = scales_of(&target.values)
                && let Some((smallest, samples)) = scales.smallest()
            {
                let text = format!(
                    "'{}' has a scale in each of {} categories; the smallest is {smallest} (n = {samples})",
                    target.column,
                    scales.categories.len(),
                );
                observer.observe(&Event::Note(&text))?;
            }
        }
        Ok(())
    }
}

fn scales_of(values: &TargetValues) -> Option<&CategoryScales> {
    match values {
        TargetValues::Numbers(transform) => transform.categories(),
        TargetValues::Classes(_) => None,
    }
}

fn places(
    scales: &CategoryScales,
    metadata: &Metadata,
    samples: &[String],
    unseen: &mut BTreeSet<String>,
) -> Result<Vec<Option<usize>>, RunError> {
    let categories = SampleCategories::read(&scales.columns, metadata, samples)?;
    let place = |row| {
        let Some(levels) = categories.of(row) else {
            unseen.insert(format!("no {}", scales.columns.join(" or no ")));
            return None;
        };
        let place = scales.position(levels);
        if place.is_none() {
            unseen.insert(label(&scales.columns, levels));
        }
        place
    };
    Ok((0..samples.len()).map(place).collect())
}

fn needs_metadata(target: &TargetManifest, scales: &CategoryScales) -> RunError {
    let columns: Vec<String> = scales.columns.iter().map(|c| format!("'{c}'")).collect();
    RunError::Usage(format!(
        "--metadata is missing: '{}' was learnt on a scale for each category of {}, so the model \
         needs metadata with {}",
        target.column,
        columns.join(" and "),
        match columns.len() {
            1 => "that column",
            _ => "those columns",
        }
    ))
}

/// Warns of categories that are scaled like the whole, once for all of them.
///
/// # Errors
/// Those of the observer.
pub fn warn(unseen: &[String], observer: &mut dyn Observer) -> Result<(), RunError> {
    if unseen.is_empty() {
        return Ok(());
    }
    let text = format!(
        "these categories have no statistics of their own, so the target's scale there is that of all \
         training samples: {}",
        listed(unseen, MOST_NAMED)
    );
    observer.observe(&Event::Warning(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::TargetOptions;

    fn options(transform: Option<TargetTransform>, by: &[&str]) -> TrainOptions {
        TrainOptions {
            target: TargetOptions {
                target_transform: transform,
                normalize_by: by.iter().map(|&name| name.to_owned()).collect(),
                ..TargetOptions::default()
            },
            metadata_column: vec!["ph".to_owned()],
            ..TrainOptions::default()
        }
    }

    #[test]
    fn columns_of_categories_choose_the_transform_that_uses_them() {
        let transform = |transform, by: &[&str]| chosen(&options(transform, by)).unwrap();
        let (category, plain) = (TargetTransform::ZscoreCategory, TargetTransform::Zscore);
        assert_eq!(transform(None, &[]), plain);
        assert_eq!(transform(None, &["site"]), category);
        assert_eq!(transform(Some(category), &["site", "season"]), category);
        let none = TargetTransform::None;
        assert_eq!(transform(Some(none), &[]), none);
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let error = |options: &TrainOptions| chosen(options).unwrap_err().to_string();
        let category = Some(TargetTransform::ZscoreCategory);
        assert!(error(&options(category, &[])).contains("needs --normalize-by"));
        let log = options(Some(TargetTransform::LogMinmax), &["site"]);
        assert!(error(&log).contains("log-minmax, is of the whole target"));
        assert!(error(&options(None, &["site", " ph"])).contains("ph: this is the column"));
        let classes = TrainOptions {
            classifier: true,
            ..options(None, &["site"])
        };
        assert!(error(&classes).contains("classes have no scale"));
    }
}
