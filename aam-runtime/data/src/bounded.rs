//! Bounds on what packed content may grow to, so that a small file cannot fill the memory.

use std::io::{self, Read};
use std::ops::Deref;
use std::sync::Arc;

/// What packed content may always grow to.
const UNPACKED_FLOOR: u64 = 64 << 20;
/// What packed content may grow to beyond that, per packed byte.
const UNPACKED_RATIO: u64 = 32;

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
                format!("unpacks to more than {UNPACKED_RATIO} times its size"),
            )
        })?;
        Ok(read)
    }
}
