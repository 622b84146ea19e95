//! Writing of distances as text and as NumPy arrays.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use aam_core::io_words::in_words;
use npyz::WriterBuilder;

use super::{DataError, DistanceMatrix};

/// Writes `matrix` to `path` as tab-separated text with ids in the header and the first column.
///
/// # Errors
/// The file cannot be written, or an id contains a tab or line break.
pub fn write_distances_tsv(
    path: impl AsRef<Path>,
    matrix: &DistanceMatrix,
) -> Result<(), DataError> {
    let path = path.as_ref();
    if let Some(id) = matrix
        .ids()
        .iter()
        .find(|id| id.contains(['\t', '\n', '\r']))
    {
        return Err(DataError::in_file(
            path,
            format!(
                "the id '{}' cannot be written to a text file",
                id.escape_debug()
            ),
        ));
    }
    write(path, |out| {
        for id in matrix.ids() {
            write!(out, "\t{id}")?;
        }
        writeln!(out)?;
        for (i, id) in matrix.ids().iter().enumerate() {
            write!(out, "{id}")?;
            for value in matrix.row(i) {
                write!(out, "\t{value}")?;
            }
            writeln!(out)?;
        }
        Ok(())
    })
}

/// Writes the values of `matrix` to `path` as a NumPy array, `[samples, samples]` of `f8`, without
/// the ids.
///
/// # Errors
/// The file cannot be written.
pub fn write_distances_npy(
    path: impl AsRef<Path>,
    matrix: &DistanceMatrix,
) -> Result<(), DataError> {
    write(path.as_ref(), |out| {
        let size = matrix.len() as u64;
        let mut array = npyz::WriteOptions::new()
            .default_dtype()
            .shape(&[size, size])
            .writer(out)
            .begin_nd()?;
        array.extend(matrix.values())?;
        array.finish()
    })
}

fn write(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), DataError> {
    let done = File::create(path).map(BufWriter::new).and_then(|mut out| {
        fill(&mut out)?;
        out.flush()
    });
    done.map_err(|e| {
        DataError::in_file(path, format!("cannot be written: {}", in_words(&e)))
            .help("check the folder, its permissions and the space left on the disk")
    })
}
