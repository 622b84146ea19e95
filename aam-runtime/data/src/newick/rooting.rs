//! Rooting of trees whose root is not where the file has it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DataError;

/// Position of the root of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rooting {
    /// At the midpoint of the longest path between two tips.
    Midpoint,
    /// As written in the file, even if the tree looks unrooted.
    AsWritten,
}

/// The error for an unrooted tree, with ways to root it.
pub(super) fn refused(why: &str) -> DataError {
    DataError::new(format!("the tree is unrooted: {why}")).help(
        "UniFrac depends on the root. --root midpoint puts it at the midpoint of the longest path \
         between two tips, as `qiime phylogeny midpoint-root --i-tree TREE.qza --o-rooted-tree \
         ROOTED.qza`, `gotree reroot midpoint -i TREE` and phangorn's `midpoint(tree)` in R do; \
         `gotree reroot outgroup -i TREE NAME` roots it by an outgroup. If the root is correct as \
         it is written, use --root as-written (or put '[&R]' in front of the tree)",
    )
}
