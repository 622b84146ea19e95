//! The table to apply a trained model to.

use std::path::PathBuf;

use aam_api::options::{Facts, FileUse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use aam_study::ReadsFiles;

/// Files with the reads of samples, for a model that defines how to read them.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct GivenTableOptions {
    /// Feature table: BIOM 2.1 or 1.0, TSV or FeatureTable[Frequency] .qza, also gzipped.
    #[schemars(transform = Facts::new().file(FileUse::Read).required())]
    pub table: Option<PathBuf>,
    /// Treat the table's rows as samples and its columns as ASVs.
    pub transpose: bool,
    /// ASV sequences, if the ids in the table are not the sequences themselves.
    #[schemars(transform = Facts::new().file(FileUse::Read))]
    pub sequences: Option<PathBuf>,
}

impl GivenTableOptions {
    /// The input files.
    pub fn files(&self) -> ReadsFiles<'_> {
        ReadsFiles {
            table: self.table.as_deref(),
            transposed: self.transpose,
            sequences: self.sequences.as_deref(),
            ..ReadsFiles::default()
        }
    }
}
