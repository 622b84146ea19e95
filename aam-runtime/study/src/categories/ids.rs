//! The category ids of samples.

use aam_api::categories::ancestors;
use burn::tensor::{Device, Int, Tensor, TensorData};
use ndarray::Array2;

use super::CategoryVocabulary;
use aam_data::Metadata;
use aam_run::RunError;

/// Maximum number of unknown levels named in a message; the others are counted.
const NAMED: usize = 10;

/// Category ids of each sample, `[samples, columns]`, on the host.
#[derive(Clone, Debug, Default)]
pub struct CategoryIds {
    columns: usize,
    ids: Vec<i32>,
    unknown: Vec<String>,
}

impl CategoryIds {
    /// The ids of `samples` in `metadata`. If a sample has a level but no parent level, the parent
    /// level seen in training is used.
    ///
    /// # Errors
    /// Missing metadata although there are columns, or a column missing from the metadata.
    pub fn new(
        vocabulary: &CategoryVocabulary,
        metadata: Option<&Metadata>,
        samples: &[String],
    ) -> Result<Self, RunError> {
        let columns = &vocabulary.columns;
        let width = columns.len();
        let mut unknown = std::collections::BTreeSet::new();
        let mut ids = vec![0; samples.len() * width];
        for (place, column) in columns.iter().enumerate() {
            let Some(metadata) = metadata else {
                let needed = format!("the model uses the metadata column '{}'", column.column);
                return Err(RunError::missing("metadata", needed));
            };
            let levels = metadata.texts(&column.column, samples)?;
            // Older checkpoints learned words for missing values as levels, and still recognise
            // them.
            let written = metadata.texts_as_written(&column.column, samples)?;
            for (sample, (level, written)) in levels.into_iter().zip(written).enumerate() {
                let level = written.filter(|level| column.knows(level)).or(level);
                if let Some(level) = level.filter(|level| !column.knows(level)) {
                    unknown.insert(format!("{}: {level}", column.column));
                }
                ids[sample * width + place] = column.id(level);
            }
        }
        let parents = vocabulary.parents();
        let mut order: Vec<usize> = (0..width).collect();
        // Children before their parents, because parents may get their level from a child.
        order.sort_by_key(|&column| std::cmp::Reverse(ancestors(&parents, column).len()));
        for sample in ids.chunks_mut(width.max(1)) {
            for &child in &order {
                match parents[child] {
                    Some(parent) if parent < width && sample[parent] == 0 => {
                        sample[parent] = columns[child].parent_id(sample[child]);
                    }
                    _ => {}
                }
            }
        }
        Ok(Self {
            columns: width,
            ids,
            unknown: unknown.into_iter().collect(),
        })
    }

    /// The ids of the samples at `rows`, which may contain duplicates.
    #[must_use]
    pub fn of_rows(&self, rows: &[usize]) -> Self {
        let ids = rows
            .iter()
            .flat_map(|row| &self.ids[row * self.columns..(row + 1) * self.columns]);
        Self {
            columns: self.columns,
            ids: ids.copied().collect(),
            unknown: self.unknown.clone(),
        }
    }

    /// The ids of the sample at `row`, one per column.
    pub fn of_sample(&self, row: usize) -> &[i32] {
        &self.ids[row * self.columns..(row + 1) * self.columns]
    }

    /// The same with the ids of the column at index `column` exchanged: the sample at `rows[i]` has
    /// that of the sample at `donors[i]`.
    #[must_use]
    pub fn exchanged(&self, column: usize, rows: &[usize], donors: &[usize]) -> Self {
        let mut exchanged = self.clone();
        for (row, donor) in rows.iter().zip(donors) {
            let place = row * self.columns + column;
            exchanged.ids[place] = self.ids[donor * self.columns + column];
        }
        exchanged
    }

    /// A warning about levels without training samples, if any.
    pub fn warning(&self) -> Option<String> {
        let unknown = &self.unknown;
        if unknown.is_empty() {
            return None;
        }
        let more = match unknown.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named = unknown[..unknown.len().min(NAMED)].join(", ");
        Some(format!(
            "{} categories do not occur in the training samples and are treated as unknown: {named}{more}",
            unknown.len()
        ))
    }

    /// One-hot indicators for each nonzero id of each column of `vocabulary`, for the samples at
    /// `rows`, `[rows, ids]`.
    pub fn indicators(&self, rows: &[usize], vocabulary: &CategoryVocabulary) -> Array2<f32> {
        let levels: Vec<usize> = vocabulary.levels();
        let mut indicators = Array2::zeros((rows.len(), levels.iter().sum()));
        for (place, row) in rows.iter().enumerate() {
            let mut first = 0;
            let ids = &self.ids[row * self.columns..(row + 1) * self.columns];
            for (&id, &levels) in ids.iter().zip(&levels) {
                if id > 0 {
                    indicators[[place, first + id as usize - 1]] = 1.0;
                }
                first += levels;
            }
        }
        indicators
    }

    /// The ids of the samples at `rows`, `[rows, columns]`. `None` if there are no columns.
    pub fn tensor(&self, rows: &[usize], device: &Device) -> Option<Tensor<2, Int>> {
        if self.columns == 0 {
            return None;
        }
        let ids: Vec<i32> = rows
            .iter()
            .flat_map(|row| &self.ids[row * self.columns..(row + 1) * self.columns])
            .copied()
            .collect();
        Some(Tensor::from_data(
            TensorData::new(ids, [rows.len(), self.columns]),
            device,
        ))
    }
}
