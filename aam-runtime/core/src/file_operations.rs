//! The file operations used for saving, each of which a test can make fail.
//!
//! Runs save files only through these functions. Before each operation, the thread's hook, which
//! only tests set, is called; if it returns an error, the operation fails with that error. A hook
//! that rejects every operation from some point on leaves the files as if the process had been
//! killed at that point.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Called with the name of an operation and the file or directory it affects.
pub type Hook = Box<dyn FnMut(&'static str, &Path) -> io::Result<()>>;

thread_local! {
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
}

/// Sets or removes the hook of this thread.
pub fn set_hook(hook: Option<Hook>) {
    HOOK.with_borrow_mut(|place| *place = hook);
}

fn ask(operation: &'static str, path: &Path) -> io::Result<()> {
    HOOK.with_borrow_mut(|hook| match hook {
        Some(hook) => hook(operation, path),
        None => Ok(()),
    })
}

/// Creates a directory and its parents.
///
/// # Errors
/// A directory cannot be created.
pub fn make_directories(path: &Path) -> io::Result<()> {
    ask("make directories", path)?;
    fs::create_dir_all(path)
}

/// Creates a directory that does not exist yet.
///
/// # Errors
/// The directory cannot be created.
pub fn make_directory(path: &Path) -> io::Result<()> {
    ask("make a directory", path)?;
    fs::create_dir(path)
}

/// Writes a file and syncs it to disk.
///
/// # Errors
/// The file cannot be written; part of it may exist.
pub fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    sync(path, &write(path, bytes)?)
}

/// Writes a file without [syncing](sync) it to disk.
///
/// # Errors
/// The file cannot be written; part of it may exist.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<File> {
    ask("create", path)?;
    let mut file = File::create(path)?;
    for half in [&bytes[..bytes.len() / 2], &bytes[bytes.len() / 2..]] {
        ask("write", path)?;
        file.write_all(half)?;
    }
    Ok(file)
}

/// Syncs a file to disk.
///
/// # Errors
/// The disk is full or broken.
pub fn sync(path: &Path, file: &File) -> io::Result<()> {
    ask("sync", path)?;
    file.sync_all()
}

/// Syncs the entries of a directory to disk; otherwise a power loss may undo a rename. Not every
/// file system supports this.
pub fn sync_directory(path: &Path) {
    if ask("sync a directory", path).is_ok()
        && let Ok(directory) = File::open(path)
    {
        let _ = directory.sync_all();
    }
}

/// Renames a file or directory; an existing file of the new name is replaced.
///
/// # Errors
/// It cannot be renamed.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    ask("rename", from)?;
    fs::rename(from, to)
}

/// Exchanges the names of two directories in one step.
///
/// # Errors
/// The exchange failed; some network file systems and systems other than Linux do not support it.
pub fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    ask("exchange", one)?;
    exchange_now(one, other)
}

#[cfg(target_os = "linux")]
fn exchange_now(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

#[cfg(not(target_os = "linux"))]
fn exchange_now(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Removes a directory and its contents.
///
/// # Errors
/// Something cannot be removed; other entries may already be gone.
pub fn remove_directory(path: &Path) -> io::Result<()> {
    ask("remove a directory", path)?;
    fs::remove_dir_all(path)
}

/// Removes a file.
///
/// # Errors
/// It cannot be removed.
pub fn remove_file(path: &Path) -> io::Result<()> {
    ask("remove a file", path)?;
    fs::remove_file(path)
}
