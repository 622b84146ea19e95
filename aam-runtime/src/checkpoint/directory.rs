//! A checkpoint directory: written beside and put in place at once, checked when read.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::module::Module;
use burn::store::{ModuleSnapshot, SafetensorsStore};
use sha2::{Digest, Sha256};

use super::Manifest;
use super::manifest::{FIRST_FORMAT, FORMAT};
use crate::categories::CategoryLevels;
use crate::error::RunError;
use crate::file_operations::{
    exchange, make_directories, make_directory, remove_directory, rename, sync, sync_directory,
    write,
};
use crate::model::{ModelConfig, SamplePooling};

/// The manifest's file.
pub const MANIFEST: &str = "manifest.json";
/// The weights' file.
pub const WEIGHTS: &str = "model.safetensors";
/// More layers than this have no model; a damaged number must not fill the memory.
const MOST_LAYERS: usize = 1000;

/// How the names of directories begin that are to become checkpoints.
pub(crate) const UNFINISHED: &str = ".checkpoint-";

/// Writes `files` and the manifest as the directory `target`, replacing an older checkpoint.
///
/// Everything is written and synced to a directory beside it, which then takes the name in one
/// step; a kill at any moment leaves the older checkpoint or the new one.
///
/// # Errors
/// A file that cannot be written; the older checkpoint is then untouched.
pub fn save(target: &Path, manifest: &Manifest, files: &[(&str, &[u8])]) -> Result<(), RunError> {
    let parent = target.parent().unwrap_or(Path::new("."));
    make_directories(parent).map_err(RunError::write(parent))?;
    let mut manifest = manifest.clone();
    manifest.files = files
        .iter()
        .map(|(name, bytes)| ((*name).to_owned(), digest(bytes)))
        .collect();
    let text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| RunError::checkpoint(target, error.to_string()))?;
    let beside = unfinished(target);
    let written = fill(&beside, target, files, &text);
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

fn older(target: &Path) -> PathBuf {
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

/// Reads the manifest of the checkpoint at `path` and checks every file against it.
///
/// # Errors
/// Something that is no checkpoint, one of another format, or one with a damaged file.
pub fn load(path: &Path) -> Result<(Manifest, BTreeMap<String, Vec<u8>>), RunError> {
    let path = match path.exists() {
        true => path.to_owned(),
        false if older(path).exists() => older(path),
        false => return Err(RunError::checkpoint(path, "there is no such directory")),
    };
    let at = path.join(MANIFEST);
    let text = fs::read(&at)
        .map_err(|error| RunError::checkpoint(&path, not_a_checkpoint(&path, &error)))?;
    let damaged = |problem: String| RunError::checkpoint(&at, problem);
    let value: serde_json::Value = serde_json::from_slice(&text)
        .map_err(|error| damaged(format!("it is damaged: {error}")))?;
    let format = value.get("format").and_then(serde_json::Value::as_u64);
    let known = u64::from(FIRST_FORMAT)..=u64::from(FORMAT);
    if !format.is_some_and(|format| known.contains(&format)) {
        return Err(damaged(match format {
            Some(format) => format!(
                "its format is {format}, this program reads {FIRST_FORMAT} to {FORMAT}; use the aam version that wrote it"
            ),
            None => "it has no format number, so it is no manifest of aam".to_owned(),
        }));
    }
    let manifest: Manifest = serde_json::from_value(value)
        .map_err(|error| damaged(format!("it is damaged: {error}")))?;
    if let Some(problem) = inconsistent(&manifest) {
        return Err(damaged(format!("it is damaged: {problem}")));
    }
    let mut files = BTreeMap::new();
    for (name, expected) in &manifest.files {
        let file = path.join(name);
        let bytes = fs::read(&file)
            .map_err(|error| RunError::checkpoint(&file, format!("it cannot be read: {error}")))?;
        if &digest(&bytes) != expected {
            return Err(RunError::checkpoint(
                &file,
                format!(
                    "its {} bytes are not those that were written (SHA-256 differs): the file is truncated or damaged; use another checkpoint or copy it again",
                    bytes.len()
                ),
            ));
        }
        files.insert(name.clone(), bytes);
    }
    // Before anything is built: a damaged size must not fill the memory.
    let stored = files.get(WEIGHTS).map_or(0, Vec::len);
    if largest_matrix(&manifest.model) > stored as u128 / 2 {
        return Err(damaged(format!(
            "it is damaged: it describes a larger model than the {stored} bytes of {WEIGHTS} hold"
        )));
    }
    Ok((manifest, files))
}

/// What `path` is instead of a checkpoint, whose manifest cannot be read because of `error`.
fn not_a_checkpoint(path: &Path, error: &io::Error) -> String {
    for best in ["best", "checkpoints/best"].map(|best| path.join(best)) {
        if best.join(MANIFEST).is_file() {
            return format!(
                "this is the directory of a run; name a checkpoint in it, such as {}",
                best.display()
            );
        }
    }
    let problem = match path.is_file() {
        true => "this is a file, and a checkpoint is a directory".to_owned(),
        false => format!("this is no checkpoint of aam: {MANIFEST} cannot be read ({error})"),
    };
    format!(
        "{problem}\n  help: a run keeps its checkpoints in OUTPUT-DIR/checkpoints; weights of the reference implementation come in through `aam import`"
    )
}

/// What cannot be in a manifest that was written by this program.
fn inconsistent(manifest: &Manifest) -> Option<String> {
    let model = &manifest.model;
    let layers = [
        model.asv_layers,
        model.sample_layers,
        model.encoder_layers,
        model.target_layers,
        model.count_layers,
    ];
    if let Some(layers) = layers.into_iter().find(|&layers| layers > MOST_LAYERS) {
        return Some(format!("a transformer of {layers} layers"));
    }
    let categories = manifest
        .predictor
        .iter()
        .map(|parts| &parts.categories.columns);
    for columns in categories {
        let fits = |column: &CategoryLevels| {
            column.parent.is_none_or(|parent| {
                columns
                    .get(parent)
                    .is_some_and(|parent| parent.width == column.width)
            })
        };
        if let Some(column) = columns.iter().find(|column| !fits(column)) {
            return Some(format!(
                "the column '{}' has a parent that does not fit",
                column.column
            ));
        }
    }
    let outside = |name: &&String| {
        Path::new(name)
            .file_name()
            .is_none_or(|own| own != &***name)
    };
    if let Some(name) = manifest.files.keys().find(outside) {
        return Some(format!("'{name}' is no name of a file beside it"));
    }
    (!manifest.files.contains_key(WEIGHTS)).then(|| format!("it does not list {WEIGHTS}"))
}

/// Parameters of the largest matrix that a model of this shape surely has.
fn largest_matrix(model: &ModelConfig) -> u128 {
    let other = match model.pooling {
        SamplePooling::Abundance => model.dim.max(model.profile_features),
        SamplePooling::Attention => model.vocabulary,
    };
    let other = other.max(model.max_bp).max(model.vocabulary);
    model.dim as u128 * other as u128
}

fn digest(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// A hash in letters.
pub(crate) fn hexadecimal(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The weights of a module as safetensors.
///
/// # Errors
/// Never in practice: the bytes go to memory.
pub fn weights<M: Module>(module: &M) -> Result<Vec<u8>, RunError> {
    // Adapters go into the weights that they change.
    parts(&module.clone().materialize())
}

/// The weights of a module as safetensors, with adapters and what they adapt apart.
///
/// # Errors
/// Never in practice: the bytes go to memory.
pub fn parts<M: Module>(module: &M) -> Result<Vec<u8>, RunError> {
    let broken = |error: &dyn std::fmt::Display| RunError::checkpoint(WEIGHTS, error.to_string());
    // Several entries would come in an order of chance, and the same weights be other bytes.
    let store = SafetensorsStore::from_bytes(None).clear_metadata();
    let mut store = store.metadata("producer", "aam");
    module
        .save_into(&mut store)
        .map_err(|error| broken(&error))?;
    store.get_bytes().map_err(|error| broken(&error))
}

/// Puts weights into a module of the same shape. With `partial`, parameters of the module that
/// the file lacks keep their values; parameters of the file that the module lacks are ignored.
///
/// # Errors
/// Weights that are missing or of another shape; `path` is the checkpoint to blame.
pub fn load_weights<M: Module>(
    mut module: M,
    bytes: Vec<u8>,
    partial: bool,
    path: &Path,
) -> Result<M, RunError> {
    let mut store = SafetensorsStore::from_bytes(Some(bytes))
        .allow_partial(partial)
        .validate(false);
    let result = module
        .load_from(&mut store)
        .map_err(|error| RunError::checkpoint(path, error.to_string()))?;
    if let [first, ..] = result.errors.as_slice() {
        return Err(RunError::checkpoint(
            path,
            format!(
                "the weights of {} parameters do not fit the model that {MANIFEST} describes: {first}",
                result.errors.len()
            ),
        ));
    }
    if result.applied.is_empty() || (!partial && !result.missing.is_empty()) {
        let names: Vec<&str> = result
            .missing
            .iter()
            .take(5)
            .map(|(name, _)| name.as_str())
            .collect();
        return Err(RunError::checkpoint(
            path,
            format!(
                "weights of {} parameters are missing, such as {}",
                result.missing.len(),
                names.join(", ")
            ),
        ));
    }
    Ok(module)
}
