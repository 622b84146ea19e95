//! The file operations of saving, one by one, so that a test can make each of them fail.
//!
//! What a run saves goes through these functions alone. Before each operation the hook of the
//! thread, which only tests set, is asked; where it answers with an error, that is what the
//! operation fails with. A hook that refuses every operation from one on leaves the files as a kill
//! at that moment would.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Is told what is to be done to which file or directory.
pub type Hook = Box<dyn FnMut(&'static str, &Path) -> io::Result<()>>;

thread_local! {
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
}

/// Sets the hook of this thread, or removes it.
pub fn set_hook(hook: Option<Hook>) {
    HOOK.with_borrow_mut(|place| *place = hook);
}

fn ask(operation: &'static str, path: &Path) -> io::Result<()> {
    HOOK.with_borrow_mut(|hook| match hook {
        Some(hook) => hook(operation, path),
        None => Ok(()),
    })
}

/// Makes a directory and those above it.
///
/// # Errors
/// A directory that cannot be made.
pub fn make_directories(path: &Path) -> io::Result<()> {
    ask("make directories", path)?;
    fs::create_dir_all(path)
}

/// Makes a directory that does not exist.
///
/// # Errors
/// A directory that cannot be made.
pub fn make_directory(path: &Path) -> io::Result<()> {
    ask("make a directory", path)?;
    fs::create_dir(path)
}

/// Writes a file and has it on disk.
///
/// # Errors
/// A file that cannot be written; a part of it may be there.
pub fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    sync(path, &write(path, bytes)?)
}

/// Writes a file, which is on disk once it is [synced](sync).
///
/// # Errors
/// A file that cannot be written; a part of it may be there.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<File> {
    ask("create", path)?;
    let mut file = File::create(path)?;
    for half in [&bytes[..bytes.len() / 2], &bytes[bytes.len() / 2..]] {
        ask("write", path)?;
        file.write_all(half)?;
    }
    Ok(file)
}

/// Has a file on disk.
///
/// # Errors
/// The disk is full or broken.
pub fn sync(path: &Path, file: &File) -> io::Result<()> {
    ask("sync", path)?;
    file.sync_all()
}

/// Has the names in a directory on disk: a power loss may undo a rename that was not synced. Not
/// every file system can.
pub fn sync_directory(path: &Path) {
    if ask("sync a directory", path).is_ok()
        && let Ok(directory) = File::open(path)
    {
        let _ = directory.sync_all();
    }
}

/// Gives a file or directory another name; a file of that name is replaced.
///
/// # Errors
/// It cannot be renamed.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    ask("rename", from)?;
    fs::rename(from, to)
}

/// Gives two directories each other's names in one step.
///
/// # Errors
/// They cannot be; some network file systems and systems other than Linux cannot do it at all.
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

/// Removes a directory with what is in it.
///
/// # Errors
/// Something that cannot be removed; other things may be gone.
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
