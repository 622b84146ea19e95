//! The directory of a run: made once, filled with files that are whole or absent.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::RunError;

/// Settings of the run, resolved; `aam COMMAND --config` reruns it.
pub const CONFIG: &str = "config.toml";

/// The directory of a run.
#[derive(Clone, Debug)]
pub struct RunDirectory {
    path: PathBuf,
}

impl RunDirectory {
    /// Makes the directory. One that holds an older run is cleared if `overwrite` is set.
    ///
    /// # Errors
    /// A directory with files in it, or one that cannot be made.
    pub fn create(path: Option<&Path>, overwrite: bool) -> Result<Self, RunError> {
        let path = path.ok_or_else(|| {
            RunError::Usage("--output-dir is missing: name the directory to make".to_owned())
        })?;
        if path.is_file() {
            return Err(RunError::Usage(format!(
                "--output-dir {}: this is a file; name a directory",
                path.display()
            )));
        }
        let holds_files = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        if holds_files && !overwrite {
            return Err(RunError::Usage(format!(
                "--output-dir {}: the directory exists and is not empty; choose another, or replace the run in it with --overwrite",
                path.display()
            )));
        }
        if holds_files && !path.join(CONFIG).exists() {
            return Err(RunError::Usage(format!(
                "--output-dir {}: the directory holds files that are no run of aam, and --overwrite does not remove those",
                path.display()
            )));
        }
        if holds_files {
            fs::remove_dir_all(path).map_err(RunError::write(path))?;
        }
        fs::create_dir_all(path).map_err(RunError::write(path))?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// A file or directory in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file; see [`write_whole`].
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, name: &str, contents: &str) -> Result<PathBuf, RunError> {
        let path = self.join(name);
        write_whole(&path, contents)?;
        Ok(path)
    }

    /// Writes one id a line.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write_ids(
        &self,
        name: &str,
        ids: &[String],
        rows: &[usize],
    ) -> Result<PathBuf, RunError> {
        let lines: String = rows.iter().map(|&row| format!("{}\n", ids[row])).collect();
        self.write(name, &lines)
    }
}

/// Writes a file beside its place and renames it into it, so that it is whole or absent.
///
/// # Errors
/// A file that cannot be written; an older file of the name is then untouched.
pub fn write_whole(path: &Path, contents: &str) -> Result<(), RunError> {
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    // Not a temporary file of the system's, which would be private to its owner.
    let beside = parent.join(format!(
        ".{}.{}",
        path.file_name().unwrap_or_default().to_string_lossy(),
        std::process::id()
    ));
    let write = || {
        fs::create_dir_all(parent)?;
        let mut file = fs::File::create(&beside)?;
        file.write_all(contents.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    let written = write();
    if written.is_err() {
        let _ = fs::remove_file(&beside);
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
        let run = RunDirectory::create(Some(&path), false).unwrap();
        RunDirectory::create(Some(&path), false).unwrap();
        run.write("notes.txt", "mine").unwrap();
        assert!(RunDirectory::create(Some(&path), false).is_err());
        assert!(RunDirectory::create(Some(&path), true).is_err());
        run.write(CONFIG, "").unwrap();
        RunDirectory::create(Some(&path), true).unwrap();
        assert!(!path.join("notes.txt").exists());
    }
}
