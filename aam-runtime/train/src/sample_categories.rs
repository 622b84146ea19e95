//! Categories of samples: combinations of the values of metadata columns, which need not be model
//! input.

use aam_core::DataError;
use aam_data::Metadata;

/// The category of each sample.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleCategories {
    columns: Vec<String>,
    /// One value per column; `None` for a sample that lacks one of them.
    levels: Vec<Option<Vec<String>>>,
}

impl SampleCategories {
    /// The categories of `samples` by the distinct `columns`.
    ///
    /// # Errors
    /// A column missing from the metadata.
    pub fn read(
        columns: &[String],
        metadata: &Metadata,
        samples: &[String],
    ) -> Result<Self, DataError> {
        Self::of_texts(columns, samples, |column| metadata.texts(column, samples))
    }

    /// The same, with words for missing values as values, as in older checkpoints.
    ///
    /// # Errors
    /// A column missing from the metadata.
    pub fn read_as_written(
        columns: &[String],
        metadata: &Metadata,
        samples: &[String],
    ) -> Result<Self, DataError> {
        Self::of_texts(columns, samples, |column| {
            metadata.texts_as_written(column, samples)
        })
    }

    fn of_texts<'a>(
        columns: &[String],
        samples: &[String],
        texts: impl Fn(&str) -> Result<Vec<Option<&'a str>>, DataError>,
    ) -> Result<Self, DataError> {
        let mut levels = vec![Some(Vec::with_capacity(columns.len())); samples.len()];
        for column in columns {
            for (levels, text) in levels.iter_mut().zip(texts(column)?) {
                match (levels.as_mut(), text) {
                    (Some(levels), Some(text)) => levels.push(text.to_owned()),
                    _ => *levels = None,
                }
            }
        }
        Ok(Self {
            columns: columns.to_vec(),
            levels,
        })
    }

    /// The columns, in the order of the values of a category.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The category of the sample at `row`; `None` if it lacks a value.
    pub fn of(&self, row: usize) -> Option<&[String]> {
        self.levels[row].as_deref()
    }
}

/// Trimmed column names without duplicates, in order.
pub fn distinct(names: &[String]) -> Vec<String> {
    let mut columns: Vec<String> = Vec::with_capacity(names.len());
    for name in names.iter().map(|name| name.trim()) {
        if !columns.iter().any(|known| known == name) {
            columns.push(name.to_owned());
        }
    }
    columns
}

/// Formats a category: `site=gut`, `site=gut,season=dry`.
pub fn label(columns: &[String], levels: &[String]) -> String {
    let pairs = columns.iter().zip(levels);
    let pairs: Vec<String> = pairs
        .map(|(name, level)| format!("{name}={level}"))
        .collect();
    pairs.join(",")
}

/// The first `most` of `names`, and the number of the others.
pub fn listed(names: &[String], most: usize) -> String {
    match names.len() > most {
        true => format!(
            "{} and {} more",
            names[..most].join(", "),
            names.len() - most
        ),
        false => names.join(", "),
    }
}
