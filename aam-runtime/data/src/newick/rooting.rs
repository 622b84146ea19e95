//! Where the root of a tree is, if not where its file has it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DataError;

/// Where the root of a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rooting {
    /// In the middle of the longest way between two tips.
    Midpoint,
    /// Where the file has it, also where it looks unrooted.
    AsWritten,
}

/// The error for a tree that is unrooted, and the ways to root it.
pub(super) fn refused(why: &str) -> DataError {
    DataError::new(format!("the tree is unrooted: {why}")).help(
        "UniFrac depends on the root. `--root midpoint` puts it in the middle of the longest way \
         between two tips, as `qiime phylogeny midpoint-root --i-tree TREE.qza --o-rooted-tree \
         ROOTED.qza`, `gotree reroot midpoint -i TREE` and phangorn's `midpoint(tree)` in R do; \
         `gotree reroot outgroup -i TREE NAME` roots it by an outgroup. If the root is meant as \
         it is written, `--root as-written` takes it so (or put `[&R]` in front of the tree)",
    )
}
