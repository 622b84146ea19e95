//! Counts of a table, in memory or on disk.
//!
//! On disk, they are in two anonymous files, which the operating system removes when the process
//! ends for whatever reason. The files are memory-mapped: pages are read when accessed and dropped
//! when memory is needed.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::slice;

use aam_core::io_words::in_words;
use memmap2::{Advice, Mmap};

use super::DataError;

/// Where the counts of a table are stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// In memory.
    #[default]
    Memory,
    /// In files in this directory.
    Disk(PathBuf),
}

impl Storage {
    /// Storage for a run that writes to `output`: in memory or, with `streaming`, on the disk of
    /// the output.
    pub fn of_run(streaming: bool, output: Option<&Path>) -> Self {
        if !streaming {
            return Self::Memory;
        }
        let mut above = output.into_iter().flat_map(Path::ancestors).skip(1);
        let directory = above.find(|path| path.is_dir());
        Self::Disk(directory.unwrap_or(Path::new(".")).to_owned())
    }
}

/// Columns and counts of all rows, row by row.
#[derive(Debug)]
pub(super) struct Cells {
    pub columns: Numbers,
    pub counts: Numbers,
    pub storage: Storage,
}

/// Immutable numbers.
#[derive(Debug)]
pub(super) enum Numbers {
    Memory(Vec<u32>),
    Disk(Mmap),
}

impl Deref for Numbers {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        match self {
            Self::Memory(numbers) => numbers,
            Self::Disk(map) => {
                // SAFETY: any four bytes are a valid number, and a mapping is page-aligned.
                let (_, numbers, _) = unsafe { map.align_to() };
                numbers
            }
        }
    }
}

impl Cells {
    /// Cells in memory.
    pub fn in_memory(columns: Vec<u32>, counts: Vec<u32>) -> Self {
        Self {
            columns: Numbers::Memory(columns),
            counts: Numbers::Memory(counts),
            storage: Storage::Memory,
        }
    }
}

/// Collects columns and counts incrementally.
pub(super) struct CellsWriter {
    columns: NumbersWriter,
    counts: NumbersWriter,
    storage: Storage,
}

impl CellsWriter {
    /// Creates a writer to `storage` with room for `expected` counts.
    ///
    /// # Errors
    /// No file can be created in the directory.
    pub fn new(storage: &Storage, expected: usize) -> Result<Self, DataError> {
        Ok(Self {
            columns: NumbersWriter::new(storage, expected)?,
            counts: NumbersWriter::new(storage, expected)?,
            storage: storage.clone(),
        })
    }

    /// Appends columns and counts.
    ///
    /// # Errors
    /// The disk is full.
    pub fn extend(&mut self, columns: &[u32], counts: &[u32]) -> Result<(), DataError> {
        let written = self.columns.extend(columns);
        let written = written.and_then(|()| self.counts.extend(counts));
        written.map_err(|error| failed(&self.storage, &error))
    }

    /// Number of counts so far.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Completes the cells.
    ///
    /// # Errors
    /// The disk is full.
    pub fn finish(self) -> Result<Cells, DataError> {
        let Self {
            columns,
            counts,
            storage,
        } = self;
        let failed = |error: io::Error| failed(&storage, &error);
        let (columns, counts) = (
            columns.finish().map_err(failed)?,
            counts.finish().map_err(failed)?,
        );
        Ok(Cells {
            columns,
            counts,
            storage,
        })
    }
}

enum NumbersWriter {
    Memory(Vec<u32>),
    Disk(BufWriter<File>, usize),
}

impl NumbersWriter {
    fn new(storage: &Storage, expected: usize) -> Result<Self, DataError> {
        Ok(match storage {
            Storage::Memory => Self::Memory(Vec::with_capacity(expected)),
            Storage::Disk(directory) => {
                let file = tempfile::tempfile_in(directory);
                let file = file.map_err(|error| failed(storage, &error))?;
                Self::Disk(BufWriter::with_capacity(1 << 20, file), 0)
            }
        })
    }

    fn len(&self) -> usize {
        match self {
            Self::Memory(numbers) => numbers.len(),
            Self::Disk(_, written) => *written,
        }
    }

    fn extend(&mut self, numbers: &[u32]) -> io::Result<()> {
        match self {
            Self::Memory(all) => all.extend_from_slice(numbers),
            Self::Disk(file, written) => {
                let bytes = size_of_val(numbers);
                // SAFETY: every byte of a number is initialised.
                let bytes = unsafe { slice::from_raw_parts(numbers.as_ptr().cast(), bytes) };
                file.write_all(bytes)?;
                *written += numbers.len();
            }
        }
        Ok(())
    }

    fn finish(self) -> io::Result<Numbers> {
        let (file, written) = match self {
            Self::Memory(numbers) => return Ok(Numbers::Memory(numbers)),
            Self::Disk(file, written) => (file, written),
        };
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        if written == 0 {
            return Ok(Numbers::Memory(Vec::new()));
        }
        // SAFETY: the file has no name, so no other process can open it, and this process no longer
        // writes to it.
        let map = unsafe { Mmap::map(&file) }?;
        // Samples are accessed in random order, so reading ahead is not worthwhile.
        #[cfg(unix)]
        map.advise(Advice::Random)?;
        Ok(Numbers::Disk(map))
    }
}

fn failed(storage: &Storage, error: &io::Error) -> DataError {
    let directory = match storage {
        Storage::Memory => Path::new("."),
        Storage::Disk(directory) => directory,
    };
    DataError::in_file(
        directory,
        format!(
            "the table cannot be kept in this directory: {}",
            in_words(error)
        ),
    )
    .help("--streaming needs 8 bytes there for each count of the table; make room, or write the output to another disk")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_on_disk_are_those_that_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::Disk(folder.path().to_owned());
        let mut writer = CellsWriter::new(&storage, 0).unwrap();
        let columns: Vec<u32> = (0..600_000).collect();
        let counts: Vec<u32> = columns
            .iter()
            .map(|&c| c.wrapping_mul(2_654_435_761))
            .collect();
        for (columns, counts) in columns.chunks(1000).zip(counts.chunks(1000)) {
            writer.extend(columns, counts).unwrap();
        }
        assert_eq!(writer.len(), 600_000);
        let cells = writer.finish().unwrap();
        assert!(matches!(cells.counts, Numbers::Disk(_)));
        assert!(*cells.columns == columns && *cells.counts == counts);
        // Nothing remains, however the process ends.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let none = CellsWriter::new(&storage, 0).unwrap().finish().unwrap();
        assert!(none.columns.is_empty() && none.counts.is_empty());
    }

    #[test]
    fn an_unwritable_directory_is_named() {
        let storage = Storage::Disk("/dev/null/no/directory".into());
        let error = CellsWriter::new(&storage, 0).err().unwrap().to_string();
        assert!(error.starts_with("/dev/null/no/directory: the table cannot be kept"));
        assert!(error.contains("--streaming needs 8 bytes"));
    }

    #[test]
    fn the_disk_is_that_of_the_output() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("runs/one");
        let disk = |path: &Path| Storage::Disk(path.to_owned());
        assert_eq!(Storage::of_run(true, Some(&output)), disk(folder.path()));
        assert_eq!(
            Storage::of_run(true, Some(Path::new("one"))),
            disk(Path::new("."))
        );
        assert_eq!(Storage::of_run(false, Some(&output)), Storage::Memory);
    }
}
