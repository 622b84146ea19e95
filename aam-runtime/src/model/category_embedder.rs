//! Embeddings of categorical metadata.

use aam_api::{Categories, CategorySchema};
use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Embedding, EmbeddingConfig};
use burn::tensor::{Device, Int, Tensor};

use super::dropout::drop;

/// One table per categorical column. The unknown level 0 is the zero vector and never learns.
#[derive(Module, Debug)]
pub struct CategoryEmbedder {
    tables: Vec<Embedding>,
    dropout: Dropout,
}

impl CategoryEmbedder {
    /// Tables for the columns of `schema`, in its order; none for a schema without columns.
    pub fn new(schema: &CategorySchema, dropout: f64, device: &Device) -> Option<Self> {
        if schema.is_empty() {
            return None;
        }
        let table = |column: &aam_api::CategoryColumn| {
            EmbeddingConfig::new(column.levels, column.width).init(device)
        };
        Some(Self {
            tables: schema.columns.iter().map(table).collect(),
            dropout: DropoutConfig::new(dropout).init(),
        })
    }

    /// Embeds the ids `[batch, columns]`.
    pub fn forward(&self, ids: Tensor<2, Int>) -> Categories {
        let [batch, _] = ids.dims();
        let embed = |(i, table): (usize, &Embedding)| {
            let id = ids.clone().slice([0..batch, i..i + 1]);
            let known = id.clone().greater_elem(0).float();
            table.weight.val().select(0, id.reshape([batch])) * known
        };
        let columns: Vec<Tensor<2>> = self.tables.iter().enumerate().map(embed).collect();
        let joined = drop(&self.dropout, Tensor::cat(columns.clone(), 1));
        Categories {
            ids,
            columns,
            joined,
        }
    }
}
