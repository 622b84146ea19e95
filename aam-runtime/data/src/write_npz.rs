//! Writing of NumPy archives (`.npz`) of one-dimensional arrays.

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;

/// The length of a header is a multiple of this.
const ALIGNMENT: usize = 64;

/// A one-dimensional array.
#[derive(Clone, Debug)]
pub enum NpzArray {
    /// Integers of 32 bits.
    Integers(Vec<i32>),
    /// Floating-point numbers of 32 bits.
    Numbers(Vec<f32>),
    /// Texts.
    Texts(Vec<String>),
}

impl NpzArray {
    /// The length and the NumPy data type.
    fn shape(&self) -> (usize, String) {
        match self {
            Self::Integers(values) => (values.len(), "<i4".to_owned()),
            Self::Numbers(values) => (values.len(), "<f4".to_owned()),
            Self::Texts(texts) => (texts.len(), format!("<U{}", width(texts))),
        }
    }

    /// The contents of the array as a file in format version 1.0 of NumPy.
    fn bytes(&self) -> Vec<u8> {
        let (length, kind) = self.shape();
        let mut header =
            format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({length},), }}");
        // Ten bytes come before it, and a line break ends it.
        let end = (10 + header.len() + 1).next_multiple_of(ALIGNMENT);
        header.extend(std::iter::repeat_n(' ', end - 11 - header.len()));
        header.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        match self {
            Self::Integers(values) => bytes.extend(values.iter().flat_map(|v| v.to_le_bytes())),
            Self::Numbers(values) => bytes.extend(values.iter().flat_map(|v| v.to_le_bytes())),
            Self::Texts(texts) => {
                let width = width(texts);
                for text in texts {
                    let letters = text.chars().map(u32::from);
                    let letters = letters.chain(std::iter::repeat(0)).take(width);
                    bytes.extend(letters.flat_map(u32::to_le_bytes));
                }
            }
        }
        bytes
    }
}

/// The number of characters of the longest text; at least 1.
fn width(texts: &[String]) -> usize {
    let longest = texts.iter().map(|text| text.chars().count()).max();
    longest.unwrap_or(0).max(1)
}

/// The bytes of an archive of `arrays` by name. Equal arrays give equal archives.
///
/// # Errors
/// Never in practice, as the bytes are written to memory.
pub fn npz(arrays: &[(&str, NpzArray)]) -> Result<Vec<u8>, ZipError> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, array) in arrays {
        archive.start_file(format!("{name}.npy"), SimpleFileOptions::default())?;
        archive.write_all(&array.bytes())?;
    }
    Ok(archive.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use npyz::{NpyFile, TypeChar};

    fn kind(file: &NpyFile<Cursor<Vec<u8>>>) -> (TypeChar, Vec<u64>) {
        match file.dtype() {
            npyz::DType::Plain(kind) => (kind.type_char(), file.shape().to_vec()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn arrays_are_read_back_by_others() {
        let open = |array: &NpzArray| NpyFile::new(Cursor::new(array.bytes())).unwrap();
        let integers = open(&NpzArray::Integers(vec![3, -1]));
        assert_eq!(kind(&integers), (TypeChar::Int, vec![2]));
        assert_eq!(integers.into_vec::<i32>().unwrap(), [3, -1]);
        let numbers = open(&NpzArray::Numbers(vec![0.5]));
        assert_eq!(numbers.into_vec::<f32>().unwrap(), [0.5]);
        let texts = NpzArray::Texts(vec!["aé".to_owned(), "b".to_owned()]);
        let file = open(&texts);
        assert_eq!(kind(&file), (TypeChar::UnicodeStr, vec![2]));
        let bytes = texts.bytes();
        let (head, data) = bytes.split_at(bytes.len() - 16);
        assert_eq!(head.len() % ALIGNMENT, 0);
        assert_eq!(data, [97, 0, 0, 0, 233, 0, 0, 0, 98, 0, 0, 0, 0, 0, 0, 0]);
        let empty = open(&NpzArray::Texts(Vec::new()));
        assert_eq!(kind(&empty), (TypeChar::UnicodeStr, vec![0]));
    }

    #[test]
    fn an_archive_has_a_file_for_each_array() {
        let write = || {
            npz(&[
                ("a", NpzArray::Integers(vec![1])),
                ("b", NpzArray::Numbers(vec![])),
            ])
        };
        let bytes = write().unwrap();
        assert_eq!(bytes, write().unwrap());
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        assert_eq!(archive.len(), 2);
        assert!(archive.by_name("a.npy").is_ok() && archive.by_name("b.npy").is_ok());
    }
}
