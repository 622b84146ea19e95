//! Options of `aam rf-baseline`.

use std::path::PathBuf;

use aam_api::options::{Facts, FileUse};
use aam_study::options::other_ways;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PresentationOptions, SelectionOptions, SplitOptions, TrainOptions};

/// Options of `aam rf-baseline`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct RfBaselineOptions {
    /// Feature table: BIOM 2.1 or 1.0, TSV or FeatureTable[Frequency] .qza, also gzipped.
    #[schemars(transform = Facts::new().file(FileUse::Read).required())]
    pub table: Option<PathBuf>,
    /// Treat the table's rows as samples and its columns as ASVs.
    pub transpose: bool,
    /// Sample metadata (TSV, parsed by QIIME 2's rules).
    #[schemars(transform = Facts::new().file(FileUse::Read).required())]
    pub metadata: Option<PathBuf>,
    /// Column or columns to predict.
    #[schemars(transform = Facts::new().required())]
    pub metadata_column: Vec<String>,
    /// Treat the columns as classes. By default, they must be plain numbers, such as 6.5 and not
    /// 6,5 or 65 %.
    pub classifier: bool,
    /// Words to treat as classes although they usually mark a missing value, such as unknown.
    pub keep_class: Vec<String>,
    /// Rarefaction depth: reads drawn from each sample without replacement. Samples with fewer
    /// reads are dropped.
    #[schemars(transform = Facts::new().because("reads are discarded only on request"))]
    pub rarefy_depth: Option<u32>,
    /// Sample selection.
    #[serde(flatten)]
    pub selection: SelectionOptions,
    /// Fraction of the samples to hold out. Default: 0.2.
    #[schemars(
        extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1),
        transform = Facts::new().lifts(&other_ways("test-size")).otherwise("`0.2`")
            .because("as in the reference")
    )]
    pub test_size: Option<f64>,
    /// File of sample ids to train on, one per line. Requires `validation-samples`.
    #[schemars(transform = Facts::new().file(FileUse::Read).lifts(&other_ways("train-samples")))]
    pub train_samples: Option<PathBuf>,
    /// File of sample ids to validate on, one per line. All other samples are used for training,
    /// unless `train-samples` is given.
    #[schemars(transform = Facts::new().file(FileUse::Read).was("val-samples")
        .lifts(&other_ways("validation-samples")))]
    pub validation_samples: Option<PathBuf>,
    /// How samples are held out.
    #[serde(flatten)]
    pub split: SplitOptions,
    /// Number of trees in the forest.
    #[schemars(range(min = 1, max = 100_000), transform = Facts::new().was("n-estimators"))]
    pub trees: usize,
    /// ASVs considered at each split: all, third, sqrt, log2 or a number. Default: third for
    /// numbers, sqrt for classes.
    pub max_features: Option<String>,
    /// Minimum number of training samples in a leaf.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub min_samples_leaf: usize,
    /// Minimum prevalence of an ASV: the fraction of the training samples in which it occurs (at
    /// least two samples).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_prevalence: f64,
    /// Seed of the random number generator.
    #[schemars(transform = Facts::new().was("random-seed")
        .because("the same command gives the same result"))]
    pub seed: u64,
    /// Output directory of the run.
    #[schemars(transform = Facts::new().file(FileUse::Written).changes_no_result().required()
        .was("output"))]
    pub output_dir: Option<PathBuf>,
    /// Overwrite an existing output directory.
    #[schemars(transform = Facts::new().changes_no_result())]
    pub overwrite: bool,
    /// Write report.html, a page that summarises the run.
    #[schemars(transform = Facts::new().changes_no_result()
        .because("it takes a fraction of a second, once"))]
    pub report: bool,
    /// Presentation of the targets.
    #[serde(flatten)]
    pub presentation: PresentationOptions,
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
            presentation: PresentationOptions::default(),
        }
    }
}

impl RfBaselineOptions {
    /// The options of a training run on the same samples.
    pub(crate) fn training(&self) -> TrainOptions {
        let mut options = TrainOptions {
            metadata: self.metadata.clone(),
            metadata_column: self.metadata_column.clone(),
            classifier: self.classifier,
            keep_class: self.keep_class.clone(),
            split: self.split.clone(),
            presentation: self.presentation.clone(),
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
