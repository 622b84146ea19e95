//! TensorBoard event files: checksummed records of one event each.
//!
//! A record is the length of its event (8 bytes, little endian), a checksum of the length, the
//! event, and a checksum of the event. Checksums are CRC-32C, rotated and offset so that records can
//! be nested in records.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crc::{CRC_32_ISCSI, Crc};

use super::messages::{self, Value};
use aam_run::RunError;

const CRC32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// An event file being written.
pub struct EventFile {
    path: PathBuf,
    file: File,
    /// Records not yet written to the file; space on a full disk goes to checkpoints first.
    pending: Vec<u8>,
}

impl EventFile {
    /// Creates a file in `directory` that sorts after the existing ones.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(directory: &Path) -> Result<Self, RunError> {
        fs::create_dir_all(directory).map_err(RunError::write(directory))?;
        let now = since_1970();
        // TensorBoard reads the files of a directory in the order of their names.
        let name = format!("events.out.tfevents.{now:017.6}.{}", std::process::id());
        let path = directory.join(name);
        let file = File::create_new(&path).map_err(RunError::write(&path))?;
        let mut events = Self {
            file,
            path,
            pending: Vec::new(),
        };
        events.record(&messages::version(now));
        Ok(events)
    }

    /// Declares everything that other files contain for `step` and later void.
    pub fn void_from(&mut self, step: usize) {
        self.record(&messages::session_start(since_1970(), step as u64));
    }

    /// Queues the values of a step under their tags; NaN and infinite values are left out.
    pub fn add(&mut self, step: usize, mut values: Vec<(String, Value)>) {
        values.retain(|(_, value)| !matches!(value, Value::Scalar(number) if !number.is_finite()));
        if !values.is_empty() {
            self.record(&messages::summary(since_1970(), step as u64, &values));
        }
    }

    /// Writes the queued records.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn flush(&mut self) -> Result<(), RunError> {
        let written = self.file.write_all(&self.pending);
        self.pending.clear();
        written.map_err(RunError::write(&self.path))
    }

    fn record(&mut self, event: &[u8]) {
        let length = (event.len() as u64).to_le_bytes();
        self.pending.extend(length);
        self.pending.extend(checksum(&length).to_le_bytes());
        self.pending.extend(event);
        self.pending.extend(checksum(event).to_le_bytes());
    }
}

/// The checksum used by TensorFlow record files.
fn checksum(bytes: &[u8]) -> u32 {
    CRC32C
        .checksum(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

fn since_1970() -> f64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0.0, |time| time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events of a file, after verifying both checksums of each.
    fn events(path: &Path) -> Vec<Vec<u8>> {
        let bytes = fs::read(path).unwrap();
        let (mut rest, mut events) = (bytes.as_slice(), Vec::new());
        let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
        while !rest.is_empty() {
            let (head, tail) = rest.split_at(12);
            assert_eq!(checksum(&head[..8]), number(&head[8..]));
            let length = u64::from_le_bytes(head[..8].try_into().unwrap()) as usize;
            let (event, tail) = tail.split_at(length);
            assert_eq!(checksum(event), number(&tail[..4]));
            events.push(event.to_vec());
            rest = &tail[4..];
        }
        events
    }

    #[test]
    fn records_are_read_back_and_their_checksums_hold() {
        // CRC-32C of "123456789" is e3069283.
        let masked = 0xe306_9283_u32.rotate_right(15).wrapping_add(0xa282_ead8);
        assert_eq!(checksum(b"123456789"), masked);
        let directory = tempfile::tempdir().unwrap();
        let mut first = EventFile::create(directory.path()).unwrap();
        first.add(3, vec![("val/r2".to_owned(), Value::Scalar(0.5))]);
        first.add(4, vec![("val/r2".to_owned(), Value::Scalar(f64::NAN))]);
        first.flush().unwrap();
        let mut second = EventFile::create(directory.path()).unwrap();
        second.void_from(3);
        second.flush().unwrap();
        assert!(second.path > first.path);
        let written = events(&first.path);
        assert_eq!(written.len(), 2);
        let holds = |event: &[u8], text: &str| {
            let text = text.as_bytes();
            event.windows(text.len()).any(|window| window == text)
        };
        assert!(holds(&written[0], "brain.Event:2") && holds(&written[1], "val/r2"));
        assert!(events(&second.path)[1].ends_with(&[0x10, 3, 0x3a, 2, 8, 1]));
    }
}
