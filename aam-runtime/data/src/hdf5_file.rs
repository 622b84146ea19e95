//! Reading of untrusted HDF5 files.
//!
//! The C library can crash on a damaged file, so files are read with a decoder in Rust. Declared
//! sizes are checked against what the file's bytes can hold before anything is allocated, and a
//! panic inside the decoder becomes an error.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use aam_core::io_words::in_words;
use hdf5_reader::error::Error as H5Error;
use hdf5_reader::{
    Dataset, Datatype, H5Type, Hdf5File, OpenOptions, SliceInfo, SliceInfoElem, StringSize,
    VarLenKind,
};

use super::source::Source;
use super::{DataError, Ids, IdsBuilder};

/// Size to which a dataset may always expand.
const UNPACKED_FLOOR: u64 = 64 << 20;
/// Additional size to which a dataset may expand, per byte of the file.
const UNPACKED_RATIO: u64 = 256;
/// Longest id or other text element.
const LONGEST_TEXT: usize = 1 << 16;

/// An open HDF5 file.
pub struct H5<'s> {
    file: Hdf5File,
    source: &'s Source,
    limit: u64,
}

/// Opens `source` as HDF5 and passes it to `read`; any failure inside becomes an error.
pub fn with_hdf5<T>(
    source: &Source,
    read: impl FnOnce(&H5) -> Result<T, DataError>,
) -> Result<T, DataError> {
    let run = || {
        let limit = UNPACKED_FLOOR.saturating_add(source.limit().saturating_mul(UNPACKED_RATIO));
        let options = OpenOptions::default()
            .with_chunk_cache_bytes(16 << 20)
            .with_max_read_bytes(usize::try_from(limit).unwrap_or(usize::MAX));
        let file = match source.plain_file() {
            Some(path) => Hdf5File::open_with_options(path, options),
            None => Hdf5File::from_owner(source.bytes()?, options),
        }
        .map_err(|e| damaged(source, &e))?;
        read(&H5 {
            file,
            source,
            limit,
        })
    };
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        Err(source
            .error("the HDF5 structure is damaged")
            .help("fetch or write the file again"))
    })
}

/// Whether the file has the dataset `path`.
pub fn has_dataset(source: &Source, path: &str) -> bool {
    with_hdf5(source, |h5| Ok(h5.find(path)?.is_some())).unwrap_or(false)
}

/// Whether the file has the group `path`.
pub fn has_group(source: &Source, path: &str) -> bool {
    with_hdf5(source, |h5| Ok(h5.file.group(path).is_ok())).unwrap_or(false)
}

impl H5<'_> {
    /// The dataset at `path`, or `None` if the file has none.
    pub fn find(&self, path: &str) -> Result<Option<Dataset>, DataError> {
        match self.file.dataset(path) {
            Ok(dataset) => Ok(Some(dataset)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(damaged(self.source, &error).at(format!("dataset '{path}'"))),
        }
    }

    /// The dataset at `path`.
    pub fn dataset(&self, path: &str) -> Result<Dataset, DataError> {
        self.find(path)?
            .ok_or_else(|| self.source.error(format!("has no dataset '{path}'")))
    }

    /// Names of the datasets in the root group.
    pub fn top_datasets(&self) -> Result<Vec<String>, DataError> {
        self.file
            .root_group()
            .and_then(|root| root.member_names())
            .map(|(_, datasets)| datasets)
            .map_err(|e| damaged(self.source, &e))
    }

    /// The integers of a dataset.
    pub fn indices(&self, dataset: &Dataset) -> Result<Vec<u64>, DataError> {
        self.indices_in(dataset, 0..self.len(dataset)?)
    }

    /// The integers in a range of a dataset.
    pub fn indices_in(
        &self,
        dataset: &Dataset,
        range: Range<usize>,
    ) -> Result<Vec<u64>, DataError> {
        let out_of_range = || self.error(dataset, "holds a negative number, expected indices");
        match dataset.dtype() {
            Datatype::FixedPoint {
                size: 4,
                signed: true,
                ..
            } => self
                .read::<i32>(dataset, range)?
                .into_iter()
                .map(|v| u64::try_from(v).map_err(|_| out_of_range()))
                .collect(),
            Datatype::FixedPoint {
                size: 8,
                signed: true,
                ..
            } => self
                .read::<i64>(dataset, range)?
                .into_iter()
                .map(|v| u64::try_from(v).map_err(|_| out_of_range()))
                .collect(),
            Datatype::FixedPoint {
                size: 4,
                signed: false,
                ..
            } => Ok(self
                .read::<u32>(dataset, range)?
                .into_iter()
                .map(u64::from)
                .collect()),
            Datatype::FixedPoint {
                size: 8,
                signed: false,
                ..
            } => self.read::<u64>(dataset, range),
            _ if self.len(dataset)? == 0 => Ok(Vec::new()),
            _ => Err(self.error(dataset, "does not hold 32- or 64-bit whole numbers")),
        }
    }

    /// The numbers of a dataset of any numeric type.
    pub fn numbers(&self, dataset: &Dataset) -> Result<Vec<f64>, DataError> {
        self.numbers_in(dataset, 0..self.len(dataset)?)
    }

    /// The numbers in a range of a dataset of any numeric type.
    pub fn numbers_in(
        &self,
        dataset: &Dataset,
        range: Range<usize>,
    ) -> Result<Vec<f64>, DataError> {
        fn widen<T: Into<f64>>(values: Vec<T>) -> Vec<f64> {
            values.into_iter().map(Into::into).collect()
        }
        Ok(match dataset.dtype() {
            Datatype::FloatingPoint { size: 8, .. } => self.read(dataset, range)?,
            Datatype::FloatingPoint { size: 4, .. } => widen(self.read::<f32>(dataset, range)?),
            Datatype::FixedPoint {
                size: 1,
                signed: true,
                ..
            } => widen(self.read::<i8>(dataset, range)?),
            Datatype::FixedPoint {
                size: 1,
                signed: false,
                ..
            } => widen(self.read::<u8>(dataset, range)?),
            Datatype::FixedPoint {
                size: 2,
                signed: true,
                ..
            } => widen(self.read::<i16>(dataset, range)?),
            Datatype::FixedPoint {
                size: 2,
                signed: false,
                ..
            } => widen(self.read::<u16>(dataset, range)?),
            Datatype::FixedPoint {
                size: 4,
                signed: true,
                ..
            } => widen(self.read::<i32>(dataset, range)?),
            Datatype::FixedPoint {
                size: 4,
                signed: false,
                ..
            } => widen(self.read::<u32>(dataset, range)?),
            Datatype::FixedPoint {
                size: 8,
                signed: true,
                ..
            } => self
                .read::<i64>(dataset, range)?
                .into_iter()
                .map(|v| v as f64)
                .collect(),
            Datatype::FixedPoint {
                size: 8,
                signed: false,
                ..
            } => self
                .read::<u64>(dataset, range)?
                .into_iter()
                .map(|v| v as f64)
                .collect(),
            _ if self.len(dataset)? == 0 => Vec::new(),
            _ => return Err(self.error(dataset, "does not hold numbers")),
        })
    }

    /// The strings of a dataset.
    pub fn texts(&self, dataset: &Dataset) -> Result<Vec<String>, DataError> {
        Ok(self.ids(dataset)?.iter().map(str::to_owned).collect())
    }

    /// The strings of a dataset, packed.
    pub fn ids(&self, dataset: &Dataset) -> Result<Ids, DataError> {
        let count = self.len(dataset)?;
        if count == 0 {
            return Ok(Ids::default());
        }
        let fixed = match dataset.dtype() {
            Datatype::String {
                size: StringSize::Fixed(length),
                ..
            } => Some(*length as usize),
            Datatype::String {
                size: StringSize::Variable,
                ..
            }
            | Datatype::VarLen {
                kind: VarLenKind::String,
                ..
            } => None,
            Datatype::VarLen { base, .. }
                if matches!(**base, Datatype::FixedPoint { size: 1, .. }) =>
            {
                None
            }
            _ => return Err(self.error(dataset, "does not hold text")),
        };
        let raw = dataset
            .read_raw_bytes()
            .map_err(|e| self.failed(dataset, &e))?;
        let width = fixed.unwrap_or(dataset.vlen_reference_size());
        if fixed == Some(0) || raw.len() / width.max(1) < count {
            return Err(self.error(dataset, "is shorter than it declares"));
        }
        let declared = |element: &[u8]| {
            let length = element.first_chunk::<4>();
            length.map_or(0, |b| u32::from_le_bytes(*b) as usize)
        };
        let elements = || raw.chunks_exact(width).take(count);
        // Reserved at once, because growing the buffer for ten million ids would copy it many
        // times.
        let bytes = match fixed {
            Some(_) => raw.len(),
            None => elements()
                .map(|element| declared(element).min(LONGEST_TEXT))
                .sum(),
        };
        let mut ids = IdsBuilder::with_capacity(count, bytes.min(self.limit as usize));
        let mut total = 0u64;
        for element in elements() {
            let bytes = match fixed {
                Some(_) => element.to_vec(),
                None => {
                    if declared(element) > LONGEST_TEXT {
                        return Err(self.error(dataset, "holds a text that is too long"));
                    }
                    dataset
                        .resolve_vlen_reference_bytes(element, 1)
                        .map_err(|e| self.failed(dataset, &e))?
                }
            };
            total += bytes.len() as u64;
            if total > self.limit {
                return Err(self.error(dataset, "holds more text than the file can"));
            }
            let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
            let text = std::str::from_utf8(&bytes[..end])
                .map_err(|_| self.error(dataset, "holds text that is not UTF-8"))?;
            ids.push(text.trim_end());
        }
        Ok(ids.finish())
    }

    /// Number of elements of a dataset.
    pub fn len(&self, dataset: &Dataset) -> Result<usize, DataError> {
        let count = dataset
            .num_elements()
            .map_err(|e| self.failed(dataset, &e))?;
        usize::try_from(count).map_err(|_| self.error(dataset, "is too large"))
    }

    /// Rejects a dataset that declares more than the file can contain, before it is read in pieces.
    pub fn refuse_overlong(&self, dataset: &Dataset) -> Result<(), DataError> {
        let size = dataset
            .raw_byte_len()
            .map_err(|e| self.failed(dataset, &e))?;
        match size as u64 > self.limit {
            true => Err(self
                .error(dataset, "declares more data than it can hold")
                .help("the file is damaged: fetch or write it again")),
            false => Ok(()),
        }
    }

    fn read<T: H5Type>(&self, dataset: &Dataset, range: Range<usize>) -> Result<Vec<T>, DataError> {
        let whole = dataset.ndim() != 1 || range == (0..self.len(dataset)?);
        let array = match whole {
            true => dataset.read_array::<T>(),
            false => dataset.read_slice::<T>(&SliceInfo {
                selections: vec![SliceInfoElem::Slice {
                    start: range.start as u64,
                    end: range.end as u64,
                    step: 1,
                }],
            }),
        };
        let array = array.map_err(|e| self.failed(dataset, &e))?;
        Ok(array.into_raw_vec_and_offset().0)
    }

    fn error(&self, dataset: &Dataset, problem: &str) -> DataError {
        self.source
            .in_file(DataError::new(problem).at(format!("dataset '{}'", dataset.name())))
    }

    fn failed(&self, dataset: &Dataset, error: &H5Error) -> DataError {
        let place = format!("dataset '{}'", dataset.name());
        self.source.in_file(damage(error).at(place))
    }
}

fn damaged(source: &Source, error: &H5Error) -> DataError {
    source.in_file(damage(error))
}

fn damage(error: &H5Error) -> DataError {
    let mut inner = error;
    while let H5Error::Context { source, .. } = inner {
        inner = source;
    }
    match inner {
        H5Error::Io(error) => DataError::new(format!("cannot be read: {}", in_words(error))),
        H5Error::UnsupportedFilter(_) | H5Error::UnsupportedEncoding(_) => DataError::new(format!(
            "uses a feature of HDF5 that is not supported ({inner})"
        ))
        .help("write it again with gzip compression, for example with `biom convert`"),
        H5Error::ResourceLimit(_) => {
            DataError::new(format!("declares more data than it can hold ({inner})"))
                .help("the file is damaged: fetch or write it again")
        }
        _ => DataError::new(format!("the HDF5 structure is damaged ({inner})"))
            .help("fetch or write the file again"),
    }
}

fn is_missing(error: &H5Error) -> bool {
    match error {
        H5Error::Context { source, .. } => is_missing(source),
        H5Error::GroupNotFound(_) | H5Error::DatasetNotFound(_) => true,
        _ => false,
    }
}
