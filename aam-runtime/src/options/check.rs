//! Settings of a check.

use std::path::PathBuf;

use aam_api::options::{Facts, FileUse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TreeOptions;

/// Options of `aam check`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct CheckOptions {
    /// Feature table: BIOM 2.1 or 1.0, TSV or FeatureTable[Frequency] .qza, also gzipped.
    #[schemars(transform = Facts::new().file(FileUse::Read))]
    pub table: Option<PathBuf>,
    /// Take the table's rows for samples and its columns for ASVs.
    pub transpose: bool,
    /// Sequences of the ASVs (FASTA or FeatureData[Sequence] .qza), where the ids in the table are
    /// not the sequences themselves.
    #[schemars(transform = Facts::new().file(FileUse::ReadWhole))]
    pub sequences: Option<PathBuf>,
    /// Phylogenetic tree (Newick or Phylogeny[Rooted] .qza).
    #[schemars(transform = Facts::new().file(FileUse::ReadWhole))]
    pub tree: Option<PathBuf>,
    /// What the tree may lack.
    #[serde(flatten)]
    pub tree_options: TreeOptions,
    /// UniFrac distances: .npy (square or condensed), .h5, TSV, CSV or DistanceMatrix .qza; or one
    /// value per sample.
    #[schemars(transform = Facts::new().file(FileUse::ReadWhole))]
    pub unifrac_matrix: Option<PathBuf>,
    /// Ids of the rows of a matrix file that holds none (.npy), one a line; without it those in
    /// FILE.ids.txt beside the matrix, if it is there.
    #[schemars(transform = Facts::new().file(FileUse::ReadWhole))]
    pub unifrac_ids: Option<PathBuf>,
    /// Sample metadata, TSV by QIIME 2's rules.
    #[schemars(transform = Facts::new().file(FileUse::Read))]
    pub metadata: Option<PathBuf>,
    /// Column or columns to predict, which are looked at more closely.
    pub metadata_column: Vec<String>,
    /// The columns hold classes, not numbers; without it text is taken for classes and numbers for
    /// numbers.
    pub classifier: bool,
    /// Words that are classes although they mean a missing value, such as unknown.
    pub keep_class: Vec<String>,
    /// Write a page with histograms to this file (HTML).
    #[schemars(transform = Facts::new().file(FileUse::Written))]
    pub html: Option<PathBuf>,
    /// Replace an HTML file that exists.
    pub overwrite: bool,
}
