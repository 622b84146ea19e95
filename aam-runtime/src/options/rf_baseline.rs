//! Settings of a Random Forest on its own.

use std::path::PathBuf;

use aam_api::options::{Facts, FileUse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SelectionOptions, SplitOptions, TrainOptions};

/// Options of `aam rf-baseline`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct RfBaselineOptions {
    /// Feature table: BIOM 2.1 or 1.0, TSV or FeatureTable[Frequency] .qza, also gzipped.
    #[schemars(transform = Facts::new().file(FileUse::Read).required())]
    pub table: Option<PathBuf>,
    /// Take the table's rows for samples and its columns for ASVs.
    pub transpose: bool,
    /// Sample metadata, TSV by QIIME 2's rules.
    #[schemars(transform = Facts::new().file(FileUse::Read).required())]
    pub metadata: Option<PathBuf>,
    /// Column or columns to predict.
    #[schemars(transform = Facts::new().required())]
    pub metadata_column: Vec<String>,
    /// The columns hold classes; without it plain numbers, such as 6.5 and not 6,5 or 65 %.
    pub classifier: bool,
    /// Words that are classes although they mean a missing value, such as unknown.
    pub keep_class: Vec<String>,
    /// Reads drawn from each sample, without replacement; samples with fewer are left out.
    #[schemars(transform = Facts::new().because("reads are thrown away only when asked for"))]
    pub rarefy_depth: Option<u32>,
    /// Which samples.
    #[serde(flatten)]
    pub selection: SelectionOptions,
    /// Fraction of the samples held out; without it a fifth.
    #[schemars(
        extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1),
        transform = Facts::new().otherwise("`0.2`").because("as in the reference")
    )]
    pub test_size: Option<f64>,
    /// File of sample ids to train on, one a line; with it, `validation-samples`.
    #[schemars(transform = Facts::new().file(FileUse::Read))]
    pub train_samples: Option<PathBuf>,
    /// File of sample ids to validate on, one a line; the others are for training unless listed.
    #[schemars(transform = Facts::new().file(FileUse::Read).was("val-samples"))]
    pub validation_samples: Option<PathBuf>,
    /// What is held out.
    #[serde(flatten)]
    pub split: SplitOptions,
    /// Trees of the forest.
    #[schemars(range(min = 1, max = 100_000), transform = Facts::new().was("n-estimators"))]
    pub trees: usize,
    /// ASVs considered at each split: all, third, sqrt, log2 or a number; without it third for
    /// numbers and sqrt for classes.
    pub max_features: Option<String>,
    /// Fewest training samples of a leaf.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub min_samples_leaf: usize,
    /// Share of the training samples that an ASV has to occur in (at least in two).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_prevalence: f64,
    /// Seed of every random draw.
    #[schemars(transform = Facts::new().was("random-seed")
        .because("the same command gives the same result"))]
    pub seed: u64,
    /// Directory that the run makes and fills.
    #[schemars(transform = Facts::new().file(FileUse::Written).changes_no_result().required()
        .was("output"))]
    pub output_dir: Option<PathBuf>,
    /// Replace an output directory that exists.
    #[schemars(transform = Facts::new().changes_no_result())]
    pub overwrite: bool,
    /// Write report.html, a page with everything worth seeing of the run.
    #[schemars(transform = Facts::new().changes_no_result()
        .because("it costs a fraction of a second, once"))]
    pub report: bool,
}

impl Default for RfBaselineOptions {
    fn default() -> Self {
        Self {
            table: None,
            transpose: false,
            metadata: None,
            metadata_column: Vec::new(),
            classifier: false,
            keep_class: Vec::new(),
            rarefy_depth: None,
            selection: SelectionOptions::default(),
            test_size: None,
            train_samples: None,
            validation_samples: None,
            split: SplitOptions::default(),
            trees: 500,
            max_features: None,
            min_samples_leaf: 1,
            min_prevalence: 0.01,
            seed: 42,
            output_dir: None,
            overwrite: false,
            report: true,
        }
    }
}

impl RfBaselineOptions {
    /// The options of a training on the same samples.
    pub(crate) fn training(&self) -> TrainOptions {
        let mut options = TrainOptions {
            metadata: self.metadata.clone(),
            metadata_column: self.metadata_column.clone(),
            classifier: self.classifier,
            keep_class: self.keep_class.clone(),
            split: self.split.clone(),
            ..TrainOptions::default()
        };
        options.data.table.clone_from(&self.table);
        options.data.rarefy_depth = self.rarefy_depth;
        options.data.transpose = self.transpose;
        options.data.selection.clone_from(&self.selection);
        options.data.test_size = self.test_size;
        options.data.train_samples.clone_from(&self.train_samples);
        options
            .data
            .validation_samples
            .clone_from(&self.validation_samples);
        options.optimization.seed = self.seed;
        options
    }
}
