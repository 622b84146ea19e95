//! Files that receive a matrix band by band.
//!
//! In `.npy` and HDF5 files, the values are stored row by row from some offset on. Each band is
//! written to its rows and, transposed, to its columns. A condensed file contains the rows of the
//! upper triangle without the diagonal, as `scipy.spatial.distance.squareform` reads it. Text is
//! converted from such values at the end.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::real::Real;
use super::whole::Band;
use aam_core::DataError;
use aam_data::create_distances_h5;

/// File format of distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatrixFormat {
    /// A NumPy array, `[samples, samples]`.
    Npy,
    /// A NumPy array of the upper triangle, `[samples · (samples − 1) / 2]`.
    Condensed,
    /// HDF5 in the layout of `ssu`.
    Hdf5,
    /// Tab-separated text with ids in the header and the first column.
    Text,
}

impl MatrixFormat {
    /// The format implied by the name of a file.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
        let extension = name.rsplit_once('.')?.1;
        match extension {
            "npy" if name.ends_with(".condensed.npy") => Some(Self::Condensed),
            "npy" => Some(Self::Npy),
            "h5" | "hdf5" => Some(Self::Hdf5),
            "tsv" | "txt" => Some(Self::Text),
            _ => None,
        }
    }

    /// Whether the format does not store sample ids.
    pub fn lacks_ids(self) -> bool {
        matches!(self, Self::Npy | Self::Condensed)
    }
}

/// A file being filled.
pub struct MatrixFile {
    file: File,
    /// Offset of the values.
    offset: u64,
    format: MatrixFormat,
    bytes: Vec<u8>,
}

impl MatrixFile {
    /// Creates a file of `T` values at `path`.
    pub fn create<T: Real>(path: &Path, format: MatrixFormat, ids: &[String]) -> io::Result<Self> {
        let numbers = match format {
            MatrixFormat::Condensed => ids.len() * ids.len().saturating_sub(1) / 2,
            _ => ids.len() * ids.len(),
        };
        let numbers = (numbers * T::BYTES) as u64;
        if format == MatrixFormat::Hdf5 {
            // The HDF5 library crashes if the disk fills up while it writes.
            let names: usize = ids.iter().map(|id| id.len() + 64).sum();
            reserve(&File::create(path)?, numbers + names as u64 + (1 << 16))?;
            let offset = create_distances_h5(path, ids, T::BYTES)?;
            let file = File::options().write(true).open(path)?;
            reserve(&file, offset + numbers)?;
            return Ok(Self::new(file, offset, format));
        }
        let header = match format {
            MatrixFormat::Text => Vec::new(),
            _ => npy_header::<T>(format, ids.len()),
        };
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)?;
        reserve(&file, header.len() as u64 + numbers)?;
        file.write_all(&header)?;
        Ok(Self::new(file, header.len() as u64, format))
    }

    fn new(file: File, offset: u64, format: MatrixFormat) -> Self {
        Self {
            file,
            offset,
            format,
            bytes: Vec::new(),
        }
    }

    /// Writes a band.
    pub fn write<T: Real>(&mut self, band: &Band<'_, T>) -> io::Result<()> {
        let (rows, samples) = (band.rows(), band.samples());
        for i in rows.clone() {
            if self.format == MatrixFormat::Condensed {
                let before = i as u64 * (2 * samples as u64 - i as u64 - 1) / 2;
                self.put(before, (i + 1..samples).map(|j| band.get(i, j)))?;
            } else {
                let first = (i * samples + rows.start) as u64;
                self.put(first, (rows.start..samples).map(|j| band.get(i, j)))?;
            }
        }
        if self.format != MatrixFormat::Condensed {
            for j in rows.end..samples {
                let first = (j * samples + rows.start) as u64;
                self.put(first, rows.clone().map(|i| band.get(i, j)))?;
            }
        }
        Ok(())
    }

    fn put<T: Real>(&mut self, first: u64, values: impl Iterator<Item = T>) -> io::Result<()> {
        self.bytes.clear();
        values.for_each(|value| value.put(&mut self.bytes));
        let place = self.offset + first * T::BYTES as u64;
        self.file.seek(SeekFrom::Start(place))?;
        self.file.write_all(&self.bytes)
    }

    /// Syncs the values to disk.
    pub fn finish(self) -> io::Result<File> {
        self.file.sync_all()?;
        Ok(self.file)
    }
}

/// Preallocates the size of the file if the system supports it, so that a full disk is noticed
/// before the distances are computed.
fn reserve(file: &File, bytes: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;
        if bytes > 0 {
            match fallocate(file, FallocateFlags::empty(), 0, bytes) {
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
                done => return Ok(done?),
            }
        }
    }
    file.set_len(bytes)
}

/// Rejects ids that would break the lines or columns of a text file.
///
/// # Errors
/// There is such an id.
pub fn check_text_ids(ids: &[String]) -> Result<(), DataError> {
    match ids.iter().find(|id| id.contains(['\t', '\n', '\r'])) {
        None => Ok(()),
        Some(id) => {
            let problem = format!(
                "the id '{}' cannot be written to a text file",
                id.escape_debug()
            );
            Err(DataError::new(problem).help("write .h5 or .npy"))
        }
    }
}

/// Converts the values in `file` to text, row by row.
pub fn write_text<T: Real>(path: &Path, mut file: File, ids: &[String]) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    let mut numbers = BufReader::with_capacity(1 << 20, file);
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    for id in ids {
        write!(out, "\t{id}")?;
    }
    writeln!(out)?;
    let mut row = vec![0; ids.len() * T::BYTES];
    for id in ids {
        numbers.read_exact(&mut row)?;
        write!(out, "{id}")?;
        for value in T::all(&row) {
            write!(out, "\t{value}")?;
        }
        writeln!(out)?;
    }
    out.flush()?;
    out.get_ref().sync_all()
}

/// The header of a NumPy version 1.0 file, which ends at a multiple of 64 bytes.
fn npy_header<T: Real>(format: MatrixFormat, samples: usize) -> Vec<u8> {
    let shape = match format {
        MatrixFormat::Condensed => format!("({},)", samples * samples.saturating_sub(1) / 2),
        _ => format!("({samples}, {samples})"),
    };
    let mut text = format!(
        "{{'descr': '<f{}', 'fortran_order': False, 'shape': {shape}, }}",
        T::BYTES
    );
    let length = (10 + text.len() + 1).next_multiple_of(64) - 10;
    text.push_str(&" ".repeat(length - 1 - text.len()));
    text.push('\n');
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend_from_slice(&(length as u16).to_le_bytes());
    header.extend_from_slice(text.as_bytes());
    header
}
