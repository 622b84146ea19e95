//! `aam embed`: writes the embeddings of ASVs or samples to a file.

use std::path::{Path, PathBuf};

use aam_api::Resolved;
use aam_api::options::{Facts, FileUse};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use aam_data::{AsvSampling, Orient, Storage, Table, TokenizedSequences, id_list, ids_beside};
use aam_model::batch::Batcher;
use aam_model::device::device;
use aam_model::{
    AttnImplementation, Base, LINEAGE_ENCODER, ModelConfig, TRAINED_ENCODER, TRAINED_WIDTH,
};
use aam_run::events::{Event, Observer};
use aam_run::numbers_file::{NumbersFormat, write_numbers};
use aam_run::run_directory::{check_output_file, write_whole};
use aam_run::{RunError, settings};
use aam_study::options::{MOST_BASES, SelectionOptions};
use aam_study::{self as study, required};
use aam_train::checkpoint::directory::checkpoint_of;
use aam_train::checkpoint::manifest::DataPolicy;
use aam_train::doctor::settle;
use aam_train::embedding_cache::EmbeddingCache;
use aam_train::encoding::Embeddings;
use aam_train::inference::prediction_batches;
use aam_train::options::CacheOptions;
use aam_train::session;

use crate::given_reads::GivenReads;
use crate::options::GivenTableOptions;

/// Number of ASVs encoded at once: large enough for a GPU, small enough for a laptop.
const CHUNK: usize = 128;
/// Number of samples embedded at once.
const BATCH: usize = 256;

/// Options of `aam embed`. Everything else is defined by the checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct EmbedOptions {
    /// Run directory of `aam pretrain` or `aam train`, whose best checkpoint is used, or a
    /// checkpoint in it. Default: the ASV encoder built into aam.
    #[schemars(transform = Facts::new().file(FileUse::Read))]
    pub model: Option<PathBuf>,
    /// The table.
    #[serde(flatten)]
    pub given: GivenTableOptions,
    /// Sample metadata, for selecting samples with `where`.
    #[schemars(transform = Facts::new().file(FileUse::Read))]
    pub metadata: Option<PathBuf>,
    /// Sample selection.
    #[serde(flatten)]
    pub selection: SelectionOptions,
    /// What to embed: asvs or samples.
    pub of: Embedded,
    /// Output file of the embeddings: .npy (with the ids in FILE.ids.txt) or .tsv, one row each.
    #[schemars(transform = Facts::new().file(FileUse::Written).required())]
    pub output: Option<PathBuf>,
    /// Device: auto, cpu or, with the matching build, cuda[:N], rocm[:N] or vulkan[:N].
    #[schemars(transform = Facts::new()
        .because("a GPU if there is one that the build supports, otherwise the CPU"))]
    pub device: String,
    /// Cache of embeddings.
    #[serde(flatten)]
    pub embedding_cache: CacheOptions,
    /// Overwrite an existing output file.
    pub overwrite: bool,
}

/// What is embedded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Embedded {
    /// ASVs, in the order of the table.
    #[default]
    Asvs,
    /// Samples, in the order of the table.
    Samples,
}

impl Default for EmbedOptions {
    fn default() -> Self {
        Self {
            model: None,
            given: GivenTableOptions::default(),
            metadata: None,
            selection: SelectionOptions::default(),
            of: Embedded::Asvs,
            output: None,
            device: "auto".to_owned(),
            embedding_cache: CacheOptions::default(),
            overwrite: false,
        }
    }
}

/// Computes the embeddings and writes them.
///
/// # Errors
/// Files that cannot be read or written, or a checkpoint that cannot be used.
pub fn embed(options: &EmbedOptions, observer: &mut dyn Observer) -> Result<(), RunError> {
    settings::check(options)?;
    if options.model.is_none() && options.of == Embedded::Samples {
        let problem = "name the model: the encoder built into aam embeds only ASVs (--of asvs)";
        return Err(RunError::missing("model", problem));
    }
    required(options.given.table.as_deref(), "table")?;
    let output = required(options.output.as_deref(), "output")?;
    let format = NumbersFormat::of(output)?;
    options.selection.read_alone(options.metadata.as_deref())?;
    let ids_file = (format == NumbersFormat::Npy).then(|| ids_beside(output));
    for path in ids_file.iter().map(PathBuf::as_path).chain([output]) {
        check_output_file(path, options.overwrite)?;
    }
    let device = device(&options.device)?;
    settle(&options.device, &device, AttnImplementation::Auto, observer)?;
    let (base, encoder, mut policy) = model(options.model.as_deref(), &device)?;
    if options.of == Embedded::Asvs {
        // Rarefaction would drop ASVs.
        policy.rarefy_depth = None;
    }
    let (table, sequences) = reads(options, &policy, observer)?;
    let embedded = Embedding {
        base: &base,
        table: &table,
        sequences: &sequences,
        policy: &policy,
        device: &device,
        cache: EmbeddingCache::of(&options.embedding_cache, &encoder),
    };
    let (name, ids, values) = match options.of {
        Embedded::Asvs => {
            let ids = table.feature_ids().iter().map(str::to_owned);
            let embeddings = embedded.asvs(observer)?;
            ("asv-id", ids.collect(), embeddings.in_order())
        }
        Embedded::Samples => {
            let ids = table.sample_ids().to_vec();
            ("sample-id", ids, embedded.samples(observer)?)
        }
    };
    let ids: Vec<String> = ids;
    let [_, width] = values.dims();
    let values: Vec<f32> = values.into_data().iter::<f32>().collect();
    write_numbers(output, format, (name, &ids), &values, width)?;
    if let Some(path) = &ids_file {
        write_whole(path, &id_list(&ids))?;
        observer.observe(&Event::Saved(path))?;
    }
    observer.observe(&Event::Saved(output))
}

/// Returns the base of the checkpoint at `path`, or one with the built-in encoder, its ASV encoder, and how
/// it reads ASVs.
fn model(path: Option<&Path>, device: &Device) -> Result<(Base, Resolved, DataPolicy), RunError> {
    if let Some(path) = path {
        let (base, manifest) = session::base_of(&checkpoint_of(path), device)?;
        if manifest.model.asv_encoder.name == LINEAGE_ENCODER {
            let problem = "it was trained on features without sequences, which have no embeddings of their own; name a model of ASVs";
            return Err(RunError::value(
                "model",
                path.display().to_string(),
                problem,
            ));
        }
        return Ok((base.valid(), manifest.model.asv_encoder, manifest.data));
    }
    let config = ModelConfig {
        dim: TRAINED_WIDTH,
        max_bp: MOST_BASES,
        asv_encoder: Resolved::built_in(TRAINED_ENCODER),
        ..ModelConfig::default()
    };
    let policy = DataPolicy {
        max_bp: MOST_BASES,
        truncate: true,
        token_limit: usize::MAX,
        asv_sampling: AsvSampling::First,
        rarefy_depth: None,
        // The ids stay those of the table.
        orient: Orient::AsIs,
        seed: 0,
    };
    let base = Base::init(&config, device)?.valid();
    Ok((base, config.asv_encoder, policy))
}

/// The selected samples, with the sequences of their ASVs.
fn reads(
    options: &EmbedOptions,
    policy: &DataPolicy,
    observer: &mut dyn Observer,
) -> Result<(Table, TokenizedSequences), RunError> {
    let conditions = options.selection.read(options.metadata.as_deref())?;
    let notes = &mut |note: String| observer.observe(&Event::Note(&note));
    let metadata = options.metadata.as_deref();
    let metadata = metadata.map(|path| study::metadata(path, notes));
    let metadata = metadata.transpose()?;
    if let (Some(conditions), Some(metadata)) = (&conditions, &metadata) {
        conditions.check(metadata)?;
    }
    let given = GivenReads {
        files: options.given.files(),
        storage: Storage::Memory,
        list: options.selection.samples.as_deref(),
        metadata: metadata.as_ref(),
        conditions: conditions.as_ref(),
    };
    given.read(policy, None, observer)
}

/// The inputs and the model of an embedding.
struct Embedding<'a> {
    base: &'a Base,
    table: &'a Table,
    sequences: &'a TokenizedSequences,
    policy: &'a DataPolicy,
    device: &'a Device,
    cache: EmbeddingCache,
}

impl Embedding<'_> {
    fn batcher(&self) -> Batcher<'_> {
        Batcher {
            table: self.table,
            sequences: self.sequences,
            limit: self.policy.token_limit,
            sampling: self.policy.asv_sampling,
            chunk: CHUNK,
        }
    }

    fn rows(&self) -> Vec<usize> {
        (0..self.table.num_samples()).collect()
    }

    fn asvs(&self, observer: &mut dyn Observer) -> Result<Embeddings, RunError> {
        let progress = |done, total| {
            observer.observe(&Event::Progress {
                what: "encoding ASVs",
                done,
                total,
            })
        };
        Embeddings::of_samples(
            self.base,
            &self.batcher(),
            &self.rows(),
            (self.device, &self.cache),
            progress,
        )
    }

    /// The sample embeddings, `[samples, dim]`.
    fn samples(&self, observer: &mut dyn Observer) -> Result<Tensor<2>, RunError> {
        let embeddings = self.asvs(observer)?;
        let (batcher, rows) = (self.batcher(), self.rows());
        let batches = prediction_batches(&batcher, &rows, BATCH, self.policy.seed, 0);
        let embedded = batches.map(|batch| {
            let input = batch.input(None, None, self.device);
            let asvs = embeddings.select(&batch.groups);
            self.base.embed_samples(asvs, &input.samples)
        });
        Ok(Tensor::cat(embedded.collect(), 0))
    }
}
