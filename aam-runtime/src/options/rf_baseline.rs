//! Settings of a Random Forest on its own.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DataOptions, SplitOptions, TrainOptions};

/// Options of `aam rf-baseline`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct RfBaselineOptions {
    /// Feature table: BIOM 2.1 or 1.0, TSV or FeatureTable[Frequency] .qza, also gzipped.
    pub table: Option<PathBuf>,
    /// Sample metadata, TSV by QIIME 2's rules.
    pub metadata: Option<PathBuf>,
    /// Column or columns to predict.
    pub metadata_column: Vec<String>,
    /// The columns hold classes, not numbers.
    pub classifier: bool,
    /// Reads drawn from each sample, without replacement; samples with fewer are left out.
    pub rarefy_depth: Option<u32>,
    /// Fraction of the samples held out for validation.
    pub test_size: f64,
    /// File of sample ids to train on, one a line; with it, `validation-samples`.
    pub train_samples: Option<PathBuf>,
    /// File of sample ids to validate on, one a line; the others are for training unless listed.
    pub validation_samples: Option<PathBuf>,
    /// What is held out.
    #[serde(flatten)]
    pub split: SplitOptions,
    /// Trees of the forest.
    #[schemars(range(min = 1, max = 100_000))]
    pub trees: usize,
    /// ASVs considered at each split: all, third, sqrt, log2 or a number; without it third for
    /// numbers and sqrt for classes.
    pub max_features: Option<String>,
    /// Fewest training samples of a leaf.
    #[schemars(range(min = 1))]
    pub min_samples_leaf: usize,
    /// Share of the training samples that an ASV has to occur in (at least in two).
    pub min_prevalence: f64,
    /// Seed of every random draw.
    pub seed: u64,
    /// Directory that the run makes and fills.
    pub output_dir: Option<PathBuf>,
    /// Replace an output directory that exists.
    pub overwrite: bool,
    /// Write report.html, a page with everything worth seeing of the run.
    pub report: bool,
}

impl Default for RfBaselineOptions {
    fn default() -> Self {
        let data = DataOptions::default();
        Self {
            table: None,
            metadata: None,
            metadata_column: Vec::new(),
            classifier: false,
            rarefy_depth: None,
            test_size: data.test_size,
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
            split: self.split.clone(),
            ..TrainOptions::default()
        };
        options.data.table.clone_from(&self.table);
        options.data.rarefy_depth = self.rarefy_depth;
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
