//! Options for incomplete trees.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use aam_data::newick::{NewickOptions, Rooting};

/// How to handle ASVs and branch lengths that are missing from a tree.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct TreeOptions {
    /// Drop ASVs that are missing from the tree, and report the fraction of reads lost.
    pub drop_missing: bool,
    /// Length to use for branches without one, such as 0. By default, they are an error.
    #[schemars(range(min = 0.0))]
    pub missing_length: Option<f64>,
    /// Root of the tree: midpoint, or as-written to accept a tree that looks unrooted. By default,
    /// an unrooted tree is an error.
    pub root: Option<Rooting>,
}

impl TreeOptions {
    /// How the tree file is parsed.
    pub fn newick(&self) -> NewickOptions {
        NewickOptions {
            missing_length: self.missing_length,
            root: self.root,
        }
    }
}
