//! A row of numbers for each id, as a NumPy array or as text.

use std::io;
use std::path::Path;

use npyz::WriterBuilder;

use crate::error::RunError;
use crate::run_directory::write_whole_bytes;
use crate::tsv_writer::tsv_writer;

/// File format of the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumbersFormat {
    /// A NumPy array, `[ids, width]` of `f4`, without the ids.
    Npy,
    /// Tab-separated text with the ids in the first column.
    Tsv,
}

impl NumbersFormat {
    /// The format implied by the name of the file `output`.
    ///
    /// # Errors
    /// The name has neither ending.
    pub fn of(output: &Path) -> Result<Self, RunError> {
        let extension = output.extension().unwrap_or_default().to_ascii_lowercase();
        match extension.to_str() {
            Some("npy") => Ok(Self::Npy),
            Some("tsv" | "txt") => Ok(Self::Tsv),
            _ => {
                let problem = "expected a name that ends in .npy or .tsv";
                Err(RunError::value(
                    "output",
                    output.display().to_string(),
                    problem,
                ))
            }
        }
    }
}

/// Writes `values`, `[ids, width]`, row by row to `path`. In text, the id column is called `name`,
/// and the other columns are numbered from 1.
///
/// # Errors
/// The file cannot be written.
pub fn write_numbers(
    path: &Path,
    format: NumbersFormat,
    (name, ids): (&str, &[String]),
    values: &[f32],
    width: usize,
) -> Result<(), RunError> {
    let bytes = match format {
        NumbersFormat::Npy => npy(ids.len(), width, values),
        NumbersFormat::Tsv => tsv((name, ids), width, values),
    };
    write_whole_bytes(path, &bytes.map_err(RunError::write(path))?)
}

fn npy(rows: usize, width: usize, values: &[f32]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut array = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&[rows as u64, width as u64])
        .writer(&mut bytes)
        .begin_nd()?;
    array.extend(values)?;
    array.finish()?;
    Ok(bytes)
}

fn tsv((name, ids): (&str, &[String]), width: usize, values: &[f32]) -> io::Result<Vec<u8>> {
    let mut lines = tsv_writer();
    let numbers = (1..=width).map(|number| number.to_string());
    lines.write_record(std::iter::once(name.to_owned()).chain(numbers))?;
    for (row, id) in ids.iter().enumerate() {
        let values = values[row * width..(row + 1) * width].iter();
        lines.write_record(std::iter::once(id.clone()).chain(values.map(f32::to_string)))?;
    }
    lines.into_inner().map_err(csv::IntoInnerError::into_error)
}
