//! `aam train-encoder`: trains an ASV encoder for all studies on reference genes.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use aam_api::options::{Facts, FileUse};
use aam_api::{AsvEncoderContext, AsvEncoderKind, Choice, Components, ModelSizes, Registry};
use aam_core::text::counted;
use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use aam_data::newick::{NewickOptions, Rooting};
use aam_data::{read_sequences, read_taxonomy, read_tree};
use aam_model::LINEAGE_ENCODER;
use aam_model::device::device;
use aam_reference::evaluation::{Embed, embedding, judge, kmers};
use aam_reference::genes::Genes;
use aam_reference::training::{Losses, Plan, Training};
use aam_reference::weights::{rounded, shipped};
use aam_run::RunError;
use aam_run::checkpoint_files::MANIFEST;
use aam_run::events::{Event, Observer, Outcome};
use aam_run::output_lock::OutputLock;
use aam_run::run_directory::{
    CONFIG, ENCODER, EVALUATION, RunDirectory, write_whole, write_whole_bytes,
};
use aam_run::settings::{self, config_text};
use aam_study::required;

/// The checkpoint, in the run directory.
const CHECKPOINT: &str = "checkpoints/last";
/// More than the length of any simulated read.
const POSITIONS: usize = 2001;
/// Number of updates between two log lines with losses.
const LOSSES_EVERY: usize = 100;

/// Options of `aam train-encoder`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct TrainEncoderOptions {
    /// Full-length reference sequences (FASTA or FeatureData[Sequence] .qza).
    #[schemars(transform = Facts::new().file(FileUse::Read).required())]
    pub sequences: Option<PathBuf>,
    /// Lineages of the sequences: id, tab, `k__…; p__…; c__…; o__…; f__…; g__…; s__…`.
    #[schemars(transform = Facts::new().file(FileUse::Read).required())]
    pub taxonomy: Option<PathBuf>,
    /// Phylogenetic tree of the sequences (Newick or Phylogeny[Rooted] .qza). Missing branch
    /// lengths count as 0.
    #[schemars(transform = Facts::new().file(FileUse::Read).required())]
    pub tree: Option<PathBuf>,
    /// Output directory of the run.
    #[schemars(transform = Facts::new().file(FileUse::Written).names_run().required())]
    pub output_dir: Option<PathBuf>,
    /// Resume the run in the output directory.
    #[schemars(transform = Facts::new().names_run())]
    pub resume: bool,
    /// Overwrite an earlier run in the output directory.
    #[schemars(transform = Facts::new().names_run())]
    pub overwrite: bool,
    /// Width of the embeddings.
    #[schemars(range(min = 1, max = 16_384))]
    pub embedding_dim: usize,
    /// Number of updates.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub steps: usize,
    /// Number of organisms per update, with two reads each.
    #[schemars(range(min = 2, max = 65_536))]
    pub organisms: usize,
    /// Maximum learning rate.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub lr: f64,
    /// Number of updates between two checkpoints.
    #[schemars(
        range(min = 1, max = 100_000_000),
        transform = Facts::new().may_change().changes_no_result()
    )]
    pub save_every: usize,
    /// Seed of the random number generator.
    pub seed: u64,
    /// Device: auto, cpu or, with the matching build, cuda[:N], rocm[:N] or vulkan[:N].
    pub device: String,
    /// The encoder.
    #[serde(flatten)]
    #[schemars(skip)]
    pub components: Components,
}

impl Default for TrainEncoderOptions {
    fn default() -> Self {
        Self {
            sequences: None,
            taxonomy: None,
            tree: None,
            output_dir: None,
            resume: false,
            overwrite: false,
            embedding_dim: 128,
            steps: 10_000,
            organisms: 256,
            lr: 0.002,
            save_every: 500,
            seed: 1,
            device: "auto".to_owned(),
            components: Components::default(),
        }
    }
}

/// Trains the encoder, evaluates it on held-out taxa and writes it.
///
/// # Errors
/// Files that cannot be read or written, an encoder that cannot be built, or a checkpoint of
/// another run.
pub fn train_encoder(
    options: &TrainEncoderOptions,
    observer: &mut dyn Observer,
    interrupted: &AtomicBool,
) -> Result<Outcome, RunError> {
    settings::check(options)?;
    let _lock = claimed(options)?;
    let directory = match options.resume {
        true => RunDirectory::resume(options.output_dir.as_deref())?,
        false => RunDirectory::create(options.output_dir.as_deref(), options.overwrite)?,
    };
    let genes = genes(options, observer)?;
    directory.write(CONFIG, &config_text("train-encoder", options)?)?;
    let device = device(&options.device)?.autodiff();
    let plan = Plan {
        steps: options.steps,
        organisms: options.organisms,
        rate: options.lr,
        seed: options.seed,
    };
    let mut training = training(options, &genes, plan, &device)?;
    let checkpoint = directory.join(CHECKPOINT);
    if options.resume && checkpoint.join(MANIFEST).is_file() {
        training = training.resumed(&checkpoint)?;
        observer.observe(&Event::Note(&format!(
            "resuming after {}",
            counted(training.step, "update")
        )))?;
    }
    while training.step < plan.steps {
        let losses = training.update();
        observer.observe(&Event::Progress {
            what: "updates",
            done: training.step,
            total: plan.steps,
        })?;
        if training.step.is_multiple_of(LOSSES_EVERY) {
            observer.observe(&Event::Note(&line(training.step, losses)))?;
        }
        let stopped = interrupted.load(Ordering::Relaxed);
        if stopped || training.step.is_multiple_of(options.save_every) {
            training.save(&checkpoint)?;
        }
        if stopped {
            return Ok(Outcome::Interrupted);
        }
    }
    training.save(&checkpoint)?;
    finish(&training, &genes, options.seed, &directory, observer)?;
    Ok(Outcome::Finished)
}

fn claimed(options: &TrainEncoderOptions) -> Result<std::sync::Arc<OutputLock>, RunError> {
    let path = options.output_dir.as_deref();
    match options.resume {
        true => RunDirectory::claim_to_resume(path),
        false => RunDirectory::claim(path, options.overwrite),
    }
}

fn genes(options: &TrainEncoderOptions, observer: &mut dyn Observer) -> Result<Genes, RunError> {
    let path = |path: &'static str, of: &Option<PathBuf>| -> Result<PathBuf, RunError> {
        Ok(required(of.as_deref(), path)?.to_owned())
    };
    let sequences = read_sequences(path("sequences", &options.sequences)?)?;
    let taxonomy = read_taxonomy(path("taxonomy", &options.taxonomy)?)?;
    let newick = NewickOptions {
        // The root of Greengenes has no length. Distances between tips do not depend on it.
        missing_length: Some(0.0),
        root: Some(Rooting::AsWritten),
    };
    let tree = read_tree(path("tree", &options.tree)?, &newick)?;
    let genes = Genes::new(&sequences, &taxonomy, tree, options.seed)?;
    observer.observe(&Event::Note(&format!(
        "{}; held out: {} of whole families and {} of whole genera; \
         {} without an amplicon, a tip or a lineage skipped",
        counted(genes.training.len(), "training gene"),
        counted(genes.held_out_families.len(), "gene"),
        genes.held_out_genera.len(),
        genes.left_out,
    )))?;
    Ok(genes)
}

fn training<'a>(
    options: &TrainEncoderOptions,
    genes: &'a Genes,
    plan: Plan,
    device: &Device,
) -> Result<Training<'a>, RunError> {
    let registry = Registry::<AsvEncoderKind>::load()?;
    let kmer = Choice::named("kmer");
    let choice = options
        .components
        .choice::<AsvEncoderKind>()
        .unwrap_or(&kmer);
    if choice.name == LINEAGE_ENCODER {
        let problem = "it embeds features by a tree or taxonomy and does not learn from sequences; name another";
        return Err(RunError::value("asv-encoder", LINEAGE_ENCODER, problem));
    }
    let context = AsvEncoderContext::new(ModelSizes::new(options.embedding_dim), POSITIONS);
    device.seed(options.seed);
    let encoder = registry.build(&registry.resolve(choice)?, &context, device)?;
    Ok(Training::new(
        encoder,
        options.embedding_dim,
        genes,
        plan,
        device,
    ))
}

fn line(step: usize, losses: Losses) -> String {
    format!(
        "{}: losses of organisms {:.3}, families {:.3}, taxa {:.3}, tree {:.3}",
        counted(step, "update"),
        losses.organisms,
        losses.families,
        losses.taxa,
        losses.tree
    )
}

/// Writes the encoder and its evaluation on held-out taxa.
fn finish(
    training: &Training<'_>,
    genes: &Genes,
    seed: u64,
    directory: &RunDirectory,
    observer: &mut dyn Observer,
) -> Result<(), RunError> {
    // What is evaluated is what is written.
    let encoder = rounded(training.encoder());
    let path = directory.join(ENCODER);
    write_whole_bytes(&path, &shipped(&encoder, genes, seed)?)?;
    observer.observe(&Event::Saved(&path))?;
    let device = Device::flex();
    let learned = embedding(&encoder, &device);
    let compared: [(&str, &Embed<'_>); 2] = [("encoder", &learned), ("6-mers", &kmers)];
    let mut text = "embedding\tquery\treference\tfamily\tgenus\tr_genera\tr_families\n".to_owned();
    for (name, embed) in compared {
        for row in judge(genes, embed, seed) {
            observer.observe(&Event::Result(&format!(
                "{name}: {} among {}: family {:.3}, genus {:.3}; correlation with tree distances: r {:.3}",
                row.query, row.reference, row.family, row.genus, row.r_genera
            )))?;
            text.push_str(&format!("{name}\t{row}\n"));
        }
    }
    let path = directory.join(EVALUATION);
    write_whole(&path, &text)?;
    observer.observe(&Event::Saved(&path))
}
