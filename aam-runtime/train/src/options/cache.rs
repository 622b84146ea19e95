//! The cache of embeddings.

use std::path::PathBuf;

use aam_api::options::{Facts, FileUse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The cache of embeddings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct CacheOptions {
    /// Cache the embeddings of the encoder that comes with aam, so that a set of ASVs is encoded
    /// only once. Results are the same without it.
    #[schemars(transform = Facts::new().may_change().changes_no_result()
        .because("every fold of a training run encodes the same ASVs"))]
    pub cache: bool,
    /// Directory of the cache, of which at most 2 GB are used.
    #[schemars(transform = Facts::new().file(FileUse::Written).may_change().changes_no_result()
        .otherwise("`aam` in `$XDG_CACHE_HOME` or `~/.cache`"))]
    pub cache_dir: Option<PathBuf>,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            cache: true,
            cache_dir: None,
        }
    }
}
