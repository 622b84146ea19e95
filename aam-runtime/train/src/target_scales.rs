//! The scale of each target for each sample: the same for all samples, or that of the sample's
//! category.

use std::collections::BTreeSet;
use std::rc::Rc;

use aam_api::{
    BoxedTransform, FittedTransform, Kind, PluginError, Resolved, TrainingTargets,
    TransformCategories, TransformKind,
};

use super::choice::built;
use super::sample_categories::{SampleCategories, distinct, label, listed};
use crate::checkpoint::manifest::{TargetManifest, TargetValues};
use crate::options::TrainOptions;
use aam_data::Metadata;
use aam_run::RunError;
use aam_run::events::{Event, Observer};

/// Maximum number of categories named in a line.
const MOST_NAMED: usize = 10;

/// The transform of a run, before it is fitted.
#[derive(Debug)]
pub struct ChosenTransform {
    resolved: Resolved,
    transform: BoxedTransform,
}

impl ChosenTransform {
    /// The transform selected in `options`.
    ///
    /// # Errors
    /// No selection, a transform that is not linked, or one that is incompatible with the category
    /// columns.
    pub fn new(options: &TrainOptions) -> Result<Self, RunError> {
        let (resolved, transform) = built::<TransformKind>(&options.components, &())?;
        let by = &options.target.normalize_by;
        let refused = |value: &str, problem: &str| {
            Err(RunError::value("normalize-by", value.trim(), problem))
        };
        let target = |name: &&String| {
            let mut targets = options.metadata_column.iter();
            targets.any(|target| target.trim() == name.trim())
        };
        match (transform.by_category(), by.first()) {
            (true, None) => Err(RunError::value(
                TransformKind::NAME,
                resolved.name,
                "it needs --normalize-by, the metadata columns that define the categories",
            )),
            (_, Some(first)) if options.classifier => refused(
                first,
                "classes have no scale; leave it out, or leave out --classifier",
            ),
            (_, Some(_)) if by.iter().any(|name| target(&name)) => refused(
                by.iter().find(target).map_or("", String::as_str),
                "this is the column to predict",
            ),
            (false, Some(first)) => refused(
                first,
                &format!(
                    "the chosen --target-transform, {}, applies to the whole target; choose one by \
                     category (`aam plugins list target-transform`), or leave out --normalize-by",
                    resolved.name
                ),
            ),
            (true, Some(_)) | (false, None) => Ok(Self {
                resolved,
                transform,
            }),
        }
    }
}

impl ChosenTransform {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.resolved.name
    }

    /// Whether some training values are negative on its scale, for any column.
    pub fn gives_negatives(&self) -> bool {
        self.transform.gives_negatives()
    }

    /// The transform fitted to two placeholder values, 0 and 1.
    ///
    /// # Errors
    /// An option out of range.
    pub fn of_stand_ins(&self) -> Result<FittedTransform, PluginError> {
        let (columns, level) = (["category".to_owned()], ["1".to_owned()]);
        let targets = match self.transform.by_category() {
            false => TrainingTargets::new(&[0.0, 1.0]),
            true => {
                let categories = vec![Some(level.as_slice()); 2];
                TrainingTargets::with_categories(&[0.0, 1.0], &columns, categories)
            }
        };
        FittedTransform::fit(&self.resolved, &*self.transform, &targets)
    }
}

/// How the targets of a run are scaled.
#[derive(Debug)]
pub struct Scaling {
    chosen: Rc<ChosenTransform>,
    categories: Option<SampleCategories>,
}

impl Scaling {
    /// The scaling of `samples` by the transform `chosen`.
    ///
    /// # Errors
    /// A column missing from the metadata.
    pub fn read(
        chosen: Rc<ChosenTransform>,
        options: &TrainOptions,
        metadata: &Metadata,
        samples: &[String],
    ) -> Result<Self, RunError> {
        let columns = distinct(&options.target.normalize_by);
        let categories = match columns.is_empty() {
            true => None,
            false => Some(SampleCategories::read(&columns, metadata, samples)?),
        };
        Ok(Self { chosen, categories })
    }

    /// The scaling by the transform called `name`, without categories.
    #[cfg(test)]
    pub(crate) fn by(name: &str) -> Self {
        use aam_plugins as _;
        let choice = aam_api::Choice::named(name);
        let components = aam_api::Components::default().with::<TransformKind>(choice);
        let (resolved, transform) = built::<TransformKind>(&components, &()).unwrap();
        Self {
            chosen: Rc::new(ChosenTransform {
                resolved,
                transform,
            }),
            categories: None,
        }
    }

    /// The name of the transform.
    pub fn name(&self) -> &str {
        &self.chosen.resolved.name
    }

    /// Rejects a value outside the domain of the transform.
    ///
    /// # Errors
    /// The reason, as a message.
    pub fn check(&self, y: f64) -> Result<(), String> {
        self.chosen.transform.check(y)
    }

    /// The transform fitted to the training samples at `rows` of `values`.
    ///
    /// # Errors
    /// An option out of range.
    pub fn fit(&self, values: &[f64], rows: &[usize]) -> Result<FittedTransform, PluginError> {
        let targets = match &self.categories {
            None => TrainingTargets::new(values),
            Some(categories) => {
                let of_rows = rows.iter().map(|&row| categories.of(row)).collect();
                TrainingTargets::with_categories(values, categories.columns(), of_rows)
            }
        };
        FittedTransform::fit(&self.chosen.resolved, &*self.chosen.transform, &targets)
    }
}

/// The values of each target, and the index of each sample's category in its transform.
#[derive(Clone, Debug)]
pub struct TargetScales {
    values: Vec<TargetValues>,
    /// The category indices for each target; empty for a target that does not depend on categories.
    categories: Vec<Vec<Option<usize>>>,
}

impl TargetScales {
    /// The scales of `samples`, and their categories without training samples.
    ///
    /// # Errors
    /// Missing metadata, or a column missing from the metadata, if a transform depends on
    /// categories.
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

    /// The values of the targets.
    pub fn values(&self) -> &[TargetValues] {
        &self.values
    }

    /// Converts a value of a target, for the sample at `row`, from its own unit to the scale of
    /// training; class indices are unchanged.
    pub fn forward(&self, target: usize, row: usize, y: f64) -> f64 {
        match &self.values[target] {
            TargetValues::Numbers(transform) => transform.forward(y, self.category(target, row)),
            TargetValues::Classes(_) => y,
        }
    }

    /// The inverse of [`forward`](Self::forward).
    pub fn inverse(&self, target: usize, row: usize, z: f64) -> f64 {
        match &self.values[target] {
            TargetValues::Numbers(transform) => transform.inverse(z, self.category(target, row)),
            TargetValues::Classes(_) => z,
        }
    }

    /// The metadata columns whose categories have separate scales of the target; empty if it has
    /// one scale.
    pub fn columns(&self, target: usize) -> &[String] {
        scales_of(&self.values[target]).map_or(&[], |scales| scales.columns())
    }

    /// The same with exchanged categories: the sample at `rows[i]` has the scale of the sample at
    /// `donors[i]`.
    #[must_use]
    pub fn exchanged(&self, target: usize, rows: &[usize], donors: &[usize]) -> Self {
        let mut exchanged = self.clone();
        let own = &self.categories[target];
        if !own.is_empty() {
            for (&row, &donor) in rows.iter().zip(donors) {
                exchanged.categories[target][row] = own[donor];
            }
        }
        exchanged
    }

    fn category(&self, target: usize, row: usize) -> Option<usize> {
        self.categories[target].get(row).copied().flatten()
    }

    /// Reports the number of categories by which the targets are scaled.
    ///
    /// # Errors
    /// Those of the observer.
    pub fn note(
        &self,
        targets: &[TargetManifest],
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        for target in targets {
            let Some(scales) = scales_of(&target.values) else {
                continue;
            };
            let sizes = scales.sizes();
            if let Some((smallest, samples)) = sizes.iter().min_by_key(|(_, samples)| samples) {
                let text = format!(
                    "'{}' has a separate scale in each of {} categories; the smallest is {} (n = {samples})",
                    target.column,
                    sizes.len(),
                    label(scales.columns(), smallest),
                );
                observer.observe(&Event::Note(&text))?;
            }
        }
        Ok(())
    }
}

fn scales_of(values: &TargetValues) -> Option<&dyn TransformCategories> {
    match values {
        TargetValues::Numbers(transform) => transform.categories(),
        TargetValues::Classes(_) => None,
    }
}

fn places(
    scales: &dyn TransformCategories,
    metadata: &Metadata,
    samples: &[String],
    unseen: &mut BTreeSet<String>,
) -> Result<Vec<Option<usize>>, RunError> {
    let columns = scales.columns();
    let categories = SampleCategories::read(columns, metadata, samples)?;
    let written = SampleCategories::read_as_written(columns, metadata, samples)?;
    let place = |row| {
        if let Some(place) = written.of(row).and_then(|levels| scales.place(levels)) {
            return Some(place);
        }
        let Some(levels) = categories.of(row) else {
            unseen.insert(format!("no {}", columns.join(" or no ")));
            return None;
        };
        let place = scales.place(levels);
        if place.is_none() {
            unseen.insert(label(columns, levels));
        }
        place
    };
    Ok((0..samples.len()).map(place).collect())
}

fn needs_metadata(target: &TargetManifest, scales: &dyn TransformCategories) -> RunError {
    let columns: Vec<String> = scales.columns().iter().map(|c| format!("'{c}'")).collect();
    RunError::missing(
        "metadata",
        format!(
            "'{}' was scaled separately for each category of {}, so the model \
         needs metadata with {}",
            target.column,
            columns.join(" and "),
            match columns.len() {
                1 => "that column",
                _ => "those columns",
            }
        ),
    )
}

/// Warns once of categories that use the scale of all samples.
///
/// # Errors
/// Those of the observer.
pub fn warn(unseen: &[String], observer: &mut dyn Observer) -> Result<(), RunError> {
    if unseen.is_empty() {
        return Ok(());
    }
    let text = format!(
        "these categories have no statistics of their own, so they use the target's scale of all \
         training samples: {}",
        listed(unseen, MOST_NAMED)
    );
    observer.observe(&Event::Warning(&text))
}

#[cfg(test)]
mod tests {
    use aam_api::{Choice, Components};
    use aam_plugins as _;

    use super::*;
    use crate::options::TargetOptions;

    fn options(transform: &str, by: &[&str]) -> TrainOptions {
        TrainOptions {
            target: TargetOptions {
                normalize_by: by.iter().map(|&name| name.to_owned()).collect(),
                ..TargetOptions::default()
            },
            metadata_column: vec!["ph".to_owned()],
            components: Components::default().with::<TransformKind>(Choice::named(transform)),
            ..TrainOptions::default()
        }
    }

    #[test]
    fn a_transform_by_category_needs_columns() {
        for (transform, by) in [
            ("zscore", &[][..]),
            ("none", &[]),
            ("zscore-category", &["site", "season"]),
        ] {
            let chosen = ChosenTransform::new(&options(transform, by)).unwrap();
            assert_eq!(chosen.resolved.name, transform);
        }
    }

    #[test]
    fn incompatible_settings_are_refused() {
        let error = |options: &TrainOptions| ChosenTransform::new(options).unwrap_err().to_string();
        let category = |by: &[&str]| options("zscore-category", by);
        assert!(error(&category(&[])).contains("needs --normalize-by"));
        let log = options("log-minmax", &["site"]);
        assert!(error(&log).contains("log-minmax, applies to the whole target"));
        assert!(error(&category(&["site", " ph"])).contains("ph: this is the column"));
        let classes = TrainOptions {
            classifier: true,
            ..category(&["site"])
        };
        assert!(error(&classes).contains("classes have no scale"));
        let none = TrainOptions::default();
        assert!(error(&none).contains("--target-transform is missing"));
    }
}
