//! Options of `aam check`.

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
    /// Treat the table's rows as samples and its columns as ASVs.
    pub transpose: bool,
    /// ASV sequences (FASTA or FeatureData[Sequence] .qza), if the ids in the table are not the
    /// sequences themselves.
    #[schemars(transform = Facts::new().file(FileUse::ReadWhole))]
    pub sequences: Option<PathBuf>,
    /// Phylogenetic tree (Newick or Phylogeny[Rooted] .qza).
    #[schemars(transform = Facts::new().file(FileUse::ReadWhole))]
    pub tree: Option<PathBuf>,
    /// How to handle an incomplete tree.
    #[serde(flatten)]
    pub tree_options: TreeOptions,
    /// UniFrac distances: .npy (square or condensed), .h5, TSV, CSV or DistanceMatrix .qza; or one
    /// value per sample.
    #[schemars(transform = Facts::new().file(FileUse::ReadWhole))]
    pub unifrac_matrix: Option<PathBuf>,
    /// Row ids of a matrix file that holds none (.npy), one per line. Default: FILE.ids.txt next to
    /// the matrix, if it exists.
    #[schemars(transform = Facts::new().file(FileUse::ReadWhole))]
    pub unifrac_ids: Option<PathBuf>,
    /// Sample metadata (TSV, parsed by QIIME 2's rules).
    #[schemars(transform = Facts::new().file(FileUse::Read))]
    pub metadata: Option<PathBuf>,
    /// Column or columns to predict, which are checked in more detail.
    pub metadata_column: Vec<String>,
    /// Treat the columns as classes. By default, numeric columns are numbers and text columns are
    /// classes.
    pub classifier: bool,
    /// Words to treat as classes although they usually mark a missing value, such as unknown.
    pub keep_class: Vec<String>,
    /// Metadata column, such as host_subject_id, whose groups training would keep together.
    pub group_column: Option<String>,
    /// Write a page with histograms to this HTML file.
    #[schemars(transform = Facts::new().file(FileUse::Written))]
    pub html: Option<PathBuf>,
    /// Overwrite an existing HTML file.
    pub overwrite: bool,
}
