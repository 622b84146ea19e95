//! Options of `aam explain`.

use std::path::PathBuf;

use aam_api::options::{Facts, FileUse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use aam_train::options::CacheOptions;

use super::{GivenTableOptions, SelectionOptions};

/// Options of `aam explain`; everything else comes from the checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct ExplainOptions {
    /// Run directory of `aam train`, whose best checkpoint is used, or a checkpoint in it.
    #[schemars(transform = Facts::new().file(FileUse::Read).required())]
    pub model: Option<PathBuf>,
    /// The table.
    #[serde(flatten)]
    pub given: GivenTableOptions,
    /// Sample metadata. If it contains the target's column, ASVs are also tested against the
    /// target, and shuffled among samples to measure how much worse the predictions get, on held-out
    /// samples where the run has models of folds.
    #[schemars(transform = Facts::new().file(FileUse::Read))]
    pub metadata: Option<PathBuf>,
    /// Sample selection.
    #[serde(flatten)]
    pub selection: SelectionOptions,
    /// Target of the model to explain.
    #[schemars(transform = Facts::new().otherwise("the first"))]
    pub target: Option<String>,
    /// Taxonomy of the ASVs (TSV with a column Taxon, or FeatureData[Taxonomy] .qza). Used to name
    /// ASVs and to sum over genera.
    #[schemars(transform = Facts::new().file(FileUse::ReadWhole))]
    pub taxonomy: Option<PathBuf>,
    /// Rooted phylogenetic tree (Newick or Phylogeny[Rooted] .qza) that defines the clades of ASVs.
    #[schemars(transform = Facts::new()
        .file(FileUse::ReadWhole)
        .otherwise("clades of ASVs whose sequences share k-mers"))]
    pub tree: Option<PathBuf>,
    /// Baseline to compare samples with: typical (a sample with the typical reads of every ASV) or
    /// empty (a sample without reads).
    #[schemars(transform = Facts::new()
        .because("the absence of an ASV is informative, too, and a typical sample is like those that \
            models were trained on"))]
    pub baseline: Baseline,
    /// Number of random orders in which the ASVs of a sample are added. Half of them are the
    /// reverse of the others.
    #[schemars(
        range(min = 1, max = 1000),
        transform = Facts::new()
            .because("an order and its reverse cancel the pairwise interactions of ASVs")
    )]
    pub orders: usize,
    /// Approximate number of perturbed samples to predict. If there are too few to add every ASV by
    /// itself, closest relatives are added together and share the effect.
    #[schemars(
        range(min = 100, max = 1_000_000_000_000_u64),
        transform = Facts::new()
            .because("every ASV by itself for a few hundred samples, in about a minute on two cores")
    )]
    pub evaluations: u64,
    /// How often the reads of ASVs, genera and clades are shuffled among samples, if the target is known.
    #[schemars(
        range(min = 2, max = 1000),
        transform = Facts::new().because("enough for a standard deviation")
    )]
    pub repeats: usize,
    /// Also write the attention weights of the network: which ASVs or categories it attends to in each
    /// sample. Needs a model with --pooling attention, --fusion cross-attention or --fusion perceiver,
    /// or with a component that publishes attention (`aam plugins describe`).
    pub attention: bool,
    /// ASVs whose bases are replaced one after the other, to see which of them the network reads:
    /// ids, or a number, for that many of the most important ASVs.
    pub bases: Vec<String>,
    /// Number of neighbouring bases that are replaced together.
    #[schemars(
        range(min = 1, max = 1000),
        transform = Facts::new().because("the finest, and a few hundred predictions per sample")
    )]
    pub base_window: usize,
    /// Seed of the random number generator.
    #[schemars(transform = Facts::new().because("the same command gives the same result"))]
    pub seed: u64,
    /// Output directory of the explanation.
    #[schemars(transform = Facts::new().file(FileUse::Written).required())]
    pub output_dir: Option<PathBuf>,
    /// Device: auto, cpu or, with the matching build, cuda[:N], rocm[:N] or vulkan[:N].
    #[schemars(transform = Facts::new()
        .because("a GPU if there is one that the build supports, otherwise the CPU"))]
    pub device: String,
    /// Cache of embeddings.
    #[serde(flatten)]
    pub embedding_cache: CacheOptions,
    /// Overwrite an existing explanation in the directory.
    pub overwrite: bool,
}

/// The baseline that the prediction of a sample is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Baseline {
    /// A sample with the typical reads of every ASV.
    #[default]
    Typical,
    /// A sample without reads.
    Empty,
}

impl Default for ExplainOptions {
    fn default() -> Self {
        Self {
            model: None,
            given: GivenTableOptions::default(),
            metadata: None,
            selection: SelectionOptions::default(),
            target: None,
            taxonomy: None,
            tree: None,
            baseline: Baseline::Typical,
            orders: 2,
            evaluations: 150_000,
            repeats: 5,
            attention: false,
            bases: Vec::new(),
            base_window: 1,
            seed: 42,
            output_dir: None,
            device: "auto".to_owned(),
            embedding_cache: CacheOptions::default(),
            overwrite: false,
        }
    }
}
