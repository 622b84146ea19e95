//! Writing of HDF5 files: BIOM 2.1 tables, and distances in the layout of `ssu`.

use std::io;
use std::path::Path;

use aam_core::io_words::plain;
use hdf5::plist::dataset_create::{AllocTime, FillTime};
use hdf5::types::VarLenUnicode;
use hdf5::{File, Group, H5Type, Location};

use super::{DataError, DistanceMatrix, Table};

/// Creation date of every table, fixed so that equal tables give equal files.
const CREATED: &str = "1970-01-01T00:00:00";

/// Writes `table` to `path` as BIOM 2.1.
///
/// # Errors
/// The file cannot be written, or an id contains a NUL character.
pub fn write_biom(path: impl AsRef<Path>, table: &Table) -> Result<(), DataError> {
    let path = path.as_ref();
    write(path, |file| biom(file, table))
}

/// Writes `matrix` to `path` as HDF5 in the layout of `ssu`: `order` and `matrix`.
///
/// # Errors
/// The file cannot be written, or an id contains a NUL character.
pub fn write_distances_h5(
    path: impl AsRef<Path>,
    matrix: &DistanceMatrix,
) -> Result<(), DataError> {
    let path = path.as_ref();
    write(path, |file| {
        describe_distances(file, matrix.ids())?;
        let size = matrix.len();
        let dataset = file
            .new_dataset::<f64>()
            .shape((size, size))
            .create("matrix")?;
        if size > 0 {
            dataset.write_raw(matrix.values())?;
        }
        Ok(())
    })
}

/// Creates a file in the layout of `ssu` at `path` for distances in floats of `bytes` bytes. The
/// caller writes the distances into it row by row, starting at the returned offset.
///
/// # Errors
/// The file cannot be written, or an id contains a NUL character.
pub fn create_distances_h5(path: &Path, ids: &[String], bytes: usize) -> io::Result<u64> {
    let done = File::create(path).and_then(|file| {
        describe_distances(&file, ids)?;
        // Space for all values is allocated at once, and nothing is written to it.
        let builder = file
            .new_dataset_builder()
            .alloc_time(Some(AllocTime::Early))
            .fill_time(FillTime::Never);
        let shape = (ids.len(), ids.len());
        let dataset = match bytes {
            4 => builder.empty::<f32>().shape(shape).create("matrix")?,
            _ => builder.empty::<f64>().shape(shape).create("matrix")?,
        };
        let place = dataset.offset();
        drop(dataset);
        file.flush()?;
        file.close()?;
        place.ok_or_else(|| "no room for the distances".into())
    });
    done.map_err(|e| io::Error::other(reason(&e)))
}

/// Writes the metadata of a file of distances.
fn describe_distances(file: &File, ids: &[String]) -> hdf5::Result<()> {
    text_attributes(
        file,
        &[("format", "BDSM"), ("version", env!("CARGO_PKG_VERSION"))],
    )?;
    texts(file, "order", ids.iter().map(String::as_str))
}

/// Builds the file in memory and writes it to disk at the end, because the library crashes if the
/// disk fills up while it writes.
fn write(path: &Path, fill: impl FnOnce(&File) -> hdf5::Result<()>) -> Result<(), DataError> {
    let done = File::with_options()
        .with_fapl(|access| access.core_options(1 << 16, true))
        .create(path)
        .and_then(|file| {
            fill(&file)?;
            file.flush()?;
            file.close()
        });
    done.map_err(|e| cannot_write(path, &e))
}

fn cannot_write(path: &Path, error: &hdf5::Error) -> DataError {
    let _ = std::fs::remove_file(path);
    DataError::in_file(path, format!("cannot be written: {}", reason(error)))
        .help("check the folder, its permissions and the space left on the disk")
}

/// The operating system's reason in the library's message, if there is one.
fn reason(error: &hdf5::Error) -> String {
    let text = error.to_string();
    let reason = text
        .split_once("error message = '")
        .and_then(|(_, rest)| rest.split_once('\''));
    plain(reason.map_or(text.as_str(), |(reason, _)| reason))
}

fn biom(file: &File, table: &Table) -> hdf5::Result<()> {
    let (samples, features) = (table.num_samples(), table.num_features());
    text_attributes(
        file,
        &[
            ("id", "No Table ID"),
            ("type", "OTU table"),
            ("format-url", "http://biom-format.org"),
            ("generated-by", concat!("aam ", env!("CARGO_PKG_VERSION"))),
            ("creation-date", CREATED),
        ],
    )?;
    numbers_attribute(file, "format-version", &[2, 1])?;
    numbers_attribute(file, "shape", &[features as i64, samples as i64])?;
    file.new_attr::<i64>()
        .create("nnz")?
        .write_scalar(&(table.num_nonzero() as i64))?;

    let by_sample = Matrix::by_sample(table);
    let samples = table.sample_ids().iter().map(String::as_str);
    axis(file, "sample", samples, &by_sample)?;
    axis(
        file,
        "observation",
        table.feature_ids().iter(),
        &by_sample.turned(features),
    )
}

fn axis<'a>(
    file: &File,
    name: &str,
    ids: impl ExactSizeIterator<Item = &'a str>,
    matrix: &Matrix,
) -> hdf5::Result<()> {
    let group = file.create_group(name)?;
    group.create_group("metadata")?;
    group.create_group("group-metadata")?;
    texts(&group, "ids", ids)?;
    let group = group.create_group("matrix")?;
    numbers(&group, "data", &matrix.data)?;
    numbers(&group, "indices", &matrix.indices)?;
    numbers(&group, "indptr", &matrix.indptr)
}

fn numbers<T: H5Type>(group: &Group, name: &str, values: &[T]) -> hdf5::Result<()> {
    let builder = group.new_dataset::<T>().shape(values.len());
    if values.is_empty() {
        return builder.create(name).map(drop);
    }
    let dataset = builder
        .chunk(values.len().min(1 << 17))
        .deflate(4)
        .create(name)?;
    dataset.write_raw(values)
}

fn texts<'a>(
    group: &Group,
    name: &str,
    values: impl ExactSizeIterator<Item = &'a str>,
) -> hdf5::Result<()> {
    let dataset = group
        .new_dataset::<VarLenUnicode>()
        .shape(values.len())
        .create(name)?;
    if values.len() == 0 {
        return Ok(());
    }
    let values = values.map(text).collect::<hdf5::Result<Vec<_>>>()?;
    dataset.write_raw(&values)
}

fn text(value: &str) -> hdf5::Result<VarLenUnicode> {
    value
        .parse()
        .map_err(|_| format!("the text '{}' holds a NUL", value.escape_debug()).into())
}

fn text_attributes(location: &Location, attributes: &[(&str, &str)]) -> hdf5::Result<()> {
    for (name, value) in attributes {
        location
            .new_attr::<VarLenUnicode>()
            .create(*name)?
            .write_scalar(&text(value)?)?;
    }
    Ok(())
}

fn numbers_attribute(location: &Location, name: &str, values: &[i64]) -> hdf5::Result<()> {
    location
        .new_attr::<i64>()
        .shape(values.len())
        .create(name)?
        .write_raw(values)
}

/// A matrix in compressed sparse row format, as stored in BIOM files.
struct Matrix {
    data: Vec<f64>,
    indices: Vec<i32>,
    indptr: Vec<i32>,
}

impl Matrix {
    fn by_sample(table: &Table) -> Self {
        let mut matrix = Self {
            data: Vec::with_capacity(table.num_nonzero()),
            indices: Vec::with_capacity(table.num_nonzero()),
            indptr: vec![0],
        };
        for row in 0..table.num_samples() {
            let (features, counts) = table.row(row);
            matrix.data.extend(counts.iter().map(|&c| f64::from(c)));
            matrix.indices.extend(features.iter().map(|&f| f as i32));
            matrix.indptr.push(matrix.data.len() as i32);
        }
        matrix
    }

    /// The same counts by the other axis, which has `size` members.
    fn turned(&self, size: usize) -> Self {
        let mut indptr = vec![0i32; size + 1];
        for &index in &self.indices {
            indptr[index as usize + 1] += 1;
        }
        for i in 1..indptr.len() {
            indptr[i] += indptr[i - 1];
        }
        let mut next = indptr.clone();
        let mut data = vec![0.0; self.data.len()];
        let mut indices = vec![0; self.data.len()];
        for (row, range) in self.indptr.windows(2).enumerate() {
            for at in range[0] as usize..range[1] as usize {
                let slot = &mut next[self.indices[at] as usize];
                data[*slot as usize] = self.data[at];
                indices[*slot as usize] = row as i32;
                *slot += 1;
            }
        }
        Self {
            data,
            indices,
            indptr,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{read_distances, read_table};

    fn ids(names: &[&str]) -> Vec<String> {
        names.iter().map(|&n| n.to_owned()).collect()
    }

    #[test]
    fn tables_are_read_back_unchanged() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("table.biom");
        let triplets = [(0, 1, 3), (1, 0, 1), (1, 2, 7)];
        let table = Table::from_triplets(
            ids(&["s1", "sé2", "leer"]),
            ids(&["A", "C", "G"]),
            &triplets,
        );
        for table in [table.unwrap(), Table::default()] {
            write_biom(&path, &table).unwrap();
            assert_eq!(read_table(&path).unwrap(), table);
        }
    }

    #[test]
    fn distances_are_read_back_unchanged() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("distances.h5");
        let matrix = DistanceMatrix::new(ids(&["a", "b"]), vec![0.0, 0.25, 0.25, 0.0]).unwrap();
        write_distances_h5(&path, &matrix).unwrap();
        assert_eq!(
            read_distances(&path).unwrap().into_matrix().unwrap(),
            matrix
        );
    }

    #[test]
    fn an_unwritable_path_is_named() {
        let error = write_biom("/nonexistent/t.biom", &Table::default())
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("/nonexistent/t.biom: cannot be written"),
            "{error}"
        );
    }
}
