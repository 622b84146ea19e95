//! Settings of an explanation.

use std::path::PathBuf;

use aam_api::options::{Facts, FileUse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{GivenTableOptions, SelectionOptions};

/// Options of `aam explain`; everything else comes from the checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct ExplainOptions {
    /// Run of `aam train`, of which the best checkpoint is taken, or a checkpoint in it.
    #[schemars(transform = Facts::new().file(FileUse::Read).required())]
    pub model: Option<PathBuf>,
    /// The table.
    #[serde(flatten)]
    pub given: GivenTableOptions,
    /// Sample metadata. With the target's column in it, ASVs are also tested against the target, and
    /// shuffled among samples to see how much worse the predictions get.
    #[schemars(transform = Facts::new().file(FileUse::Read))]
    pub metadata: Option<PathBuf>,
    /// Which samples.
    #[serde(flatten)]
    pub selection: SelectionOptions,
    /// Which target of the model to explain.
    #[schemars(transform = Facts::new().otherwise("the first"))]
    pub target: Option<String>,
    /// Taxonomy of the ASVs: TSV with a column Taxon, or FeatureData[Taxonomy] .qza. Names ASVs, and
    /// adds up genera.
    #[schemars(transform = Facts::new().file(FileUse::ReadWhole))]
    pub taxonomy: Option<PathBuf>,
    /// Rooted phylogenetic tree (Newick or Phylogeny[Rooted] .qza), for the clades of ASVs.
    #[schemars(transform = Facts::new()
        .file(FileUse::ReadWhole)
        .otherwise("clades of ASVs whose sequences share short words"))]
    pub tree: Option<PathBuf>,
    /// What samples are compared with: typical (a sample with the typical reads of every ASV) or empty
    /// (a sample without reads).
    #[schemars(transform = Facts::new()
        .because("what a sample lacks says something, too, and a typical sample is like those that \
            models know"))]
    pub baseline: Baseline,
    /// Random orders in which the ASVs of a sample are put in place, half of them the reverse of the
    /// others.
    #[schemars(
        range(min = 1, max = 1000),
        transform = Facts::new()
            .because("an order and its reverse cancel what pairs of ASVs do together")
    )]
    pub orders: usize,
    /// Changed samples to predict, about: where they are too few to put in every ASV by itself,
    /// nearest relatives go in together and share what they change.
    #[schemars(
        range(min = 100, max = 1_000_000_000_000_u64),
        transform = Facts::new()
            .because("every ASV by itself for a few hundred samples, in about a minute on two cores")
    )]
    pub evaluations: u64,
    /// How often the reads of relatives are shuffled among samples, where the target is known.
    #[schemars(
        range(min = 2, max = 1000),
        transform = Facts::new().because("enough for a standard deviation")
    )]
    pub repeats: usize,
    /// Seed of all random draws.
    #[schemars(transform = Facts::new().because("the same command gives the same result"))]
    pub seed: u64,
    /// Directory that the explanation makes and fills.
    #[schemars(transform = Facts::new().file(FileUse::Written).required())]
    pub output_dir: Option<PathBuf>,
    /// Device: auto or cpu, and with the matching build cuda[:N], rocm[:N] or vulkan[:N].
    #[schemars(transform = Facts::new()
        .because("a GPU where there is one and the build knows it, else the CPU"))]
    pub device: String,
    /// Replace an explanation that the directory holds.
    pub overwrite: bool,
}

/// What the prediction of a sample is compared with.
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
            seed: 42,
            output_dir: None,
            device: "auto".to_owned(),
            overwrite: false,
        }
    }
}
