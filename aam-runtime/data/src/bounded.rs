//! Limits on reading files: how large compressed content may become, so that a small file cannot
//! fill the memory, and which paths are regular files, so that reading never blocks on a device or
//! pipe.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use aam_core::io_words::worded;

/// Size to which compressed content may always expand.
const UNPACKED_FLOOR: u64 = 64 << 20;
/// Additional size to which it may expand, per compressed byte.
const UNPACKED_RATIO: u64 = 32;
/// The same for content that is read line by line and not kept; large sparse text tables can
/// compress to less than a hundredth.
const STREAMED_RATIO: u64 = 128;

/// Bytes shared by several readers.
#[derive(Clone, Debug)]
pub struct Bytes(Arc<Vec<u8>>);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Deref for Bytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(bytes))
    }
}

/// Maximum size of `packed` bytes after decompression.
pub fn unpacked_limit(packed: u64) -> u64 {
    UNPACKED_FLOOR.saturating_add(packed.saturating_mul(UNPACKED_RATIO))
}

/// Maximum size of `packed` bytes after decompression if they are read line by line.
pub fn streamed_limit(packed: u64) -> u64 {
    (2 * UNPACKED_FLOOR).saturating_add(packed.saturating_mul(STREAMED_RATIO))
}

/// Opens the regular file at `path`; opening anything else might block forever.
///
/// # Errors
/// The path cannot be opened, or is a directory, a device or a pipe.
pub fn open_file(path: &Path) -> io::Result<File> {
    match not_a_file(&std::fs::metadata(path).map_err(worded)?) {
        None => File::open(path).map_err(worded),
        Some(kind) => {
            let problem = format!("it is {kind}, expected a file");
            Err(io::Error::new(io::ErrorKind::InvalidInput, problem))
        }
    }
}

/// Reads the regular file at `path`, of at most `limit` bytes.
///
/// # Errors
/// Those of [`open_file`], and a larger file.
pub fn read_file(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = open_file(path)?;
    let size = file.metadata().map_err(worded)?.len();
    let too_large = |size: String| {
        let problem = format!("its {size} bytes are more than the {limit} allowed for such a file");
        Err(io::Error::new(io::ErrorKind::FileTooLarge, problem))
    };
    if size > limit {
        return too_large(size.to_string());
    }
    let mut bytes = Vec::with_capacity(size as usize);
    // Some system files contain more than their reported size.
    let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(worded)?;
    match bytes.len() as u64 > limit {
        true => too_large("first".to_owned()),
        false => Ok(bytes),
    }
}

/// Like [`read_file`], for text.
///
/// # Errors
/// Those of [`read_file`], and text that is not UTF-8.
pub fn read_text_file(path: &Path, limit: u64) -> io::Result<String> {
    let bytes = read_file(path, limit)?;
    String::from_utf8(bytes).map_err(|error| {
        let problem = format!(
            "it is not UTF-8 text (byte {})",
            error.utf8_error().valid_up_to()
        );
        io::Error::new(io::ErrorKind::InvalidData, problem)
    })
}

/// What the path is if it is not a regular file.
pub fn not_a_file(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return None;
    }
    if kind.is_dir() {
        return Some("a directory");
    }
    Some(special(&kind))
}

#[cfg(unix)]
fn special(kind: &std::fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match kind.is_fifo() {
        true => "a pipe",
        false if kind.is_socket() => "a socket",
        false => "a device",
    }
}

#[cfg(not(unix))]
fn special(_: &std::fs::FileType) -> &'static str {
    "a device"
}

/// Reads to the end, or fails with [`io::ErrorKind::FileTooLarge`] beyond `limit` bytes.
pub fn read_at_most(reader: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Bounded::new(reader, limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A reader that fails with [`io::ErrorKind::FileTooLarge`] beyond a number of bytes.
pub struct Bounded<R = Box<dyn Read + Send>> {
    reader: R,
    left: u64,
}

impl<R: Read> Bounded<R> {
    /// Wraps `reader` so that it fails beyond `limit` bytes.
    pub fn new(reader: R, limit: u64) -> Self {
        Self {
            reader,
            left: limit,
        }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::FileTooLarge,
                "unpacks to far more than such a file should",
            )
        })?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_within_the_limit_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read_file(&path, 5).unwrap(), b"12345");
        let error = read_file(&path, 4).unwrap_err().to_string();
        assert!(error.contains("5 bytes are more than the 4"), "{error}");
        let error = read_file(folder.path(), 4).unwrap_err().to_string();
        assert!(error.contains("a directory"), "{error}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn devices_and_files_longer_than_reported() {
        let error = read_file(Path::new("/dev/zero"), 4).unwrap_err();
        assert!(error.to_string().contains("a device"), "{error}");
        let error = read_file(Path::new("/proc/self/status"), 4).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}
