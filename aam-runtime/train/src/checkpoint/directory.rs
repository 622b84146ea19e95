//! Checkpoint directories: written next to the target and renamed atomically, and validated when
//! read.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use aam_api::FittedTransform;
use burn::module::Module;
use burn::store::{ModuleSnapshot, SafetensorsStore};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Manifest;
use super::manifest::{FIRST_FORMAT, FORMAT};
use super::older_formats;
use super::seal::{broken, sealed};
use aam_core::memory::available;
use aam_data::bounded::read_file;
use aam_data::shorten;
use aam_model::parameter_ids;
use aam_run::RunError;
use aam_run::checkpoint_files::{older, put};
use aam_run::run_directory::CONFIG;
use aam_study::categories::CategoryLevels;

pub use super::seal::hexadecimal;
pub use aam_run::checkpoint_files::{MANIFEST, WEIGHTS, exists, remove};

/// Maximum size of a manifest in bytes; the ids of a million samples take less.
const LARGEST_MANIFEST: u64 = 256 << 20;
/// Upper limit of embedding widths, sequence lengths and ASVs per sample.
const LARGEST_SIZE: usize = 10_000_000;
/// Maximum number of layers; a damaged number must not exhaust memory.
const MOST_LAYERS: usize = 1000;

/// Writes `files` and the manifest as the directory `target`, replacing an older checkpoint.
///
/// Everything is written and synced to a directory next to it, which is then renamed atomically; a
/// kill at any moment leaves either the older checkpoint or the new one.
///
/// # Errors
/// A file that cannot be written; the older checkpoint is then untouched.
pub fn save(target: &Path, manifest: &Manifest, files: &[(&str, &[u8])]) -> Result<(), RunError> {
    let mut manifest = manifest.clone();
    manifest.files = files
        .iter()
        .map(|(name, bytes)| ((*name).to_owned(), digest(bytes)))
        .collect();
    let failed = |error: serde_json::Error| RunError::checkpoint(target, error.to_string());
    // Normalised as it will be read: numbers may lose digits when written.
    let text = serde_json::to_vec(&manifest).map_err(failed)?;
    let value = sealed(serde_json::from_slice(&text).map_err(failed)?);
    let text = serde_json::to_vec_pretty(&value).map_err(failed)?;
    put(target, &text, files)
}

/// The checkpoint that `path` stands for: the best one if it is the directory of a run or of its
/// checkpoints, otherwise `path` itself.
pub fn checkpoint_of(path: &Path) -> PathBuf {
    let is_one = |path: &Path| {
        path.join(MANIFEST).is_file() || !path.exists() && older(path).join(MANIFEST).is_file()
    };
    let of_run = ["checkpoints/best", "best"].map(|best| path.join(best));
    let candidates = [path.to_owned()].into_iter().chain(of_run);
    let mut found = candidates.filter(|candidate| is_one(candidate));
    found.next().unwrap_or_else(|| path.to_owned())
}

/// Reads the manifest of the checkpoint at `path`, and validates every file against it.
///
/// # Errors
/// Not a checkpoint, a checkpoint of another format, or a damaged file.
pub fn load(path: &Path) -> Result<(Manifest, BTreeMap<String, Vec<u8>>), RunError> {
    let path = placed(path)?;
    let (at, manifest) = (path.join(MANIFEST), manifest(&path)?);
    let files = files_of(&path, &manifest)?;
    // Before anything is built: a damaged size must not exhaust memory.
    let stored = files.get(WEIGHTS).map_or(0, Vec::len);
    if manifest.model.fewest_parameters() > stored as f64 / 2.0 {
        return Err(RunError::checkpoint(
            &at,
            format!(
                "it is damaged: it describes a larger model than the {stored} bytes of {WEIGHTS} hold"
            ),
        ));
    }
    Ok((manifest, files))
}

/// Reads the manifest of the checkpoint at `path`, and no other file.
///
/// # Errors
/// Not a checkpoint, a checkpoint of another format, or a damaged manifest.
pub fn manifest(path: &Path) -> Result<Manifest, RunError> {
    let path = placed(path)?;
    let at = path.join(MANIFEST);
    let text = read_file(&at, LARGEST_MANIFEST)
        .map_err(|error| RunError::checkpoint(&path, not_a_checkpoint(&path, &error)))?;
    manifest_of(&text).map_err(|problem| RunError::checkpoint(&at, problem))
}

/// Where the checkpoint at `path` is, which may just be being replaced.
fn placed(path: &Path) -> Result<PathBuf, RunError> {
    match path.exists() {
        true => Ok(path.to_owned()),
        false if older(path).exists() => Ok(older(path)),
        false => Err(RunError::checkpoint(path, "there is no such directory")),
    }
}

/// Parses a manifest.
///
/// # Errors
/// Not a manifest, one of another format, or one that was modified; as a message.
pub fn manifest_of(text: &[u8]) -> Result<Manifest, String> {
    let value: Value =
        serde_json::from_slice(text).map_err(|error| format!("it is damaged: {error}"))?;
    let format = value.get("format").and_then(Value::as_u64);
    let known = u64::from(FIRST_FORMAT)..=u64::from(FORMAT);
    let format = match format {
        Some(format) if known.contains(&format) => format,
        Some(format) => {
            return Err(format!(
                "its format is {format}, but this program reads {FIRST_FORMAT} to {FORMAT}; use the aam version that wrote it"
            ));
        }
        None => return Err("it has no format number, so it is not a manifest of aam".to_owned()),
    };
    if let Some(problem) = broken(&value, format) {
        return Err(problem.to_owned());
    }
    let value = older_formats::upgraded(value)?;
    if let Some(missing) = FittedTransform::not_linked(&value) {
        return Err(missing.to_string());
    }
    let manifest: Manifest =
        serde_json::from_value(value).map_err(|error| format!("it is damaged: {error}"))?;
    match inconsistent(&manifest) {
        Some(problem) => Err(format!("it is damaged: {problem}")),
        None => Ok(manifest),
    }
}

/// Reads the files of the checkpoint at `path` that are listed in `manifest`.
fn files_of(path: &Path, manifest: &Manifest) -> Result<BTreeMap<String, Vec<u8>>, RunError> {
    let mut files = BTreeMap::new();
    for (name, expected) in &manifest.files {
        let file = path.join(name);
        let room = available().unwrap_or(u64::MAX);
        let bytes = read_file(&file, room)
            .map_err(|error| RunError::checkpoint(&file, format!("it cannot be read: {error}")))?;
        if &digest(&bytes) != expected {
            return Err(RunError::checkpoint(
                &file,
                format!(
                    "its {} bytes differ from those that were written (SHA-256 mismatch): the file is truncated or damaged; use another checkpoint or copy it again",
                    bytes.len()
                ),
            ));
        }
        files.insert(name.clone(), bytes);
    }
    Ok(files)
}

/// The message for a `path` that is not a checkpoint, whose manifest cannot be read because of
/// `error`.
fn not_a_checkpoint(path: &Path, error: &io::Error) -> String {
    if path.join(CONFIG).is_file() {
        return format!(
            "this run has no model yet\n  help: complete it with `--resume --output-dir {}`",
            path.display()
        );
    }
    let problem = match path.is_file() {
        true => "this is a file, but a checkpoint is a directory".to_owned(),
        false if error.kind() == io::ErrorKind::NotFound => {
            format!("this is not a checkpoint of aam: it has no {MANIFEST}")
        }
        false => format!("this is not a checkpoint of aam: {MANIFEST} cannot be read ({error})"),
    };
    format!(
        "{problem}\n  help: a run keeps its checkpoints in OUTPUT-DIR/checkpoints; weights of the reference implementation are imported with `aam import`"
    )
}

/// An inconsistency that cannot occur in a manifest written by this program.
fn inconsistent(manifest: &Manifest) -> Option<String> {
    if let Some(problem) = oversized(manifest) {
        return Some(problem);
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
                "the column '{}' has an invalid parent",
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
        return Some(format!("'{name}' is not the name of a file next to it"));
    }
    (!manifest.files.contains_key(WEIGHTS)).then(|| format!("it does not list {WEIGHTS}"))
}

/// A size that exceeds the limits of this program.
fn oversized(manifest: &Manifest) -> Option<String> {
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
    let data = &manifest.data;
    let sizes = [
        ("the longest sequence", data.max_bp),
        ("the ASVs of a sample", data.token_limit),
    ];
    let parts = manifest.predictor.iter();
    let columns = parts.flat_map(|parts| &parts.categories.columns);
    let widths = columns.map(|column| ("the embedding of a category", column.width));
    let mut sizes = sizes.into_iter().chain(widths);
    let (what, size) = sizes.find(|(_, size)| !(1..=LARGEST_SIZE).contains(size))?;
    Some(format!(
        "{size} for {what}, expected from 1 to {LARGEST_SIZE}"
    ))
}

fn digest(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Serialises the weights of a module as safetensors.
///
/// # Errors
/// Never in practice: the bytes are written to memory.
pub fn weights<M: Module>(module: &M) -> Result<Vec<u8>, RunError> {
    // Adapters are merged into the weights.
    parts(&module.clone().materialize())
}

/// Serialises the weights of a module as safetensors, with separate adapters.
///
/// # Errors
/// Never in practice: the bytes are written to memory.
pub fn parts<M: Module>(module: &M) -> Result<Vec<u8>, RunError> {
    let broken = |error: &dyn std::fmt::Display| RunError::checkpoint(WEIGHTS, error.to_string());
    // Several entries would be in random order, so that the same weights would give different
    // bytes.
    let store = SafetensorsStore::from_bytes(None).clear_metadata();
    let mut store = store.metadata("producer", "aam");
    module
        .save_into(&mut store)
        .map_err(|error| broken(&error))?;
    store.get_bytes().map_err(|error| broken(&error))
}

/// Rejects files that are not of a module with `parameters` parameters: non-finite weights, or
/// thousands of unknown tensors, whose names would take long to compare.
fn check_tensors(bytes: &[u8], parameters: usize) -> Result<(), String> {
    /// Tensors that a file may hold for each parameter, and in addition.
    const MOST: (usize, usize) = (4, 1000);
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| format!("it is not a safetensors file: {error}"))?;
    let most = MOST.0 * parameters + MOST.1;
    if file.len() > most {
        return Err(format!(
            "it contains {} tensors, but the model described in {MANIFEST} has {parameters}",
            file.len()
        ));
    }
    for (name, tensor) in file.iter() {
        let (numbers, _) = tensor.data().as_chunks::<4>();
        let is_finite = |&number: &[u8; 4]| f32::from_le_bytes(number).is_finite();
        if tensor.dtype() == Dtype::F32 && !numbers.iter().all(is_finite) {
            return Err(format!(
                "the weights '{}' contain a non-finite value, so no predictions are possible; use another checkpoint",
                shorten(name)
            ));
        }
    }
    Ok(())
}

/// Loads weights into a module of the same shape. With `partial`, parameters missing from the file
/// keep their values; parameters of the file that the module lacks are ignored.
///
/// # Errors
/// Weights that are missing or of another shape; `path` is the checkpoint named in the message.
pub fn load_weights<M: Module>(
    mut module: M,
    bytes: Vec<u8>,
    partial: bool,
    path: &Path,
) -> Result<M, RunError> {
    let parameters = parameter_ids(&module).len();
    check_tensors(&bytes, parameters).map_err(|problem| RunError::checkpoint(path, problem))?;
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
                "the weights of {} parameters do not fit the model described in {MANIFEST}: {first}",
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
