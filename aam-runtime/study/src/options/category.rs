//! Settings of categorical metadata.

use aam_api::options::{Facts, Heading};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Categorical metadata beside the microbiome.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(transform = Heading("Categories"))]
pub struct CategoryOptions {
    /// Categorical metadata columns that the model sees.
    #[schemars(transform = Facts::new().because("metadata enter only as asked"))]
    pub categorical_columns: Vec<String>,
    /// Width of the embedding of each categorical column.
    #[schemars(range(min = 1, max = 65_536), transform = Facts::new().because("as in the reference"))]
    pub categorical_embed_dim: usize,
    /// Widths of single columns, as column=width.
    pub categorical_embed_dims: Vec<String>,
    /// Dropout of the embeddings of categories, in [0, 1).
    #[schemars(
        range(min = 0.0), extend("exclusiveMaximum" = 1),
        transform = Facts::new().because("as in the reference, where it is fixed")
    )]
    pub categorical_dropout: f64,
    /// Levels with fewer training samples share one embedding, which unseen levels get, too.
    #[schemars(range(min = 1, max = 1_000_000_000), transform = Facts::new().because("no level is pooled unless asked"))]
    pub min_category_count: usize,
    /// Parents of columns, as child=parent (city=state,state=country): the embedding of a child
    /// is its own plus its parent's, and that of an unseen child is its parent's.
    pub categorical_hierarchy: Vec<String>,
}

impl Default for CategoryOptions {
    fn default() -> Self {
        Self {
            categorical_columns: Vec::new(),
            categorical_embed_dim: 16,
            categorical_embed_dims: Vec::new(),
            categorical_dropout: 0.1,
            min_category_count: 1,
            categorical_hierarchy: Vec::new(),
        }
    }
}
