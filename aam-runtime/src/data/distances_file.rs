//! Reading distances between samples from a file.
//!
//! `.npy` and `.npz` hold numbers only, of the whole matrix or of its upper triangle, so their samples are matched by a list of ids or by the
//! order of the table. HDF5 as `ssu` (unifrac-binaries) writes it keeps ids in `order` beside
//! `matrix`. In text (`lsmat`, and CSV) both header and first column name the samples, in any
//! two orders.

use std::path::{Path, PathBuf};

use super::hdf5_file::{H5, with_hdf5};
use super::qza::{Artifact, open_zip, read_member};
use super::role::{Role, refuse_mix_up, wrong_file};
use super::source::{Kind, Source};
use super::table::check_ids;
use super::{DataError, DistanceMatrix, condensed, distances_text::read_text, npy};

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

/// Where the ids of a matrix file that holds none are written beside it: `FILE.ids.txt`.
pub fn ids_beside(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".ids.txt");
    file.with_file_name(name)
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
    if let &[pairs] = array.shape() {
        let samples = condensed::samples(pairs).ok_or_else(|| not_a_triangle(source, pairs))?;
        let values = condensed::square(&array.values(source)?, samples);
        return DistanceFile::new(source, None, &[samples as u64; 2], values);
    }
    square(array.shape()).map_err(|e| source.in_file(e))?;
    let shape = array.shape().to_vec();
    DistanceFile::new(source, None, &shape, array.values(source)?)
}

fn not_a_triangle(source: &Source, pairs: u64) -> DataError {
    source
        .error(format!(
            "expected a square matrix of distances or its upper triangle, found one row of {pairs} \
             values, which is no triangle: N samples have N (N − 1) / 2 pairs"
        ))
        .help("with one value for each sample, add --unifrac-metric faith-pd")
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
