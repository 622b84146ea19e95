//! Options of `aam export`.

use std::path::PathBuf;

use aam_api::options::{Facts, FileUse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use aam_study::ReadsFiles;
use aam_train::options::CacheOptions;

/// Options of `aam export`; everything else comes from the checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct ExportOptions {
    /// Run directory of `aam train`, whose best checkpoint is used, or a checkpoint in it.
    #[schemars(transform = Facts::new().file(FileUse::Read).required())]
    pub model: Option<PathBuf>,
    /// Format of the exported model: onnx.
    pub format: ExportFormat,
    /// Feature table whose ASVs the exported model reads, in this order: the columns of its input.
    /// Only the ids or sequences are used, not the reads.
    #[schemars(transform = Facts::new()
        .file(FileUse::Read)
        .otherwise("the ASVs that the members other than the network know, which are those of at least two training samples"))]
    pub table: Option<PathBuf>,
    /// Treat the table's rows as samples and its columns as ASVs.
    pub transpose: bool,
    /// ASV sequences, if the ids in the table are not the sequences themselves.
    #[schemars(transform = Facts::new().file(FileUse::Read))]
    pub sequences: Option<PathBuf>,
    /// Output directory of `model.onnx` and its description, `model.json`.
    #[schemars(transform = Facts::new().file(FileUse::Written).required())]
    pub output_dir: Option<PathBuf>,
    /// Device that encodes the ASVs: auto, cpu or, with the matching build, cuda[:N], rocm[:N] or
    /// vulkan[:N].
    #[schemars(transform = Facts::new()
        .because("a GPU if there is one that the build supports, otherwise the CPU"))]
    pub device: String,
    /// Cache of embeddings.
    #[serde(flatten)]
    pub embedding_cache: CacheOptions,
    /// Overwrite an exported model in the directory.
    pub overwrite: bool,
}

/// The format of an exported model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExportFormat {
    /// ONNX, which ONNX Runtime and other programs run.
    #[default]
    Onnx,
}

impl Default for ExportOptions {
    fn default() -> Self {
        Self {
            model: None,
            format: ExportFormat::Onnx,
            table: None,
            transpose: false,
            sequences: None,
            output_dir: None,
            device: "auto".to_owned(),
            embedding_cache: CacheOptions::default(),
            overwrite: false,
        }
    }
}

impl ExportOptions {
    /// The files of the ASVs.
    pub fn files(&self) -> ReadsFiles<'_> {
        ReadsFiles {
            table: self.table.as_deref(),
            transposed: self.transpose,
            sequences: self.sequences.as_deref(),
            ..ReadsFiles::default()
        }
    }
}
