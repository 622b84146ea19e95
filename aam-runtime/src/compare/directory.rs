//! The directory of a comparison.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::combination::Combination;
use super::final_model::ALL_SAMPLES;
use super::record::ComparisonFingerprint;
use super::table::Comparison;
use aam_data::{Split, id_list};
use aam_run::RunError;
use aam_run::output_lock::OutputLock;
use aam_run::run_directory::{
    COMPARISON, RECORD, RESULT, RunDirectory, holds_files, named_directory, refused_directory,
    write_whole,
};

/// The file with the performance of the best row on folds not used to select it.
const CHOICE: &str = "choice.tsv";
/// The folder with the sample lists of each fold.
const FOLDS: &str = "folds";

/// The directory of a comparison: its settings, the folds, one run per combination and fold, and
/// the tables.
#[derive(Clone, Debug)]
pub(super) struct ComparisonDirectory {
    path: PathBuf,
    /// Locks the directory.
    _held: Arc<OutputLock>,
}

/// The sample lists of a fold.
#[derive(Clone, Debug)]
pub(super) struct FoldLists {
    /// The training samples.
    pub train: PathBuf,
    /// The held-out samples.
    pub validation: PathBuf,
}

impl ComparisonDirectory {
    /// Locks the directory for a comparison with this `fingerprint`.
    ///
    /// # Errors
    /// No directory, a directory with other contents, a comparison with other settings that is not
    /// to be overwritten, or another process that writes to it.
    pub(super) fn claim(
        path: Option<&Path>,
        overwrite: bool,
        fingerprint: &ComparisonFingerprint,
    ) -> Result<Self, RunError> {
        let path = named_directory(path)?;
        Self::check(path, overwrite, fingerprint)?;
        let held = OutputLock::hold(path)?;
        // Another process may have used the directory until now.
        Self::check(path, overwrite, fingerprint)?;
        Ok(Self {
            path: path.to_owned(),
            _held: held,
        })
    }

    fn check(
        path: &Path,
        overwrite: bool,
        fingerprint: &ComparisonFingerprint,
    ) -> Result<(), RunError> {
        match ComparisonFingerprint::read(&path.join(COMPARISON)) {
            Ok(None) if holds_files(path) => {
                return Err(refused_directory(
                    path,
                    "the directory contains files but no run to resume; choose another",
                ));
            }
            Ok(Some(older)) if !overwrite => fingerprint.check(&older, path)?,
            Err(error) if !overwrite => return Err(error),
            _ => {}
        }
        Ok(())
    }

    /// Creates the directory, and writes the settings and the lists of the folds. With `overwrite`,
    /// an older comparison is removed first, but nothing else in the directory.
    ///
    /// # Errors
    /// Files that cannot be written, or an older comparison with other folds.
    pub(super) fn fill(
        &self,
        fingerprint: &ComparisonFingerprint,
        ids: &[String],
        splits: &[Split],
        overwrite: bool,
    ) -> Result<Vec<FoldLists>, RunError> {
        if overwrite {
            self.clear()?;
        }
        fingerprint.write(&self.path.join(COMPARISON))?;
        let lists = splits.iter().enumerate();
        lists
            .map(|(fold, split)| {
                Ok(FoldLists {
                    train: self.list(fold, "train", ids, &split.train)?,
                    validation: self.list(fold, "validation", ids, &split.validation)?,
                })
            })
            .collect()
    }

    /// Writes a sample list. An existing list must be identical.
    fn list(
        &self,
        fold: usize,
        side: &str,
        ids: &[String],
        rows: &[usize],
    ) -> Result<PathBuf, RunError> {
        let text = id_list(rows.iter().map(|&row| &ids[row]));
        let name = format!("fold-{}-{side}.txt", fold + 1);
        let path = self.path.join(FOLDS).join(name);
        match fs::read_to_string(&path) {
            Ok(older) if older == text => {}
            Ok(_) => {
                return Err(RunError::Usage(format!(
                    "{}: these are not the samples of the fold under the current settings\n  help: choose another --output-dir, or start over with --overwrite",
                    path.display()
                )));
            }
            Err(_) => write_whole(&path, &text)?,
        }
        Ok(path)
    }

    /// The directory of a run.
    pub(super) fn run(&self, combination: &Combination, fold: usize) -> PathBuf {
        let folder = self.path.join(combination.folder());
        folder.join(format!("fold-{}", fold + 1))
    }

    /// The result file of a run, which exists once the run is complete.
    pub(super) fn result(&self, combination: &Combination, fold: usize) -> PathBuf {
        self.run(combination, fold).join(RESULT)
    }

    /// The directory as that of a run, for writing the files that runs have.
    pub(super) fn as_run(&self) -> RunDirectory {
        RunDirectory::at(&self.path)
    }

    /// The path of the directory, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the tables.
    ///
    /// # Errors
    /// Files that cannot be written.
    pub(super) fn write_tables(&self, comparison: &Comparison) -> Result<PathBuf, RunError> {
        let path = self.path.join("comparison.tsv");
        // A single model has tables of its own.
        if comparison.kinds().is_empty() {
            return Ok(path);
        }
        write_whole(
            &self.path.join("comparison-folds.tsv"),
            &comparison.folds_tsv(),
        )?;
        write_whole(&path, &comparison.tsv())?;
        Ok(path)
    }

    /// Writes the performance of the best row on folds not used to select it. If it is not known,
    /// an older file is removed.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn write_choice(&self, comparison: &Comparison) -> Result<(), RunError> {
        let path = self.path.join(CHOICE);
        match &comparison.best {
            Some(best) => write_whole(&path, &best.tsv(comparison)),
            None => remove(&path),
        }
    }

    /// Removes an older comparison. The settings are removed last, so that an interrupted removal
    /// can be repeated.
    fn clear(&self) -> Result<(), RunError> {
        let folders = |path: &Path| {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            let paths = entries.map(|entry| entry.path());
            paths.filter(|path| path.is_dir()).collect::<Vec<_>>()
        };
        // The runs of a cross-validation, and its other contents.
        for run in folders(&self.path) {
            let name = run.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("fold-") || name == ALL_SAMPLES {
                RunDirectory::remove(&run)?;
            }
        }
        RunDirectory::remove(&self.path)?;
        for combination in folders(&self.path) {
            for run in folders(&combination) {
                let name = run.file_name().unwrap_or_default().to_string_lossy();
                if name.starts_with("fold-") {
                    RunDirectory::remove(&run)?;
                }
            }
            // Kept if it contains anything else.
            let _ = fs::remove_dir(&combination);
        }
        let lists = self.path.join(FOLDS);
        for entry in fs::read_dir(&lists).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with("fold-") {
                remove(&entry.path())?;
            }
        }
        let _ = fs::remove_dir(&lists);
        for file in [
            "trials.tsv",
            "best.toml",
            "comparison.tsv",
            "comparison-folds.tsv",
            CHOICE,
            RECORD,
            COMPARISON,
        ] {
            remove(&self.path.join(file))?;
        }
        Ok(())
    }
}

fn remove(file: &Path) -> Result<(), RunError> {
    match fs::remove_file(file) {
        Err(error) if file.exists() => Err(RunError::write(file)(error)),
        _ => Ok(()),
    }
}
