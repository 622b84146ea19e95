//! Options of categorical metadata.

use aam_api::options::{Facts, FileUse, Heading};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Categorical metadata used in addition to the microbiome.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(transform = Heading("Categories"))]
pub struct CategoryOptions {
    /// Categorical metadata columns to use as model input.
    #[schemars(transform = Facts::new().common().because("metadata are used only on request"))]
    pub categorical_columns: Vec<String>,
    /// Width of the embedding of each categorical column.
    #[schemars(range(min = 1, max = 65_536), transform = Facts::new().because("as in the reference"))]
    pub categorical_embed_dim: usize,
    /// Embedding widths of individual columns, as column=width.
    pub categorical_embed_dims: Vec<String>,
    /// Dropout of the category embeddings, in [0, 1).
    #[schemars(
        range(min = 0.0), extend("exclusiveMaximum" = 1),
        transform = Facts::new().because("as in the reference, where it is fixed")
    )]
    pub categorical_dropout: f64,
    /// Levels with fewer training samples share one embedding, which is also used for unseen
    /// levels.
    #[schemars(range(min = 1, max = 1_000_000_000), transform = Facts::new().because("levels are pooled only on request"))]
    pub min_category_count: usize,
    /// Parents of columns, as child=parent (city=state,state=country), a JSON object, or a .json or
    /// .toml file. The embedding of a child level is its own plus its parent's. An unseen child level
    /// uses its parent's.
    #[schemars(transform = Facts::new().file(FileUse::MayBeRead))]
    pub categorical_hierarchy: ColumnParents,
}

/// Which column is the parent of which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ColumnParents {
    /// Entries `child=parent`, or the text of a JSON object or the path of a file, which a flag
    /// divides at its commas.
    Entries(Vec<String>),
    /// The parent of each child.
    Table(Map<String, Value>),
}

impl Default for ColumnParents {
    fn default() -> Self {
        Self::Entries(Vec::new())
    }
}

impl Default for CategoryOptions {
    fn default() -> Self {
        Self {
            categorical_columns: Vec::new(),
            categorical_embed_dim: 16,
            categorical_embed_dims: Vec::new(),
            categorical_dropout: 0.1,
            min_category_count: 1,
            categorical_hierarchy: ColumnParents::default(),
        }
    }
}
