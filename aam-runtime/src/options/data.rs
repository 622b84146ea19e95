//! Files of a study, and what is taken from them.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TreeOptions;
use crate::data::AsvSampling;
use crate::study::metric_help;

/// Files of a study, and what is taken from them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct DataOptions {
    /// Feature table: BIOM 2.1 or 1.0, TSV or FeatureTable[Frequency] .qza, also gzipped.
    pub table: Option<PathBuf>,
    /// Sequences of the ASVs (FASTA or FeatureData[Sequence] .qza), where the ids in the table are
    /// not the sequences themselves.
    pub sequences: Option<PathBuf>,
    /// UniFrac distances: .npy (square or condensed), .h5, TSV, CSV or DistanceMatrix .qza. With the
    /// metric faith-pd, one value per sample: TSV, CSV or .npy.
    pub unifrac_matrix: Option<PathBuf>,
    /// Ids of the rows of a matrix file that holds none (.npy), one a line; without it those in
    /// FILE.ids.txt beside the matrix, if it is there.
    pub unifrac_ids: Option<PathBuf>,
    /// Phylogenetic tree (Newick or Phylogeny[Rooted] .qza) to compute UniFrac from.
    pub tree: Option<PathBuf>,
    /// The metric that is learnt.
    #[schemars(description = metric_help())]
    pub unifrac_metric: String,
    /// What the tree may lack.
    #[serde(flatten)]
    pub tree_options: TreeOptions,
    /// Longest sequence, in bases.
    pub max_bp: usize,
    /// Cut longer sequences instead of refusing them.
    pub truncate: bool,
    /// Most ASVs of one sample that the model sees at a time.
    pub token_limit: usize,
    /// Which ASVs, where a sample has more than the limit.
    pub asv_sampling: AsvSampling,
    /// Reads drawn from each sample, without replacement; samples with fewer are left out.
    pub rarefy_depth: Option<u32>,
    /// Keep the counts of the table in a file beside the output instead of in memory, for tables
    /// that are larger than it; ids and sequences stay in memory.
    pub streaming: bool,
    /// Fraction of the samples held out for validation.
    pub test_size: f64,
    /// File of sample ids to train on, one a line; with it, `validation-samples`.
    pub train_samples: Option<PathBuf>,
    /// File of sample ids to validate on, one a line; the others are for training unless listed.
    pub validation_samples: Option<PathBuf>,
}

impl Default for DataOptions {
    fn default() -> Self {
        Self {
            table: None,
            sequences: None,
            unifrac_matrix: None,
            unifrac_ids: None,
            tree: None,
            unifrac_metric: "unweighted".to_owned(),
            tree_options: TreeOptions::default(),
            max_bp: 150,
            truncate: false,
            token_limit: 1024,
            asv_sampling: AsvSampling::Abundance,
            rarefy_depth: None,
            streaming: false,
            test_size: 0.2,
            train_samples: None,
            validation_samples: None,
        }
    }
}
