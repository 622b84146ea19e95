//! Distances between samples as stored in a file.

use std::path::{Path, PathBuf};

use super::source::Source;
use super::table::check_ids;
use super::{DataError, DistanceMatrix};
use aam_core::text::{agreeing, counted};

/// Distances from a file, with or without ids, not yet checked.
#[derive(Clone, Debug)]
pub struct DistanceFile {
    file: PathBuf,
    ids: Option<Vec<String>>,
    size: usize,
    values: Vec<f64>,
}

impl DistanceFile {
    /// Ids of the samples in the order of rows and columns, if the file contains them.
    pub fn ids(&self) -> Option<&[String]> {
        self.ids.as_deref()
    }

    /// Number of samples in the file.
    pub fn len(&self) -> usize {
        self.size
    }

    /// Whether the file has no samples.
    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// Sets the sample ids of a file without ids, in the order of its rows.
    ///
    /// # Errors
    /// The number of ids differs, or the file contains different ids.
    pub fn with_ids(mut self, ids: Vec<String>) -> Result<Self, DataError> {
        if ids.len() != self.size {
            return Err(self.error(format!(
                "holds distances of {}, but {} {} given for them",
                counted(self.size, "sample"),
                counted(ids.len(), "id"),
                agreeing(ids.len(), "was", "were")
            )));
        }
        if self.ids.as_ref().is_some_and(|own| *own != ids) {
            return Err(self
                .error("names its samples itself, and differently from the ids given for them")
                .help("omit the list of ids"));
        }
        self.ids = Some(ids);
        Ok(self)
    }

    /// Converts the file to the matrix of all its samples.
    ///
    /// # Errors
    /// There are no ids, or the distances are not symmetric, zero on the diagonal and finite; the
    /// message names the first offending pair.
    pub fn into_matrix(mut self) -> Result<DistanceMatrix, DataError> {
        let Some(ids) = self.ids.take() else {
            return Err(without_ids(&self.file, "distances", self.size));
        };
        DistanceMatrix::new(ids, self.values).map_err(|e| e.file(&self.file))
    }

    pub(super) fn new(
        source: &Source,
        ids: Option<Vec<String>>,
        shape: &[u64],
        values: Vec<f64>,
    ) -> Result<Self, DataError> {
        let size = square(shape).map_err(|e| source.in_file(e))?;
        if size.checked_mul(size) != Some(values.len()) {
            return Err(source.error(format!(
                "{} for {}",
                counted(values.len(), "value"),
                counted(size, "sample")
            )));
        }
        if let Some(ids) = &ids {
            check_ids(ids, "sample").map_err(|e| source.in_file(e))?;
            if ids.len() != size {
                return Err(source.error(format!(
                    "{} for {}",
                    counted(ids.len(), "id"),
                    counted(size, "sample")
                )));
            }
        }
        Ok(Self {
            file: source.path().to_owned(),
            ids,
            size,
            values,
        })
    }

    fn error(&self, problem: impl Into<String>) -> DataError {
        DataError::in_file(&self.file, problem)
    }
}

/// Path of the file next to a matrix file that lists its ids: `FILE.ids.txt`.
pub fn ids_beside(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".ids.txt");
    file.with_file_name(name)
}

/// The error that the file at `path` contains `what` of samples but not their ids.
pub(super) fn without_ids(path: &Path, what: &str, samples: usize) -> DataError {
    let problem = format!(
        "holds {what} of {}, but not their ids",
        counted(samples, "sample")
    );
    let beside = ids_beside(path);
    let name = beside.file_name().unwrap_or_default().to_string_lossy();
    DataError::in_file(path, problem).help(format!(
        "list their ids in the order of its rows, one per line, with --unifrac-ids, or in '{name}' \
         next to it; their order is not taken from the table, which may have another"
    ))
}

pub(super) fn square(shape: &[u64]) -> Result<usize, DataError> {
    match *shape {
        [rows, columns] if rows == columns => {
            usize::try_from(rows).map_err(|_| DataError::new("the matrix is too large"))
        }
        [rows, columns] => Err(DataError::new(format!(
            "expected a square matrix of distances, found {rows} × {columns}"
        ))),
        [length] => Err(DataError::new(format!(
            "expected a square matrix of distances, found one row of {length} values"
        ))),
        _ => Err(DataError::new(format!(
            "expected a square matrix of distances, found {} dimensions",
            shape.len()
        ))),
    }
}
