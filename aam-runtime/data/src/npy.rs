//! NumPy arrays of numbers, validated before they are read.

use std::io::{BufReader, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use aam_core::io_words::in_words;
use npyz::{DType, NpyFile, Order, TypeChar};

use super::DataError;
use super::source::Source;

/// Longest header, which is NumPy's own limit.
const LONGEST_HEADER: usize = 10_000;

/// An array whose header has been read and matches the size of the file.
pub struct Npy {
    file: NpyFile<Box<dyn Read + Send>>,
}

/// Opens the array in `source`.
pub fn open(source: &Source) -> Result<Npy, DataError> {
    let damaged = |why: String| {
        source
            .error(format!("is not a valid NumPy array: {why}"))
            .help("write it again with `numpy.save`")
    };
    check_header(source.head()).map_err(|why| damaged(why.to_owned()))?;
    let reader: Box<dyn Read + Send> =
        Box::new(BufReader::with_capacity(1 << 16, source.reader()?));
    let file = catch_unwind(AssertUnwindSafe(|| NpyFile::new(reader)))
        .map_err(|_| damaged("its header cannot be read".to_owned()))?
        .map_err(|e| damaged(e.to_string()))?;
    let bytes = file.shape().iter().try_fold(1u64, |n, &d| n.checked_mul(d));
    let width = match file.dtype() {
        DType::Plain(kind) => kind.num_bytes().unwrap_or(0) as u64,
        _ => 0,
    };
    let limit = source.limit();
    match bytes.and_then(|n| n.checked_mul(width)) {
        Some(bytes) if bytes <= limit => Ok(Npy { file }),
        _ => Err(damaged(format!(
            "it declares the shape {:?}, more than the file holds",
            file.shape()
        ))),
    }
}

/// Rejects headers that are too long or too deeply nested for the parser's stack.
fn check_header(head: &[u8]) -> Result<(), &'static str> {
    let (start, length) = match (head.get(6), head.get(8..12)) {
        (Some(1), Some(&[a, b, _, _])) => (10, usize::from(u16::from_le_bytes([a, b]))),
        (Some(2 | 3), Some(&[a, b, c, d])) => (12, u32::from_le_bytes([a, b, c, d]) as usize),
        _ => return Err("unknown version"),
    };
    if length > LONGEST_HEADER {
        return Err("its header is too long");
    }
    let header = head
        .get(start..start + length)
        .ok_or("its header is cut short")?;
    // This many digits multiply to less than 2⁶⁴, so that the parser cannot overflow.
    if header.iter().filter(|b| b.is_ascii_digit()).count() > 19 {
        return Err("it declares a shape that is too large");
    }
    let brackets = header.iter().filter(|b| b"([{".contains(b)).count();
    if brackets > 8 || header.len() > 256 && brackets == 0 {
        return Err("its header is not a plain array's");
    }
    Ok(())
}

impl Npy {
    /// Its shape.
    pub fn shape(&self) -> &[u64] {
        self.file.shape()
    }

    /// All values in row-major order, whatever order the file uses.
    pub fn values(self, source: &Source) -> Result<Vec<f64>, DataError> {
        let failed = |e: std::io::Error| {
            source
                .error(format!("the array cannot be read: {}", in_words(&e)))
                .help("write it again with `numpy.save`")
        };
        let shape = self.file.shape().to_vec();
        let order = self.file.order();
        let DType::Plain(kind) = self.file.dtype() else {
            return Err(source.error("holds records, expected numbers"));
        };
        let values: Vec<f64> = match (kind.type_char(), kind.num_bytes()) {
            (TypeChar::Float, Some(8)) => self.file.into_vec().map_err(failed)?,
            (TypeChar::Float, Some(4)) => {
                let values = self.file.into_vec::<f32>().map_err(failed)?;
                values.into_iter().map(f64::from).collect()
            }
            _ => {
                return Err(source
                    .error(format!("expected numbers of type f4 or f8, found {kind}"))
                    .help("save `matrix.astype(numpy.float64)`"));
            }
        };
        Ok(match (order, &shape[..]) {
            (Order::Fortran, &[rows, columns]) => {
                let (rows, columns) = (rows as usize, columns as usize);
                (0..rows)
                    .flat_map(|i| (0..columns).map(move |j| i + j * rows))
                    .map(|at| values[at])
                    .collect()
            }
            _ => values,
        })
    }
}
