//! What a tree may lack.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use aam_data::newick::{NewickOptions, Rooting};

/// What becomes of ASVs and branch lengths that a tree lacks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct TreeOptions {
    /// Leave out ASVs that the tree lacks, and print the fraction of reads lost.
    pub drop_missing: bool,
    /// Length of the tree's branches that have none, such as 0; without it they are an error.
    #[schemars(range(min = 0.0))]
    pub missing_length: Option<f64>,
    /// Root of the tree: midpoint, or as-written also where it looks unrooted; without it an
    /// unrooted tree is an error.
    pub root: Option<Rooting>,
}

impl TreeOptions {
    /// How the tree's file is read.
    pub fn newick(&self) -> NewickOptions {
        NewickOptions {
            missing_length: self.missing_length,
            root: self.root,
        }
    }
}
