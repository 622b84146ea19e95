//! Common parts of pre-training and fine-tuning: validation of settings, messages, weights.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use aam_api::{AsvEncoderKind, Components, CountEmbeddingKind, SampleEncoderKind};
use aam_core::text::counted;
use burn::module::Module;
use burn::tensor::Device;
use rand::RngExt;

use super::inference::FineTuned;
use super::optimizer::chosen_optimizer;
use super::schedule::ChosenSchedule;
use crate::checkpoint::Manifest;
use crate::checkpoint::directory;
use crate::checkpoint::directory::{WEIGHTS, checkpoint_of};
use crate::checkpoint::manifest::{DataPolicy, FORMAT};
use crate::options::OptimizationOptions;
use crate::parallel::processes::is_first;
use aam_core::memory::available;
use aam_core::random::stream;
use aam_data::Table;
use aam_model::batch::Batcher;
use aam_model::options::ModelOptions;
use aam_model::{
    Base, LINEAGE_ENCODER, ModelConfig, choose, materialised, parameter_counts, with_values_of,
};
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_run::output_lock::OutputLock;
use aam_run::run_directory::RunDirectory;
use aam_run::settings::{self, Options};
use aam_study::Study;
use aam_study::options::{DataOptions, MOST_BASES};

/// Rejects invalid settings before anything is read, and locks the directory of the run if this
/// process writes to it.
///
/// # Errors
/// The first such setting, or another process that writes to the directory.
pub fn check<T: Options>(
    all: &T,
    components: &Components,
    options: &OptimizationOptions,
) -> Result<Option<Arc<OutputLock>>, RunError> {
    settings::check(all)?;
    // Components reject their options before anything is trained.
    let decay = options.weight_decay.unwrap_or(0.0);
    chosen_optimizer(components, decay, options.decay_all)?;
    ChosenSchedule::new(components, options.lr.unwrap_or(1.0), 1)?;
    let path = options.output_dir.as_deref();
    match (options.resume, options.overwrite) {
        (true, true) => Err(RunError::setting(
            "overwrite",
            "it contradicts --resume: either resume the run or replace it",
        )),
        (true, false) if is_first() => RunDirectory::claim_to_resume(path).map(Some),
        (false, overwrite) if is_first() => RunDirectory::claim(path, overwrite).map(Some),
        (true, false) => RunDirectory::check_to_resume(path).map(|_| None),
        (false, overwrite) => RunDirectory::check(path, overwrite).map(|_| None),
    }
}

/// Assumed maximum sequence length in bases before the data are read, if it is not given: longer
/// than the entire 16S gene.
const LONGEST: usize = 2000;

/// The number of bases that are read of each sequence of `table`: all, unless the settings limit
/// them or an encoder only supports sequences of up to `known` bases, which is reported.
///
/// # Errors
/// Those of the observer.
pub fn max_bp(
    data: &DataOptions,
    known: Option<usize>,
    table: &Table,
    observer: &mut dyn Observer,
) -> Result<usize, RunError> {
    let longest = table.feature_ids().iter().map(str::len).max().unwrap_or(1);
    let (most, reason) = match known {
        Some(known) => (known, "the encoder knows sequences of up to"),
        None => (MOST_BASES, "a model reads up to"),
    };
    let wanted = data.max_bp.unwrap_or_else(|| longest.max(1));
    if wanted > most && data.truncate {
        observer.observe(&Event::Warning(&format!(
            "{reason} {}, but the longest sequence has {longest}: longer sequences are truncated",
            counted(most, "base")
        )))?;
    }
    Ok(wanted.min(most))
}

/// The maximum sequence length, in bases, of a checkpoint's encoder.
///
/// # Errors
/// A checkpoint that cannot be read.
pub fn known_bp(checkpoint: &Path) -> Result<usize, RunError> {
    let checkpoint = checkpoint_of(checkpoint);
    Ok(directory::load(&checkpoint)?.0.model.max_bp)
}

/// The sizes of a new model. A model that is to learn `nucleotides` has an encoder that can, unless
/// another is selected.
///
/// # Errors
/// A component that does not exist or does not have the option.
pub fn model_config(
    shape: (&ModelOptions, &Components),
    data: &DataOptions,
    nucleotides: bool,
) -> Result<ModelConfig, RunError> {
    let mut config = ModelConfig::preset(shape.0.preset);
    if nucleotides {
        config = config.with_transformer();
    }
    config.max_bp = data.max_bp.unwrap_or(LONGEST);
    config.token_limit = data.token_limit;
    override_sizes(&mut config, shape)?;
    Ok(config)
}

fn override_sizes(
    config: &mut ModelConfig,
    (model, components): (&ModelOptions, &Components),
) -> Result<(), RunError> {
    if let Some(dim) = model.embedding_dim {
        config.dim = dim;
    }
    if let Some(heads) = model.attention_heads {
        config.heads = heads;
    }
    if let Some(layers) = model.attention_layers {
        config.asv_layers = layers;
        config.sample_layers = layers;
        config.encoder_layers = layers;
        config.target_layers = layers;
        config.count_layers = layers;
    }
    if let Some(ratio) = model.ffn_ratio {
        config.feed_forward = Some(((ratio * config.dim as f64).round() as usize).max(1));
    }
    if let Some(dropout) = model.dropout {
        config.dropout = dropout;
    }
    choose::<AsvEncoderKind>(&mut config.asv_encoder, components)?;
    choose::<SampleEncoderKind>(&mut config.sample_encoder, components)?;
    choose::<CountEmbeddingKind>(&mut config.count_embedding, components)?;
    if let Some(scale) = model.count_scale {
        config.count_scale = scale;
    }
    if let Some(scale) = model.distance_scale {
        config.distance_scale = scale;
    }
    for &quirk in &model.compatibility {
        config.compatibility = config.compatibility.with(quirk);
    }
    Ok(())
}

/// A pre-trained base, and the sizes of the model on top of it.
///
/// Dropout, including that of a frozen base, may differ from the pre-training; all other settings
/// must agree.
///
/// # Errors
/// A checkpoint that cannot be read, or conflicting sizes.
pub fn pretrained(
    path: &Path,
    shape: (&ModelOptions, &Components),
    data: &DataOptions,
    device: &Device,
) -> Result<(Base, ModelConfig), RunError> {
    let path = checkpoint_of(path);
    let (manifest, files) = directory::load(&path)?;
    let mut config = manifest.model.clone();
    if config.asv_encoder.name == LINEAGE_ENCODER {
        let problem = "it was trained on features without sequences and has no encoder to start from; leave it out";
        let path = path.display().to_string();
        return Err(RunError::value("pretrained-encoder", path, problem));
    }
    let mut wanted = config.clone();
    override_sizes(&mut wanted, shape)?;
    config.dropout = wanted.dropout;
    config.compatibility.frozen_base_dropout = wanted.compatibility.frozen_base_dropout;
    if wanted != config {
        let problem = format!(
            "its embeddings have width {} with {} heads and {} layers, but the flags request another model; leave out those for size, encoders, scales and compatibility",
            config.dim, config.heads, config.asv_layers
        );
        let path = path.display().to_string();
        return Err(RunError::value("pretrained-encoder", path, problem));
    }
    if let Some(wanted) = data.max_bp.filter(|wanted| *wanted > config.max_bp) {
        let problem = format!(
            "the pre-trained encoder reads at most {}; give --max-bp {} or less, or leave it out",
            counted(config.max_bp, "base"),
            config.max_bp
        );
        return Err(RunError::value("max-bp", wanted.to_string(), problem));
    }
    if config.compatibility.sample_positions && data.token_limit > config.token_limit {
        let problem = format!(
            "the pre-trained encoder reads at most {} of a sample; give --token-limit {}",
            counted(config.token_limit, "ASV"),
            config.token_limit
        );
        let limit = data.token_limit.to_string();
        return Err(RunError::value("token-limit", limit, problem));
    }
    Ok((base_in(&path, &manifest, files, &config, device)?, config))
}

/// The base of the checkpoint at `path`, of a pre-training or a training run, and its manifest.
///
/// # Errors
/// Not a checkpoint, or a damaged one.
pub fn base_of(path: &Path, device: &Device) -> Result<(Base, Manifest), RunError> {
    let (manifest, files) = directory::load(path)?;
    let base = base_in(path, &manifest, files, &manifest.model, device)?;
    Ok((base, manifest))
}

fn base_in(
    path: &Path,
    manifest: &Manifest,
    mut files: BTreeMap<String, Vec<u8>>,
    config: &ModelConfig,
    device: &Device,
) -> Result<Base, RunError> {
    let weights = files.remove(WEIGHTS).unwrap_or_default();
    let file = path.join(WEIGHTS);
    match &manifest.predictor {
        None => directory::load_weights(Base::init(config, device)?, weights, false, &file),
        Some(_) => {
            let whole = FineTuned::init(manifest, device)?;
            let whole = directory::load_weights(whole, weights, false, &file)?;
            Ok(whole.predictor.base)
        }
    }
}

/// Rejects a model that does not fit in memory. Its parameters are not initialised yet, and take
/// none.
///
/// # Errors
/// The model does not fit.
fn check_memory<M: Module>(model: &M, device: &Device) -> Result<(), RunError> {
    let (learning, all) = parameter_counts(model);
    let (learning, all) = (learning as u64, all as u64);
    // A GPU has its own memory; parameters are initialised in main memory.
    let on_cpu = device.clone().inner() == Device::flex();
    let (numbers, what) = match on_cpu {
        true => (
            all.saturating_add(learning.saturating_mul(3)),
            "weights, gradients and two moments",
        ),
        false => (all, "weights"),
    };
    expect_memory(all, numbers.saturating_mul(4), what)
}

/// Rejects a model whose weights cannot fit in memory, before anything is read for it.
///
/// # Errors
/// The weights do not fit.
pub fn check_size(config: &ModelConfig) -> Result<(), RunError> {
    let parameters = config.fewest_parameters() as u64;
    expect_memory(parameters, parameters.saturating_mul(4), "weights")
}

fn expect_memory(parameters: u64, needed: u64, what: &'static str) -> Result<(), RunError> {
    match available() {
        Some(free) if needed > free => Err(RunError::TooLarge {
            parameters,
            needed,
            free,
            what,
        }),
        _ => Ok(()),
    }
}

/// A module with random weights from the run's seed, initialised on the CPU, so that a run starts
/// from the same model on every device.
///
/// # Errors
/// Those of `build`.
pub fn drawn<M: Module>(
    seed: u64,
    name: &str,
    device: &Device,
    build: impl Fn(&Device) -> Result<M, RunError>,
) -> Result<M, RunError> {
    let cpu = Device::flex().autodiff();
    let model = seeded(seed, name, &cpu, || build(&cpu))?;
    match device.clone().inner() == Device::flex() {
        true => Ok(model),
        false => Ok(with_values_of(build(device)?, &model)),
    }
}

/// A module with random weights from the run's seed, initialised by the device.
///
/// # Errors
/// Those of `build`.
pub fn seeded<M: Module>(
    seed: u64,
    name: &str,
    device: &Device,
    build: impl FnOnce() -> Result<M, RunError>,
) -> Result<M, RunError> {
    device.seed(stream(seed, name).random());
    let module = build()?;
    check_memory(&module, device)?;
    Ok(materialised(module))
}

/// Decides which attention a run on `device` uses.
///
/// # Errors
/// The device computes wrong results.
pub fn settle_attention(
    options: &OptimizationOptions,
    device: &Device,
    observer: &mut dyn Observer,
) -> Result<(), RunError> {
    let wanted = options.attn_implementation;
    crate::doctor::settle(&options.device, device, wanted, observer)
}

/// Checks the precision of a run on `device`, after its attention.
///
/// # Errors
/// The device does not support it, or computes wrong results.
pub fn settle_precision(
    options: &OptimizationOptions,
    device: &Device,
    observer: &mut dyn Observer,
) -> Result<(), RunError> {
    let (name, attention) = (&options.device, options.attn_implementation);
    crate::doctor::settle_precision(name, device, options.mixed_precision, attention, observer)
}

/// How samples are prepared as input in this run, whose longest sequence has `max_bp` bases.
pub fn policy(data: &DataOptions, max_bp: usize, seed: u64) -> DataPolicy {
    DataPolicy {
        max_bp,
        truncate: data.truncate,
        token_limit: data.token_limit,
        asv_sampling: data.asv_sampling,
        rarefy_depth: data.rarefy_depth,
        orient: data.orientation(),
        seed,
    }
}

/// Creates the batcher of the study.
pub fn batcher<'a>(study: &'a Study, policy: &DataPolicy, chunk: usize) -> Batcher<'a> {
    Batcher {
        table: &study.table,
        sequences: &study.sequences,
        limit: policy.token_limit,
        sampling: policy.asv_sampling,
        chunk,
    }
}

/// A manifest without progress.
pub fn manifest(model: ModelConfig, data: DataPolicy) -> Manifest {
    Manifest {
        format: FORMAT,
        aam: env!("CARGO_PKG_VERSION").to_owned(),
        model,
        predictor: None,
        data,
        augmentations: Vec::new(),
        train_samples: Vec::new(),
        validation_samples: Vec::new(),
        epoch: 0,
        step: 0,
        metrics: Vec::new(),
        best: None,
        files: std::collections::BTreeMap::new(),
    }
}

/// The ids of the samples at `rows`.
pub fn ids_of(ids: &[String], rows: &[usize]) -> Vec<String> {
    rows.iter().map(|&row| ids[row].clone()).collect()
}
