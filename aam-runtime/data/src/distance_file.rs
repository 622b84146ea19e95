//! Distances between samples as a file has them.

use std::path::{Path, PathBuf};

use super::source::Source;
use super::table::check_ids;
use super::{DataError, DistanceMatrix};

/// Distances as a file has them: with or without ids, not yet checked.
#[derive(Clone, Debug)]
pub struct DistanceFile {
    file: PathBuf,
    ids: Option<Vec<String>>,
    size: usize,
    values: Vec<f64>,
}

impl DistanceFile {
    /// Ids of the samples in the order of rows and columns, where the file has them.
    pub fn ids(&self) -> Option<&[String]> {
        self.ids.as_deref()
    }

    /// How many samples the file has.
    pub fn len(&self) -> usize {
        self.size
    }

    /// Whether the file has no samples.
    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// Names the samples of a file without ids, in the order of its rows.
    ///
    /// # Errors
    /// If their number differs, or the file names them itself and otherwise.
    pub fn with_ids(mut self, ids: Vec<String>) -> Result<Self, DataError> {
        if ids.len() != self.size {
            return Err(self.error(format!(
                "holds distances of {} samples, but {} ids were given for them",
                self.size,
                ids.len()
            )));
        }
        if self.ids.as_ref().is_some_and(|own| *own != ids) {
            return Err(self
                .error("names its samples itself, and not as the ids given for them")
                .help("leave the list of ids out"));
        }
        self.ids = Some(ids);
        Ok(self)
    }

    /// The matrix of all samples of the file.
    ///
    /// # Errors
    /// If there are no ids, or the distances are not symmetric, zero on the diagonal and finite;
    /// the message names the first offending pair.
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
            return Err(source.error(format!("{} values for {size} samples", values.len())));
        }
        if let Some(ids) = &ids {
            check_ids(ids, "sample").map_err(|e| source.in_file(e))?;
            if ids.len() != size {
                return Err(source.error(format!("{} ids for {size} samples", ids.len())));
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

/// Where the ids of a matrix file that holds none are written beside it: `FILE.ids.txt`.
pub fn ids_beside(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".ids.txt");
    file.with_file_name(name)
}

/// The error that the file at `path` holds `what` of samples and does not say of which.
pub(super) fn without_ids(path: &Path, what: &str, samples: usize) -> DataError {
    let problem = format!("holds {what} of {samples} samples and not which ones they are");
    let beside = ids_beside(path);
    let name = beside.file_name().unwrap_or_default().to_string_lossy();
    DataError::in_file(path, problem).help(format!(
        "list their ids in the order of its rows, one a line, with --unifrac-ids, or in `{name}` \
         beside it; their order is not taken from the table, which may have another"
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
