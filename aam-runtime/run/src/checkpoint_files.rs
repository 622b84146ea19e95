//! The files of a checkpoint: written next to its place and put there in one step.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use aam_core::file_operations::{
    exchange, make_directories, make_directory, remove_directory, rename, sync, sync_directory,
    write,
};

use crate::RunError;

/// The manifest's file.
pub const MANIFEST: &str = "manifest.json";
/// The weights' file.
pub const WEIGHTS: &str = "model.safetensors";

/// How the names of directories begin that are to become checkpoints.
pub(crate) const UNFINISHED: &str = ".checkpoint-";

/// Writes `files` and the text of the manifest as the directory `target`, replacing an older
/// checkpoint.
///
/// Everything is written and synced to a directory beside it, which then takes the name in one
/// step; a kill at any moment leaves the older checkpoint or the new one.
///
/// # Errors
/// A file that cannot be written; the older checkpoint is then untouched.
pub fn put(target: &Path, manifest: &[u8], files: &[(&str, &[u8])]) -> Result<(), RunError> {
    let parent = target.parent().unwrap_or(Path::new("."));
    make_directories(parent).map_err(RunError::write(parent))?;
    let beside = unfinished(target);
    let written = fill(&beside, target, files, manifest);
    // What is left is an unfinished checkpoint, or what the new one took the place of. A run that
    // is taken up removes it where this does not.
    if beside.exists() {
        let _ = remove_directory(&beside);
    }
    written
}

fn fill(
    beside: &Path,
    target: &Path,
    files: &[(&str, &[u8])],
    manifest: &[u8],
) -> Result<(), RunError> {
    // The place is what the user knows, not the directory that was to become it.
    make_directory(beside).map_err(RunError::write(target))?;
    let mut written = Vec::with_capacity(files.len() + 1);
    for (name, bytes) in files.iter().copied().chain([(MANIFEST, manifest)]) {
        let path = beside.join(name);
        let file = write(&path, bytes).map_err(RunError::write(target.join(name)))?;
        written.push((name, path, file));
    }
    // All are written before the first is synced: most of the time goes into telling the disk.
    for (name, path, file) in written {
        sync(&path, &file).map_err(RunError::write(target.join(name)))?;
    }
    sync_directory(beside);
    put_in_place(beside, target).map_err(RunError::write(target))?;
    sync_directory(target.parent().unwrap_or(Path::new(".")));
    Ok(())
}

/// A directory beside `target` that nobody else has.
fn unfinished(target: &Path) -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = target.with_file_name(format!("{UNFINISHED}{}-{number}", std::process::id()));
        // In a container every program may have the same number.
        if !path.exists() {
            return path;
        }
    }
}

/// Gives `fresh` the name `target`; what had it before ends up at `fresh`, to be removed.
fn put_in_place(fresh: &Path, target: &Path) -> io::Result<()> {
    match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => rename(fresh, target),
        Err(error) => Err(error),
        Ok(_) => match exchange(fresh, target) {
            Ok(()) => Ok(()),
            Err(_) => exchange_in_two_steps(fresh, target),
        },
    }
}

/// Between the two renames only the older checkpoint exists, under the name [`older`].
fn exchange_in_two_steps(fresh: &Path, target: &Path) -> io::Result<()> {
    let aside = older(target);
    if aside.exists() {
        remove_directory(&aside)?;
    }
    rename(target, &aside)?;
    if let Err(error) = rename(fresh, target) {
        let _ = rename(&aside, target);
        return Err(error);
    }
    // The new checkpoint is in place, whether or not this succeeds.
    let _ = remove_directory(&aside);
    Ok(())
}

/// The name of the checkpoint at `target` while another takes its place.
pub fn older(target: &Path) -> PathBuf {
    target.with_extension("older")
}

/// Removes the checkpoint at `path`. A kill leaves it or what [`tidy`] removes.
///
/// # Errors
/// It cannot be removed.
pub fn remove(path: &Path) -> Result<(), RunError> {
    let aside = unfinished(path);
    rename(path, &aside).map_err(RunError::write(path))?;
    remove_directory(&aside).map_err(RunError::write(path))
}

/// Removes what a kill during a save left in the directory of checkpoints.
///
/// # Errors
/// Something that cannot be removed.
pub fn tidy(checkpoints: &Path) -> Result<(), RunError> {
    for entry in fs::read_dir(checkpoints).into_iter().flatten().flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        let replaced = name.strip_suffix(".older");
        if name.starts_with(UNFINISHED)
            || replaced.is_some_and(|name| checkpoints.join(name).exists())
        {
            remove_directory(&path).map_err(RunError::write(path))?;
        }
    }
    Ok(())
}

/// Whether there is a checkpoint at `path`, damaged or not.
pub fn exists(path: &Path) -> bool {
    path.exists() || older(path).exists()
}
