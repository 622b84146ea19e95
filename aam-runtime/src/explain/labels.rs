//! The true values of the samples, if the metadata contains them.

use std::collections::HashMap;

use aam_core::text::{agreeing, counted};
use aam_data::Metadata;
use aam_evaluation::results::RawColumn;
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_train::checkpoint::manifest::TargetManifest;

/// The target values of the samples that have one.
pub struct Labels {
    /// The values, `NaN` if missing.
    pub column: RawColumn,
    /// The rows of the samples with a value.
    pub rows: Vec<usize>,
}

impl Labels {
    /// Reads the values of `samples` from `metadata`. `None` if the target's column is missing.
    ///
    /// # Errors
    /// Text where the model predicts numbers.
    pub fn read(
        target: &TargetManifest,
        metadata: Option<&Metadata>,
        samples: &[String],
        observer: &mut dyn Observer,
    ) -> Result<Option<Self>, RunError> {
        let Some(metadata) = metadata else {
            return Ok(None);
        };
        let name = &target.column;
        if !metadata.columns().iter().any(|column| column.name == *name) {
            observer.observe(&Event::Note(&format!(
                "{} has no column '{name}': ASVs are not tested against the target, and not shuffled",
                metadata.file().display()
            )))?;
            return Ok(None);
        }
        let values = match target.values.classes() {
            None => metadata.numbers(name, samples)?,
            Some(classes) => classes_of(name, classes, metadata, samples, observer)?,
        };
        let rows: Vec<usize> = (0..values.len())
            .filter(|&row| values[row].is_some())
            .collect();
        let column = RawColumn {
            name: name.clone(),
            classes: target.values.classes().map(<[String]>::to_vec),
            values: values
                .into_iter()
                .map(|value| value.unwrap_or(f64::NAN))
                .collect(),
        };
        Ok((!rows.is_empty()).then_some(Self { column, rows }))
    }

    /// The value of the sample at `row`.
    pub fn of(&self, row: usize) -> Option<f64> {
        Some(self.column.values[row]).filter(|value| value.is_finite())
    }
}

/// The indices of the samples' classes in `classes`.
fn classes_of(
    name: &str,
    classes: &[String],
    metadata: &Metadata,
    samples: &[String],
    observer: &mut dyn Observer,
) -> Result<Vec<Option<f64>>, RunError> {
    let places: HashMap<&str, usize> = classes.iter().map(String::as_str).zip(0..).collect();
    let texts = metadata.texts(name, samples)?;
    let found: Vec<Option<f64>> = texts
        .iter()
        .map(|text| Some(*places.get((*text)?)? as f64))
        .collect();
    let unknown = texts
        .iter()
        .zip(&found)
        .filter(|(text, found)| text.is_some() && found.is_none());
    let unknown: Vec<&str> = unknown.filter_map(|(text, _)| *text).collect();
    if let Some(first) = unknown.first() {
        observer.observe(&Event::Warning(&format!(
            "{} {} a {name} unknown to the model, such as '{first}': {} explained, but not compared with the true class",
            counted(unknown.len(), "sample"),
            agreeing(unknown.len(), "has", "have"),
            agreeing(unknown.len(), "it is", "they are")
        )))?;
    }
    Ok(found)
}
