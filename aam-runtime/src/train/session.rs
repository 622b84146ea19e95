//! What pre-training and fine-tuning have in common: checking settings, notes, weights.

use std::path::Path;

use aam_api::Choice;
use burn::module::Module;
use burn::tensor::Device;
use rand::RngExt;

use super::inference::FineTuned;
use super::schedule::ScheduleKind;
use crate::batch::Batcher;
use crate::checkpoint::Manifest;
use crate::checkpoint::directory::{self, WEIGHTS};
use crate::checkpoint::manifest::{DataPolicy, FORMAT};
use crate::error::RunError;
use crate::events::Observer;
use crate::model::{Base, ModelConfig, materialised, with_values_of};
use crate::options::{DataOptions, ModelOptions, OptimizationOptions};
use crate::random::stream;
use crate::run_directory::RunDirectory;
use crate::study::Study;

/// Refuses settings that make no sense before anything is read.
///
/// # Errors
/// The first such setting.
pub fn check(options: &OptimizationOptions, data: &DataOptions) -> Result<(), RunError> {
    check_values(options, data)?;
    let path = options.output_dir.as_deref();
    match (options.resume, options.overwrite) {
        (true, true) => Err(RunError::Usage(
            "--resume and --overwrite contradict each other: go on with the run, or replace it"
                .to_owned(),
        )),
        (true, false) => RunDirectory::check_to_resume(path).map(drop),
        (false, overwrite) => RunDirectory::check(path, overwrite).map(drop),
    }
}

/// Refuses numbers out of range.
///
/// # Errors
/// The first such setting.
pub fn check_values(options: &OptimizationOptions, data: &DataOptions) -> Result<(), RunError> {
    let positive = [
        ("lr", options.lr.unwrap_or(1.0)),
        ("batch-size", options.batch_size.unwrap_or(1) as f64),
        ("epochs", options.epochs.unwrap_or(1) as f64),
        ("asv-chunk-size", options.asv_chunk_size as f64),
        (
            "gradient-accumulation-steps",
            options.gradient_accumulation_steps as f64,
        ),
        ("token-limit", data.token_limit as f64),
        ("max-grad-norm", options.max_grad_norm.unwrap_or(1.0)),
    ];
    for (flag, value) in positive {
        if !(value.is_finite() && value > 0.0) {
            return Err(usage(flag, "a number above 0", value));
        }
    }
    let not_negative = [
        ("weight-decay", options.weight_decay.unwrap_or(0.0)),
        ("warmup", options.warmup),
        ("scheduler-eta-min", options.scheduler_eta_min),
        ("scheduler-min-lr", options.scheduler_min_lr),
    ];
    for (flag, value) in not_negative {
        if !(value.is_finite() && value >= 0.0) {
            return Err(usage(flag, "0 or a number above it", value));
        }
    }
    if let Some(decay) = options.ema_decay
        && !(0.0..1.0).contains(&decay)
    {
        return Err(usage("ema-decay", "a number from 0 to below 1", decay));
    }
    let factor = options.scheduler_factor;
    if !(factor > 0.0 && factor < 1.0) {
        return Err(usage(
            "scheduler-factor",
            "a number between 0 and 1",
            factor,
        ));
    }
    if options.scheduler_t0.is_some() && options.scheduler != ScheduleKind::CosineRestarts {
        return Err(RunError::Usage(
            "--scheduler-t0: it is the first cycle of --scheduler cosine-restarts".to_owned(),
        ));
    }
    if !(data.test_size > 0.0 && data.test_size < 1.0) {
        return Err(usage(
            "test-size",
            "a fraction between 0 and 1",
            data.test_size,
        ));
    }
    Ok(())
}

fn usage(flag: &str, expected: &str, found: f64) -> RunError {
    RunError::Usage(format!("--{flag}: expected {expected}, found {found}"))
}

/// The sizes of a fresh model.
pub fn model_config(model: &ModelOptions, data: &DataOptions) -> ModelConfig {
    let mut config = ModelConfig::preset(model.preset);
    config.max_bp = data.max_bp;
    config.token_limit = data.token_limit;
    override_sizes(&mut config, model);
    config
}

fn override_sizes(config: &mut ModelConfig, model: &ModelOptions) {
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
    if let Some(dropout) = model.dropout {
        config.dropout = dropout;
    }
    if let Some(pooling) = model.pooling {
        config.pooling = pooling;
    }
    if let Some(embedding) = model.count_embedding {
        config.count_embedding = embedding;
    }
    if let Some(scale) = model.count_scale {
        config.count_scale = scale;
    }
    if let Some(scale) = model.distance_scale {
        config.distance_scale = scale;
    }
    for &quirk in &model.compatibility {
        config.compatibility = config.compatibility.with(quirk);
    }
}

/// A pre-trained base, and the sizes of the model on top of it.
///
/// Dropout, also of a frozen base, may differ from the pre-training; whatever else the user asks for
/// must not.
///
/// # Errors
/// A checkpoint that cannot be read, or sizes at odds with it.
pub fn pretrained(
    path: &Path,
    model: &ModelOptions,
    data: &DataOptions,
    device: &Device,
) -> Result<(Base, ModelConfig), RunError> {
    let (manifest, mut files) = directory::load(path)?;
    let mut config = manifest.model.clone();
    let mut wanted = config.clone();
    override_sizes(&mut wanted, model);
    config.dropout = wanted.dropout;
    config.compatibility.frozen_base_dropout = wanted.compatibility.frozen_base_dropout;
    if wanted != config {
        return Err(RunError::Usage(format!(
            "--pretrained-encoder {}: its embeddings are {} wide with {} heads and {} layers, and the flags ask for another model; leave out those on its size, pooling, scales and compatibility",
            path.display(),
            config.dim,
            config.heads,
            config.asv_layers
        )));
    }
    if data.max_bp > config.max_bp {
        return Err(RunError::Usage(format!(
            "--max-bp {}: the pre-trained encoder reads at most {} bases; give --max-bp {} and, for longer sequences, --truncate",
            data.max_bp, config.max_bp, config.max_bp
        )));
    }
    if config.compatibility.sample_positions && data.token_limit > config.token_limit {
        return Err(RunError::Usage(format!(
            "--token-limit {}: the pre-trained encoder reads at most {} ASVs of a sample; give --token-limit {}",
            data.token_limit, config.token_limit, config.token_limit
        )));
    }
    let weights = files.remove(WEIGHTS).unwrap_or_default();
    let file = path.join(WEIGHTS);
    let base = match &manifest.predictor {
        None => directory::load_weights(Base::init(&config, device)?, weights, false, &file)?,
        Some(_) => {
            let whole = FineTuned::init(&manifest, device)?;
            directory::load_weights(whole, weights, false, &file)?
                .predictor
                .base
        }
    };
    Ok((base, config))
}

/// A module with weights drawn from the run's seed, on the CPU, so that a run starts from the same
/// model on every device.
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

/// A module with weights drawn from the run's seed, by the device.
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
    Ok(materialised(build()?))
}

/// Settles the attention of a run on `device`.
///
/// # Errors
/// The device computes wrong numbers.
pub fn settle_attention(
    options: &OptimizationOptions,
    device: &Device,
    observer: &mut dyn Observer,
) -> Result<(), RunError> {
    let wanted = options.attn_implementation;
    crate::doctor::settle(&options.device, device, wanted, observer)
}

/// Settles the precision of a run on `device`, after its attention.
///
/// # Errors
/// The device does not have it, or computes wrong numbers.
pub fn settle_precision(
    options: &OptimizationOptions,
    device: &Device,
    observer: &mut dyn Observer,
) -> Result<(), RunError> {
    let (name, attention) = (&options.device, options.attn_implementation);
    crate::doctor::settle_precision(name, device, options.mixed_precision, attention, observer)
}

/// A component that the caller must have chosen.
///
/// # Errors
/// It has not.
pub fn chosen<'a>(choice: Option<&'a Choice>, kind: &str) -> Result<&'a Choice, RunError> {
    choice.ok_or_else(|| RunError::Usage(format!("--{kind} is missing: choose one by name")))
}

/// How samples become input in this run.
pub fn policy(data: &DataOptions, seed: u64) -> DataPolicy {
    DataPolicy {
        max_bp: data.max_bp,
        truncate: data.truncate,
        token_limit: data.token_limit,
        asv_sampling: data.asv_sampling,
        rarefy_depth: data.rarefy_depth,
        seed,
    }
}

/// What makes batches of the study.
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
        train_samples: Vec::new(),
        validation_samples: Vec::new(),
        epoch: 0,
        step: 0,
        metrics: Vec::new(),
        files: std::collections::BTreeMap::new(),
    }
}

/// Ids of the samples at `rows`.
pub fn ids_of(ids: &[String], rows: &[usize]) -> Vec<String> {
    rows.iter().map(|&row| ids[row].clone()).collect()
}

/// Settings as the text of `config.toml`.
///
/// TOML has no null: an option that has a value by default and none in this run is `"none"`, and
/// so is any option of a component that has none.
///
/// # Errors
/// Never in practice: the settings came from such a file or from flags.
pub fn config_text<T: serde::Serialize + Default>(
    command: &str,
    options: &T,
) -> Result<String, RunError> {
    let broken = |error: &dyn std::fmt::Display| RunError::Usage(format!("config.toml: {error}"));
    let now = serde_json::to_value(options).map_err(|error| broken(&error))?;
    let default = serde_json::to_value(T::default()).map_err(|error| broken(&error))?;
    let mut without = String::new();
    let mut with = serde_json::Map::new();
    for (name, value) in now.as_object().into_iter().flatten() {
        if !value.is_null() {
            with.insert(name.clone(), none_in_words(value));
        } else if !default[name.as_str()].is_null() {
            without.push_str(&format!("{name} = \"none\"\n"));
        }
    }
    let text = toml::to_string_pretty(&with).map_err(|error| broken(&error))?;
    Ok(format!(
        "# Settings of a run; `aam {command} --config` reads them.\n\
         command = \"{command}\"\n{without}{text}"
    ))
}

/// `value` with the word `none` for every null in the tables of it.
fn none_in_words(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Null => "none".into(),
        serde_json::Value::Object(table) => {
            let entries = table.iter();
            let entries = entries.map(|(name, value)| (name.clone(), none_in_words(value)));
            serde_json::Value::Object(entries.collect())
        }
        other => other.clone(),
    }
}
