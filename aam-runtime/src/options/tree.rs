//! What a tree may lack.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::newick::NewickOptions;
use crate::error::RunError;

/// What becomes of ASVs and branch lengths that a tree lacks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct TreeOptions {
    /// Leave out ASVs that the tree lacks, and print the fraction of reads lost.
    pub drop_missing: bool,
    /// Length of the tree's branches that have none, such as 0; without it they are an error.
    pub missing_length: Option<f64>,
}

impl TreeOptions {
    /// How the tree's file is read.
    ///
    /// # Errors
    /// A length that is negative or not finite.
    pub fn newick(&self) -> Result<NewickOptions, RunError> {
        if let Some(length) = self.missing_length
            && !(length.is_finite() && length >= 0.0)
        {
            return Err(RunError::Usage(format!(
                "--missing-length: expected 0 or a number above it, found {length}"
            )));
        }
        Ok(NewickOptions {
            missing_length: self.missing_length,
            ..NewickOptions::default()
        })
    }
}
