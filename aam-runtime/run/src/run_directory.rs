//! The directory of a run: created once, with files that are either complete or absent.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::RunError;
use crate::checkpoint_files;
use crate::output_lock::{LOCK, OutputLock};
use crate::run_files::{
    CHECKPOINTS, is_leftover, only_leftovers, remove_files, remove_run, results_in,
};
pub use crate::run_files::{
    COMPARISON, CONFIG, ENCODER, ERRORS_BY, EVALUATION, FOLD, METRICS_LINES, ORDINATION, RECORD,
    REPORT, RESULT, TENSORBOARD,
};
use aam_core::file_operations::{make_directories, remove_file, rename, write_synced};
use aam_data::id_list;

/// First words of a run's settings file, which distinguish it from files of other programs.
const CONFIG_START: &str = "# Settings of a run; `aam ";

/// The directory of a run.
#[derive(Clone, Debug)]
pub struct RunDirectory {
    path: PathBuf,
    /// Whether this process writes to it.
    writes: bool,
    /// Locks the directory, unless its creator does.
    _held: Option<Arc<OutputLock>>,
}

impl RunDirectory {
    /// Checks that a run can use the directory `path`, without touching it.
    ///
    /// # Errors
    /// No directory is given, or it is a file or a non-empty directory; with `overwrite`, a
    /// non-empty directory without a run.
    pub fn check(path: Option<&Path>, overwrite: bool) -> Result<&Path, RunError> {
        let path = named_directory(path)?;
        let refuse = |problem: &str| Err(refused_directory(path, problem));
        if !holds_files(path) {
            return Ok(path);
        }
        match (overwrite, is_run(path)) {
            (true, true) => Ok(path),
            (false, true) => refuse(
                "there is a run in this directory; choose another, or replace the run with --overwrite",
            ),
            (false, false) => refuse("the directory exists and is not empty; choose another"),
            (true, false) => refuse(
                "the directory contains files that do not belong to a run of aam, and --overwrite does not remove them; choose another",
            ),
        }
    }

    /// Locks the directory `path` for a run that can use it.
    ///
    /// # Errors
    /// Those of [`RunDirectory::check`] and [`OutputLock::hold`].
    pub fn claim(path: Option<&Path>, overwrite: bool) -> Result<Arc<OutputLock>, RunError> {
        let held = OutputLock::hold(Self::check(path, overwrite)?)?;
        // Another process may have used it until now.
        Self::check(path, overwrite)?;
        Ok(held)
    }

    /// Creates and locks the directory. With `overwrite`, a run in it is removed, but nothing else
    /// that the directory contains.
    ///
    /// # Errors
    /// Those of [`RunDirectory::claim`], or a run that cannot be removed.
    pub fn create(path: Option<&Path>, overwrite: bool) -> Result<Self, RunError> {
        let held = Self::claim(path, overwrite)?;
        let path = named_directory(path)?;
        if holds_files(path) {
            remove_run(path)?;
        }
        Ok(Self::held(path, held))
    }

    /// Checks that a run can resume or start in the directory `path`, without touching it.
    ///
    /// # Errors
    /// No directory is given, or it is a file or a non-empty directory without a run.
    pub fn check_to_resume(path: Option<&Path>) -> Result<&Path, RunError> {
        let path = named_directory(path)?;
        match is_run(path) || only_leftovers(path) {
            true => Ok(path),
            false => Err(refused_directory(
                path,
                "the directory contains files but no run to resume; choose another, or omit --resume",
            )),
        }
    }

    /// Locks the directory `path` for a run that resumes or starts in it.
    ///
    /// # Errors
    /// Those of [`RunDirectory::check_to_resume`] and [`OutputLock::hold`].
    pub fn claim_to_resume(path: Option<&Path>) -> Result<Arc<OutputLock>, RunError> {
        let held = OutputLock::hold(Self::check_to_resume(path)?)?;
        Self::check_to_resume(path)?;
        Ok(held)
    }

    /// Locks the directory of a run that resumes, or starts if there is none, and removes what a
    /// killed process left half-written.
    ///
    /// # Errors
    /// Those of [`RunDirectory::claim_to_resume`], or files that cannot be removed.
    pub fn resume(path: Option<&Path>) -> Result<Self, RunError> {
        let held = Self::claim_to_resume(path)?;
        let path = named_directory(path)?;
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            if is_leftover(&entry.file_name().to_string_lossy()) {
                let entry = entry.path();
                fs::remove_file(&entry).map_err(RunError::write(entry))?;
            }
        }
        let run = Self::held(path, held);
        checkpoint_files::tidy(&run.checkpoints())?;
        Ok(run)
    }

    /// Removes the results of an earlier state of the run.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn remove_results(&self) -> Result<(), RunError> {
        remove_files(results_in(&self.path))
    }

    /// Whether the run has finished and its results are written.
    pub fn has_results(&self) -> bool {
        self.join(EVALUATION).is_file()
    }

    /// The directory of the checkpoints of a run in `path`.
    pub fn checkpoints_of(path: &Path) -> PathBuf {
        path.join(CHECKPOINTS)
    }

    /// The directory of its checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        Self::checkpoints_of(&self.path)
    }

    /// Fails if the directory was removed or renamed, rather than creating a new one.
    ///
    /// # Errors
    /// The directory is gone.
    pub fn check_that_it_is_there(&self) -> Result<(), RunError> {
        match self.join(CONFIG).is_file() {
            true => Ok(()),
            false => Err(RunError::Gone(self.path.clone())),
        }
    }

    /// An existing directory that the caller has locked or only reads.
    pub fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            writes: true,
            _held: None,
        }
    }

    fn held(path: &Path, held: Arc<OutputLock>) -> Self {
        Self {
            _held: Some(held),
            ..Self::at(path)
        }
    }

    /// A directory that another process creates and writes to; nothing is written here.
    ///
    /// # Errors
    /// No directory is given, or it is a file.
    pub fn of_another(path: Option<&Path>) -> Result<Self, RunError> {
        Ok(Self {
            path: named_directory(path)?.to_owned(),
            writes: false,
            _held: None,
        })
    }

    /// Removes the run in `path`, if any, and the directory if it is then empty.
    ///
    /// # Errors
    /// Another process writes to it, or a file cannot be removed.
    pub fn remove(path: &Path) -> Result<(), RunError> {
        if is_run(path) {
            let held = OutputLock::hold(path)?;
            remove_run(path)?;
            drop(held);
            let _ = fs::remove_dir(path);
        }
        Ok(())
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file or directory in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file; see [`write_whole`].
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, name: &str, contents: &str) -> Result<PathBuf, RunError> {
        let path = self.join(name);
        if self.writes {
            write_whole(&path, contents)?;
        }
        Ok(path)
    }

    /// Writes a list of ids; see [`id_list`].
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_ids(
        &self,
        name: &str,
        ids: &[String],
        rows: &[usize],
    ) -> Result<PathBuf, RunError> {
        self.write(name, &id_list(rows.iter().map(|&row| &ids[row])))
    }
}

/// Whether the directory contains anything besides the lock file.
pub fn holds_files(path: &Path) -> bool {
    let mut entries = fs::read_dir(path).into_iter().flatten();
    entries.any(|entry| entry.is_ok_and(|entry| entry.file_name() != LOCK))
}

/// Whether the directory contains a run of this program.
pub fn is_run(path: &Path) -> bool {
    let settings = fs::read(path.join(CONFIG)).unwrap_or_default();
    settings.starts_with(CONFIG_START.as_bytes())
}

/// The directory that `--output-dir` names.
///
/// # Errors
/// No directory is given, or it is a file.
pub fn named_directory(path: Option<&Path>) -> Result<&Path, RunError> {
    let path = path.ok_or_else(|| RunError::missing("output-dir", "name the directory to make"))?;
    match path.is_file() {
        true => Err(refused_directory(path, "this is a file; name a directory")),
        false => Ok(path),
    }
}

/// The error for an output directory that a run or comparison cannot use.
pub fn refused_directory(path: &Path, problem: &str) -> RunError {
    RunError::value("output-dir", path.display().to_string(), problem)
}

/// Checks that `path` can be written for `--output`, without touching it.
///
/// # Errors
/// It is a directory, or an existing file without `overwrite`.
pub fn check_output_file(path: &Path, overwrite: bool) -> Result<(), RunError> {
    let refuse = |problem: &str| RunError::value("output", path.display().to_string(), problem);
    if path.is_dir() {
        return Err(refuse("this is a directory; name a file to write"));
    }
    if path.exists() && !overwrite {
        return Err(refuse(
            "the file exists; choose another name or add --overwrite",
        ));
    }
    Ok(())
}

/// Writes a file next to its target and renames it, so that it is either complete or absent.
///
/// # Errors
/// The file cannot be written; an older file of that name is then untouched.
pub fn write_whole(path: &Path, contents: &str) -> Result<(), RunError> {
    write_whole_bytes(path, contents.as_bytes())
}

/// Like [`write_whole`], for binary contents.
///
/// # Errors
/// The file cannot be written; an older file of that name is then untouched.
pub fn write_whole_bytes(path: &Path, contents: &[u8]) -> Result<(), RunError> {
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    // Not a system temporary file, which only its owner could read.
    let beside = parent.join(format!(
        ".{}.{}",
        path.file_name().unwrap_or_default().to_string_lossy(),
        std::process::id()
    ));
    let write = || {
        make_directories(parent)?;
        write_synced(&beside, contents)?;
        rename(&beside, path)
    };
    let written = write();
    if written.is_err() {
        let _ = remove_file(&beside);
    }
    written.map_err(RunError::write(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_older_run_is_replaced() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("run");
        let create = |overwrite| RunDirectory::create(Some(&path), overwrite);
        let run = create(false).unwrap();
        create(false).unwrap();
        run.write("notes.txt", "mine").unwrap();
        assert!(create(false).is_err() && create(true).is_err());
        // Other programs use this file name too.
        run.write(CONFIG, "title = \"my site\"\n").unwrap();
        assert!(create(true).is_err());
        run.write(CONFIG, "# Settings of a run; `aam train`\n")
            .unwrap();
        for name in [
            "metrics.tsv",
            "checkpoints/best/a",
            "checkpoints/fold-2/a",
            "checkpoints/mine/a",
        ] {
            run.write(name, "").unwrap();
        }
        assert!(create(false).is_err());
        create(true).unwrap();
        let left = |name: &str| path.join(name).exists();
        assert!(left("notes.txt") && left("checkpoints/mine/a"));
        assert!(!left(CONFIG) && !left("metrics.tsv") && !left("checkpoints/best"));
        assert!(!left("checkpoints/fold-2"));
    }
}
