//! Reading distances between samples from a file.
//!
//! `.npy` and `.npz` hold numbers only, so their samples are matched by a list of ids or by the
//! order of the table. HDF5 as `ssu` (unifrac-binaries) writes it keeps ids in `order` beside
//! `matrix`. In text (`lsmat`, and CSV) both header and first column name the samples, in any
//! two orders.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::hdf5_file::{H5, with_hdf5};
use super::qza::{Artifact, open_zip, read_member};
use super::role::{Role, refuse_mix_up, wrong_file};
use super::source::{Kind, Source};
use super::table::check_ids;
use super::{DataError, DistanceMatrix, npy};

/// Distances as a file has them: with or without ids, not yet checked.
#[derive(Clone, Debug)]
pub struct DistanceFile {
    file: PathBuf,
    ids: Option<Vec<String>>,
    size: usize,
    values: Vec<f64>,
}

/// Reads distances from `.npy`, `.npz`, HDF5 in the layout of `ssu`, text (TSV or CSV), or a
/// QIIME 2 artifact of type `DistanceMatrix`; text may be gzipped. The format is told by content.
///
/// # Errors
/// If the file is something else (the message says what it looks like), not square, or its row
/// and column ids differ.
pub fn read_distances(path: impl AsRef<Path>) -> Result<DistanceFile, DataError> {
    read(&Source::open(path.as_ref())?)
}

/// Reads ids, one a line or as the first column of a table; empty lines do not count, and neither
/// do a first line that begins with the name of an id column and QIIME 2's directives.
///
/// # Errors
/// If the file cannot be read or an id is repeated.
pub fn read_ids(path: impl AsRef<Path>) -> Result<Vec<String>, DataError> {
    let source = Source::open(path.as_ref())?;
    let mut ids = Vec::new();
    source.lines(|number, line| {
        let id = line.split('\t').next().unwrap_or_default().trim();
        let is_header = number == 1 && super::metadata::is_id_header(id);
        if !(id.is_empty() || is_header || id.starts_with("#q2:")) {
            ids.push(id.to_owned());
        }
        Ok(())
    })?;
    check_ids(&ids, "sample").map_err(|e| source.in_file(e))?;
    Ok(ids)
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

    /// The matrix of all samples of the file. Without ids of its own, its rows are taken to be
    /// the samples of the table as `table_ids` lists them.
    ///
    /// # Errors
    /// If there are no ids and the table has another number of samples, or the distances are not
    /// symmetric, zero on the diagonal and finite; the message names the first offending pair.
    pub fn into_matrix(mut self, table_ids: &[String]) -> Result<DistanceMatrix, DataError> {
        let ids = match self.ids.take() {
            Some(ids) => ids,
            None if table_ids.len() == self.size => table_ids.to_vec(),
            None => {
                return Err(self
                    .error(format!(
                        "holds distances of {} samples without their ids, and the table has {} \
                         samples",
                        self.size,
                        table_ids.len()
                    ))
                    .help("list the ids of its rows, one a line, with --unifrac-ids"));
            }
        };
        DistanceMatrix::new(ids, self.values).map_err(|e| e.file(&self.file))
    }

    fn new(
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

fn square(shape: &[u64]) -> Result<usize, DataError> {
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

fn read(source: &Source) -> Result<DistanceFile, DataError> {
    match source.kind() {
        Kind::Npy => read_npy(source),
        Kind::Hdf5 => read_hdf5(source),
        Kind::Zip => read_zip(source),
        Kind::Text | Kind::Utf16 => read_text(source),
        Kind::Json | Kind::Binary | Kind::Empty => Err(wrong_file(source, Role::Distances)),
    }
}

fn read_npy(source: &Source) -> Result<DistanceFile, DataError> {
    let array = npy::open(source)?;
    square(array.shape()).map_err(|e| source.in_file(e))?;
    let shape = array.shape().to_vec();
    DistanceFile::new(source, None, &shape, array.values(source)?)
}

fn read_zip(source: &Source) -> Result<DistanceFile, DataError> {
    let mut archive = open_zip(source)?;
    let arrays: Vec<String> = archive
        .file_names()
        .filter_map(Result::ok)
        .filter(|name| name.ends_with(".npy") && !name.contains('/'))
        .map(|name| name.into_owned())
        .collect();
    let chosen = ["distances.npy", "matrix.npy"]
        .iter()
        .find(|name| arrays.iter().any(|array| array == *name))
        .map(|name| (*name).to_owned());
    match (chosen, &arrays[..]) {
        (Some(name), _) => {
            let bytes = read_member(source, &mut archive, &name)?;
            read_npy(&Source::from_bytes(source.path(), Some(&name), bytes)?)
        }
        (None, [name]) => {
            let bytes = read_member(source, &mut archive, name)?;
            read_npy(&Source::from_bytes(source.path(), Some(name), bytes)?)
        }
        (None, []) => {
            let payload =
                Artifact::open(source)?.payload(Role::Distances, "distance-matrix.tsv")?;
            read_text(&payload)
        }
        (None, _) => Err(source
            .error(format!("holds several arrays: {}", arrays.join(", ")))
            .help("name the distances `distances`")),
    }
}

fn read_hdf5(source: &Source) -> Result<DistanceFile, DataError> {
    refuse_mix_up(source, Role::Distances)?;
    with_hdf5(source, |h5| {
        let name = distances_name(h5, source)?;
        let dataset = h5.dataset(&name)?;
        let shape = dataset.shape().to_vec();
        square(&shape).map_err(|e| source.in_file(e.at(format!("dataset `{name}`"))))?;
        let ids = match h5.find("order")? {
            Some(order) => {
                let ids = h5
                    .texts(&order)?
                    .into_iter()
                    .map(|id| without_b(&id).to_owned());
                Some(ids.collect::<Vec<_>>())
            }
            None => None,
        };
        if ids
            .as_ref()
            .is_some_and(|ids| Some(&(ids.len() as u64)) != shape.first())
        {
            return Err(source.error(format!(
                "`order` lists {} samples, `{name}` has {}",
                ids.map_or(0, |ids| ids.len()),
                shape[0]
            )));
        }
        DistanceFile::new(source, ids, &shape, h5.numbers(&dataset)?)
    })
}

fn distances_name(h5: &H5, source: &Source) -> Result<String, DataError> {
    let names = h5.top_datasets()?;
    for known in ["distances", "matrix"] {
        if names.iter().any(|name| name == known) {
            return Ok(known.to_owned());
        }
    }
    if names.iter().any(|name| name == "faith_pd") {
        return Err(source
            .error("holds one value a sample (`faith_pd`), expected distances between samples"));
    }
    match &names[..] {
        [only] => Ok(only.clone()),
        _ => Err(source
            .error(format!(
                "expected the distances in a dataset `matrix` or `distances`, found {}",
                if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                }
            ))
            .help("give the HDF5 file that `ssu` wrote")),
    }
}

/// An id that some writers turn into the text of a Python byte string, `b'id'`, and back.
fn without_b(id: &str) -> &str {
    ["'", "\""]
        .iter()
        .find_map(|quote| {
            id.strip_prefix('b')?
                .strip_prefix(quote)?
                .strip_suffix(quote)
        })
        .unwrap_or(id)
}

fn read_text(source: &Source) -> Result<DistanceFile, DataError> {
    refuse_mix_up(source, Role::Distances)?;
    let mut text = Lines::default();
    source.lines(|_, line| text.line(line))?;
    let Some(columns) = text.columns else {
        return Err(wrong_file(source, Role::Distances));
    };
    check_ids(&columns, "sample").map_err(|e| source.in_file(e.at("header")))?;
    check_ids(&text.rows, "sample").map_err(|e| source.in_file(e.at("first column")))?;
    let size = columns.len();
    let row_of: HashMap<&str, usize> = text
        .rows
        .iter()
        .enumerate()
        .map(|(i, id)| (id.as_str(), i))
        .collect();
    let order: Vec<usize> = columns
        .iter()
        .map(|id| row_of.get(id.as_str()).copied())
        .collect::<Option<_>>()
        .filter(|_| text.rows.len() == size)
        .ok_or_else(|| {
            let lone = columns.iter().find(|id| !row_of.contains_key(id.as_str()));
            source.error(match lone {
                Some(id) => format!("the column `{id}` has no row"),
                None => format!("{} rows for {size} columns", text.rows.len()),
            })
        })?;
    let values = if order.iter().copied().eq(0..size) {
        text.values
    } else {
        order
            .iter()
            .flat_map(|&row| text.values[row * size..][..size].to_vec())
            .collect()
    };
    DistanceFile::new(source, Some(columns), &[size as u64; 2], values)
}

#[derive(Default)]
struct Lines {
    separator: Option<char>,
    columns: Option<Vec<String>>,
    rows: Vec<String>,
    values: Vec<f64>,
}

impl Lines {
    fn line(&mut self, line: &str) -> Result<(), DataError> {
        if line.trim().is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let Some(columns) = &self.columns else {
            self.separator = ['\t', ','].into_iter().find(|&c| line.contains(c));
            let mut cells = split(line, self.separator);
            if self.separator.is_some() && !cells.is_empty() {
                cells.remove(0);
            }
            if cells.is_empty() || self.separator.is_none() && cells.len() < 2 {
                return Err(DataError::new("expected a header that names the samples")
                    .help("the header begins with an empty cell, then ids separated by tabs"));
            }
            self.columns = Some(cells);
            return Ok(());
        };
        let mut cells = split(line, self.separator).into_iter();
        let id = cells.next().unwrap_or_default();
        let cells: Vec<String> = cells.collect();
        if cells.len() != columns.len() {
            return Err(DataError::new(format!(
                "the row of `{id}` has {} values for {} columns",
                cells.len(),
                columns.len()
            )));
        }
        if self.rows.len() == columns.len() {
            return Err(DataError::new(format!(
                "more rows than the {} columns",
                columns.len()
            )));
        }
        for (cell, column) in cells.iter().zip(columns) {
            let value = cell.parse::<f64>().map_err(|_| {
                DataError::new(format!(
                    "expected the distance of `{id}` and `{column}`, found `{cell}`"
                ))
                .help("is this a distance matrix? sample metadata goes to --metadata")
            })?;
            self.values.push(value);
        }
        self.rows.push(id);
        Ok(())
    }
}

fn split(line: &str, separator: Option<char>) -> Vec<String> {
    let unquoted = |cell: &str| {
        let cell = cell.trim();
        let inner = cell.strip_prefix('"').and_then(|c| c.strip_suffix('"'));
        inner.unwrap_or(cell).to_owned()
    };
    match separator {
        Some(separator) => line.split(separator).map(unquoted).collect(),
        None => line.split_whitespace().map(unquoted).collect(),
    }
}
