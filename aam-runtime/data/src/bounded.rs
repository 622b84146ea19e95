//! Bounds on what is read of a file: what packed content may grow to, so that a small file cannot
//! fill the memory, and what is a file at all, so that nothing waits for a device or a pipe.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

/// What packed content may always grow to.
const UNPACKED_FLOOR: u64 = 64 << 20;
/// What packed content may grow to beyond that, per packed byte.
const UNPACKED_RATIO: u64 = 32;
/// The same of content that is read line by line and not kept: a large sparse table as text is
/// packed to less than a hundredth.
const STREAMED_RATIO: u64 = 128;

/// Bytes that several readers share.
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

/// What `packed` bytes may grow to.
pub fn unpacked_limit(packed: u64) -> u64 {
    UNPACKED_FLOOR.saturating_add(packed.saturating_mul(UNPACKED_RATIO))
}

/// What `packed` bytes may grow to that are read line by line.
pub fn streamed_limit(packed: u64) -> u64 {
    (2 * UNPACKED_FLOOR).saturating_add(packed.saturating_mul(STREAMED_RATIO))
}

/// Opens the plain file at `path`; of anything else, opening alone may wait forever.
///
/// # Errors
/// What cannot be opened; what is a folder, a device or a pipe.
pub fn open_file(path: &Path) -> io::Result<File> {
    match not_a_file(&std::fs::metadata(path)?) {
        None => File::open(path),
        Some(kind) => {
            let problem = format!("this is {kind}, expected a file");
            Err(io::Error::new(io::ErrorKind::InvalidInput, problem))
        }
    }
}

/// Reads the file at `path`, which is a plain file of at most `limit` bytes.
///
/// # Errors
/// Those of [`open_file`], and a larger file.
pub fn read_file(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = open_file(path)?;
    let size = file.metadata()?.len();
    let too_large = |size: String| {
        let problem =
            format!("its {size} bytes are more than the {limit} that such a file may have");
        Err(io::Error::new(io::ErrorKind::FileTooLarge, problem))
    };
    if size > limit {
        return too_large(size.to_string());
    }
    let mut bytes = Vec::with_capacity(size as usize);
    // Some files of the system have more to read than they say.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > limit {
        true => too_large("first".to_owned()),
        false => Ok(bytes),
    }
}

/// The same as text.
///
/// # Errors
/// Those of [`read_file`], and what is not UTF-8.
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

/// What is at a path instead of a file, if anything.
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

/// Reads to the end, or fails with [`io::ErrorKind::FileTooLarge`] past `limit` bytes.
pub fn read_at_most(reader: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Bounded::new(reader, limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A reader that fails with [`io::ErrorKind::FileTooLarge`] past a number of bytes.
pub struct Bounded<R = Box<dyn Read + Send>> {
    reader: R,
    left: u64,
}

impl<R: Read> Bounded<R> {
    /// `reader`, failing past `limit` bytes.
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
                "unpacks to far more than such a file does",
            )
        })?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_files_of_their_size_are_read() {
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
    fn devices_and_files_that_are_longer_than_they_say() {
        let error = read_file(Path::new("/dev/zero"), 4).unwrap_err();
        assert!(error.to_string().contains("a device"), "{error}");
        let error = read_file(Path::new("/proc/self/status"), 4).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}
