//! One writer per output directory. A file in the directory stays locked for as long as the writing
//! process lives, however it ends.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::RunError;

/// Name of the lock file.
pub const LOCK: &str = ".aam.lock";
/// Longest holder note that is read.
const LONGEST_NOTE: u64 = 256;

/// How often creating a directory is retried when another process removes it at the same moment.
const ATTEMPTS: usize = 10;

/// The locks this process holds, by directory; parts of one command share them.
static HELD: Mutex<Option<HashMap<PathBuf, Weak<OutputLock>>>> = Mutex::new(None);

/// Exclusive access to an output directory among processes, for the lifetime of this value.
///
/// Directories created for it are removed again if they are still empty.
#[derive(Debug)]
pub struct OutputLock {
    /// The locked file; `None` on file systems without locks.
    file: Option<File>,
    path: PathBuf,
    /// Directories created for it, innermost first.
    made: Vec<PathBuf>,
}

impl OutputLock {
    /// Locks `directory`, creating it if necessary.
    ///
    /// # Errors
    /// Another process holds it, or it cannot be written to.
    pub fn hold(directory: &Path) -> Result<Arc<Self>, RunError> {
        for _ in 0..ATTEMPTS {
            let made = make(directory)?;
            let lock = Self::hold_by(directory, &directory.join(LOCK), made.clone());
            match lock {
                // Another process created the directory and has just removed it.
                Err(RunError::Write { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                }
                Err(error) => {
                    remove(&made);
                    return Err(error);
                }
                held => return held,
            }
        }
        let gone = io::Error::from(io::ErrorKind::NotFound);
        Err(RunError::write(directory)(gone))
    }

    /// Locks `directory` by a file next to it, for a directory that must be created in one step.
    ///
    /// # Errors
    /// Another process holds it, or its parent directory cannot be written to.
    pub fn hold_beside(directory: &Path) -> Result<Arc<Self>, RunError> {
        let name = directory.file_name().unwrap_or_default().to_string_lossy();
        let beside = directory.with_file_name(format!(".{name}{LOCK}"));
        Self::hold_by(directory, &beside, Vec::new())
    }

    fn hold_by(directory: &Path, path: &Path, made: Vec<PathBuf>) -> Result<Arc<Self>, RunError> {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        let held = held.get_or_insert_default();
        held.retain(|_, lock| lock.strong_count() > 0);
        let key = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let key = match key.parent().map(fs::canonicalize) {
            Some(Ok(parent)) => parent.join(key.file_name().unwrap_or_default()),
            _ => key,
        };
        if let Some(own) = held.get(&key).and_then(Weak::upgrade) {
            return Ok(own);
        }
        let file = match locked(path).map_err(RunError::write(directory))? {
            Locked::Own(file) => Some(file),
            Locked::Unsupported => None,
            Locked::Other(holder) => {
                let problem = format!(
                    "{holder} is writing to this directory; wait until it ends, or choose another directory"
                );
                let directory = directory.display().to_string();
                return Err(RunError::value("output-dir", directory, problem));
            }
        };
        let lock = Arc::new(Self {
            file,
            path: path.to_owned(),
            made,
        });
        held.insert(key, Arc::downgrade(&lock));
        Ok(lock)
    }
}

impl Drop for OutputLock {
    fn drop(&mut self) {
        // Only if it is still the file at that path: the directory may have been renamed and
        // another created in its place.
        if let Some(file) = &self.file
            && is_at(file, &self.path)
        {
            let _ = fs::remove_file(&self.path);
        }
        remove(&self.made);
    }
}

enum Locked {
    Own(File),
    Other(String),
    /// The file system has no locks; the run proceeds without one.
    Unsupported,
}

fn locked(path: &Path) -> io::Result<Locked> {
    loop {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path)?;
        match file.try_lock() {
            Ok(()) if is_at(&file, path) => {
                // The note is only informative. If the disk is full, the next write reports it.
                let _ = note(&mut file);
                return Ok(Locked::Own(file));
            }
            // The previous holder removed the file in the meantime.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Locked::Other(holder(&file))),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(TryLockError::Error(_)) => {
                let _ = fs::remove_file(path);
                return Ok(Locked::Unsupported);
            }
        }
    }
}

/// Whether `file` is still the file at `path` and has not been removed.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let same = |one: fs::Metadata, other: fs::Metadata| {
        (one.dev(), one.ino()) == (other.dev(), other.ino())
    };
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(own), Ok(there)) => same(own, there),
        _ => false,
    }
}

/// On other systems, an open file cannot be removed.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.is_file()
}

/// Notes the holder in the file, for the messages of other processes.
fn note(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    let host = host().map_or(String::new(), |host| format!(" on {host}"));
    file.write_all(format!("process {}{host}", std::process::id()).as_bytes())
}

/// The host name: the machines of a cluster share file systems.
fn host() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// The holder of `file` according to its note.
fn holder(file: &File) -> String {
    let mut note = Vec::new();
    let read = file.take(LONGEST_NOTE).read_to_end(&mut note);
    let note = String::from_utf8_lossy(&note);
    let is_plain = note.chars().all(|c| !c.is_control());
    match read.is_ok() && is_plain && note.starts_with("process ") {
        true => format!("another run of aam ({note})"),
        false => "another run of aam".to_owned(),
    }
}

/// Creates `directory` and its parents; returns those that did not exist, innermost first.
fn make(directory: &Path) -> Result<Vec<PathBuf>, RunError> {
    let missing = directory.ancestors();
    let missing = missing.take_while(|path| *path != Path::new("") && !path.exists());
    let missing: Vec<PathBuf> = missing.map(Path::to_owned).collect();
    let made = fs::create_dir_all(directory);
    if made.is_err() {
        remove(&missing);
    }
    made.map_err(RunError::write(directory))?;
    Ok(missing)
}

/// Removes empty directories.
fn remove(directories: &[PathBuf]) {
    for directory in directories {
        let _ = fs::remove_dir(directory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_process_share_it_and_nothing_is_left_of_it() {
        let place = tempfile::tempdir().unwrap();
        let run = place.path().join("a/run");
        let first = OutputLock::hold(&run).unwrap();
        let second = OutputLock::hold(&place.path().join("a/../a/run")).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        drop(first);
        // As seen by another process.
        let other = match locked(&run.join(LOCK)).unwrap() {
            Locked::Other(holder) => holder,
            _ => panic!("it is held"),
        };
        let id = format!("another run of aam (process {}", std::process::id());
        assert!(other.starts_with(&id), "{other}");
        drop(second);
        assert!(!place.path().join("a").exists());
    }

    #[test]
    fn the_lock_of_a_dead_process_is_taken_over() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join(LOCK), "process 1 on \u{1b}[31m").unwrap();
        let lock = OutputLock::hold(place.path()).unwrap();
        fs::write(place.path().join("result"), "").unwrap();
        drop(lock);
        assert!(!place.path().join(LOCK).exists() && place.path().join("result").exists());
    }

    #[test]
    fn an_invalid_note_is_not_shown() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("lock");
        fs::write(&path, "process \u{1b}[31m").unwrap();
        assert_eq!(holder(&File::open(&path).unwrap()), "another run of aam");
    }
}
