//! The files of a checkpoint, written to a temporary directory and moved into place in one step.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use aam_core::file_operations::{
    exchange, make_directories, make_directory, remove_directory, rename, sync, sync_directory,
    write,
};

use crate::RunError;

/// Name of the manifest file.
pub const MANIFEST: &str = "manifest.json";
/// Name of the weights file.
pub const WEIGHTS: &str = "model.safetensors";

/// Prefix of the names of unfinished checkpoint directories.
pub(crate) const UNFINISHED: &str = ".checkpoint-";

/// Writes `files` and the manifest as the directory `target`, replacing an older checkpoint.
///
/// Everything is written and synced to a directory next to it, which is then renamed in one step.
/// If the process is killed at any moment, either the older or the new checkpoint remains.
///
/// # Errors
/// A file cannot be written; the older checkpoint is then untouched.
pub fn put(target: &Path, manifest: &[u8], files: &[(&str, &[u8])]) -> Result<(), RunError> {
    let parent = target.parent().unwrap_or(Path::new("."));
    make_directories(parent).map_err(RunError::write(parent))?;
    let beside = unfinished(target);
    let written = fill(&beside, target, files, manifest);
    // This is either an unfinished checkpoint or the one just replaced. If removing it fails here,
    // the run removes it when it resumes.
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
    // Errors name `target`, which the user knows, and not the temporary directory.
    make_directory(beside).map_err(RunError::write(target))?;
    let mut written = Vec::with_capacity(files.len() + 1);
    for (name, bytes) in files.iter().copied().chain([(MANIFEST, manifest)]) {
        let path = beside.join(name);
        let file = write(&path, bytes).map_err(RunError::write(target.join(name)))?;
        written.push((name, path, file));
    }
    // All files are written before the first is synced, because syncing takes most of the time.
    for (name, path, file) in written {
        sync(&path, &file).map_err(RunError::write(target.join(name)))?;
    }
    sync_directory(beside);
    put_in_place(beside, target).map_err(RunError::write(target))?;
    sync_directory(target.parent().unwrap_or(Path::new(".")));
    Ok(())
}

/// A path next to `target` that no other process uses.
fn unfinished(target: &Path) -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = target.with_file_name(format!("{UNFINISHED}{}-{number}", std::process::id()));
        // Programs in different containers may have the same process id.
        if !path.exists() {
            return path;
        }
    }
}

/// Renames `fresh` to `target`; whatever was at `target` ends up at `fresh`, to be removed.
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

/// Between the two renames, only the older checkpoint exists, under the name [`older`].
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
    // The new checkpoint is in place whether or not this succeeds.
    let _ = remove_directory(&aside);
    Ok(())
}

/// The name of the checkpoint at `target` while it is being replaced.
pub fn older(target: &Path) -> PathBuf {
    target.with_extension("older")
}

/// Removes the checkpoint at `path`. If the process is killed, it leaves either the checkpoint or
/// what [`tidy`] removes.
///
/// # Errors
/// The checkpoint cannot be removed.
pub fn remove(path: &Path) -> Result<(), RunError> {
    let aside = unfinished(path);
    rename(path, &aside).map_err(RunError::write(path))?;
    remove_directory(&aside).map_err(RunError::write(path))
}

/// Removes what a killed save left in the directory of checkpoints.
///
/// # Errors
/// Something cannot be removed.
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
