//! Names of the files of a run, and their removal.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::RunError;
use crate::checkpoint_files;
use crate::output_lock::LOCK;

/// The resolved settings of the run; `aam COMMAND --config` repeats it.
pub const CONFIG: &str = "config.toml";

/// The result of a run of a comparison, written when it ends.
pub const RESULT: &str = "result.json";

/// The settings of a comparison or search. It marks the directory of one.
pub const COMPARISON: &str = "comparison.json";

/// The inputs of a run, its progress and its outcome.
pub const RECORD: &str = "run.json";

/// The metrics of every epoch, one object per line.
pub const METRICS_LINES: &str = "metrics.jsonl";

/// A page that summarises a run.
pub const REPORT: &str = "report.html";

/// The errors of subgroups of the held-out samples.
pub const ERRORS_BY: &str = "errors_by.tsv";

/// The samples in the plane of their principal coordinates.
pub const ORDINATION: &str = "ordination.tsv";

/// Event files for TensorBoard.
pub const TENSORBOARD: &str = "tensorboard";

/// The weights of an ASV encoder trained for use in any study.
pub const ENCODER: &str = "encoder.safetensors";

/// Other files that a run writes. The settings come last, so that an interrupted removal can be
/// repeated.
const FILES: [&str; 10] = [
    RECORD,
    "metrics.tsv",
    METRICS_LINES,
    "samples_train.txt",
    "samples_val.txt",
    "samples_test.txt",
    "lr_find.tsv",
    "lr_find.svg",
    ENCODER,
    CONFIG,
];
/// The last file that a run writes.
pub const EVALUATION: &str = "evaluation.tsv";
/// Files written at the end, in addition to confusion matrices and the predictions of other
/// methods.
const RESULTS: [&str; 7] = [
    EVALUATION,
    RESULT,
    "predictions.tsv",
    "folds.tsv",
    ERRORS_BY,
    ORDINATION,
    REPORT,
];
/// The directory of checkpoints.
pub(crate) const CHECKPOINTS: &str = "checkpoints";
/// Start of the names of the checkpoints of folds, before their numbers from 1.
pub const FOLD: &str = "fold-";

/// Removes the files of a run, name by name.
pub(crate) fn remove_run(path: &Path) -> Result<(), RunError> {
    let checkpoints = path.join(CHECKPOINTS);
    let ours = |name: &str| {
        let last = name.strip_suffix(".older").unwrap_or(name);
        let numbered = ["epoch-", FOLD].into_iter();
        let mut number = numbered.filter_map(|start| last.strip_prefix(start));
        ["best", "last"].contains(&last)
            || name.starts_with(checkpoint_files::UNFINISHED)
            || number.any(|number| number.parse::<usize>().is_ok())
    };
    for entry in fs::read_dir(&checkpoints).into_iter().flatten().flatten() {
        if ours(&entry.file_name().to_string_lossy()) {
            let entry = entry.path();
            fs::remove_dir_all(&entry).map_err(RunError::write(entry))?;
        }
    }
    // Fails, harmlessly, if the directory contains anything else.
    let _ = fs::remove_dir(&checkpoints);
    let tensorboard = path.join(TENSORBOARD);
    if tensorboard.exists() {
        fs::remove_dir_all(&tensorboard).map_err(RunError::write(tensorboard))?;
    }
    remove_files(results_in(path))?;
    remove_files(FILES.map(|name| path.join(name)).into())
}

/// Files that a run in `path` writes at its end.
pub(crate) fn results_in(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let is_result = |name: &str| {
        let starts = ["confusion_matrix", "predictions_"];
        starts.iter().any(|start| name.starts_with(start)) && name.ends_with(".tsv")
    };
    let several = entries.filter(|entry| is_result(&entry.file_name().to_string_lossy()));
    let several = several.map(|entry| entry.path());
    let results = RESULTS.iter().map(|name| path.join(name));
    results.chain(several).collect()
}

pub(crate) fn remove_files(files: Vec<PathBuf>) -> Result<(), RunError> {
    for file in files {
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(RunError::write(file)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a file of this name is a temporary file that [`write_whole`](crate::run_directory::write_whole)
/// never renamed.
pub(crate) fn is_leftover(name: &str) -> bool {
    let parts = name
        .strip_prefix('.')
        .and_then(|name| name.rsplit_once('.'));
    parts.is_some_and(|(name, program)| {
        program.parse::<u32>().is_ok() && (FILES.contains(&name) || RESULTS.contains(&name))
    })
}

/// Whether the directory contains only what a killed process left of a run's first file.
pub(crate) fn only_leftovers(path: &Path) -> bool {
    let mut entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.all(|entry| {
        let name = entry.file_name();
        name == LOCK || is_leftover(&name.to_string_lossy())
    })
}
