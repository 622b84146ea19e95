//! Embeddings of categorical metadata.

use aam_api::dropout::drop;
use aam_api::export::{Attribute, ExportedCategories, Graph, Value};
use aam_api::{Categories, CategorySchema};
use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Embedding, EmbeddingConfig};
use burn::tensor::{Device, Int, Tensor};

use aam_api::categories::ancestors;

/// One embedding table per categorical column. The unknown level 0 is the zero vector and is not
/// trained.
///
/// The embedding of a column in a hierarchy is the sum of its own row and those of its ancestors.
#[derive(Module, Debug)]
pub struct CategoryEmbedder {
    tables: Vec<Embedding>,
    #[module(skip)]
    ancestors: Vec<Vec<usize>>,
    dropout: Dropout,
}

impl CategoryEmbedder {
    /// Creates tables for the columns of `schema`, in order. `None` if there are no columns.
    ///
    /// `parents` holds the index of each column's parent, whose width must equal the column's own;
    /// it may be empty.
    pub fn new(
        schema: &CategorySchema,
        parents: &[Option<usize>],
        dropout: f64,
        device: &Device,
    ) -> Option<Self> {
        if schema.is_empty() {
            return None;
        }
        let table = |column: &aam_api::CategoryColumn| {
            EmbeddingConfig::new(column.levels, column.width).init(device)
        };
        let columns = 0..schema.columns.len();
        Some(Self {
            tables: schema.columns.iter().map(table).collect(),
            ancestors: columns.map(|column| ancestors(parents, column)).collect(),
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
        let own: Vec<Tensor<2>> = self.tables.iter().enumerate().map(embed).collect();
        let with_ancestors = |(column, ancestors): (&Tensor<2>, &Vec<usize>)| {
            ancestors
                .iter()
                .fold(column.clone(), |sum, &place| sum + own[place].clone())
        };
        let columns: Vec<Tensor<2>> = own
            .iter()
            .zip(&self.ancestors)
            .map(with_ancestors)
            .collect();
        let joined = drop(&self.dropout, Tensor::cat(columns.clone(), 1));
        Categories::new(ids, columns, joined)
    }

    /// The same in `graph`, without dropout.
    pub(crate) fn export(&self, graph: &mut Graph, ids: &Value) -> ExportedCategories {
        let embed = |(i, table): (usize, &Embedding)| {
            let weight = table.weight.val();
            let [_, width] = weight.dims();
            // The unknown level is the zero vector.
            let unknown = Tensor::zeros([1, width], &weight.device());
            let table = graph.tensor(&weight.slice_assign([0..1, 0..width], unknown));
            let place = graph.scalar(i as i64);
            let axis = vec![("axis", Attribute::Int(1))];
            let ids = graph.apply("Gather", &[ids, &place], axis);
            graph.rows_at(&table, &ids)
        };
        let own: Vec<Value> = self.tables.iter().enumerate().map(embed).collect();
        let with_ancestors = own.iter().zip(&self.ancestors).map(|(column, ancestors)| {
            let ancestors = ancestors.iter();
            ancestors.fold(column.clone(), |sum, &place| graph.add(&sum, &own[place]))
        });
        let columns: Vec<Value> = with_ancestors.collect();
        ExportedCategories::new(graph, ids.clone(), columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(tensor: Tensor<2>) -> Vec<f32> {
        tensor.into_data().iter::<f32>().collect()
    }

    #[test]
    fn a_child_adds_its_ancestors_and_an_unseen_child_equals_its_parent() {
        let device = Device::flex();
        let schema = CategorySchema::new(
            [("city", 3), ("country", 2), ("state", 3)]
                .map(|(name, levels)| aam_api::CategoryColumn::new(name, levels, 4))
                .to_vec(),
        );
        let parents = [Some(2), None, Some(1)];
        let embedder = CategoryEmbedder::new(&schema, &parents, 0.0, &device).unwrap();
        let ids = Tensor::<2, Int>::from_data([[1, 1, 2], [0, 1, 2], [0, 0, 0]], &device);
        let embedded = embedder.forward(ids);
        let row = |column: usize, id: usize| -> Vec<f32> {
            let weight = embedder.tables[column].weight.val();
            numbers(weight.slice([id..id + 1, 0..4]))
        };
        let city = numbers(embedded.columns[0].clone());
        let state = numbers(embedded.columns[2].clone());
        for i in 0..4 {
            let above = row(2, 2)[i] + row(1, 1)[i];
            assert!((city[i] - (row(0, 1)[i] + above)).abs() < 1e-6);
            assert!((city[4 + i] - above).abs() < 1e-6);
            assert!((state[i] - above).abs() < 1e-6);
            assert_eq!(city[8 + i], 0.0);
        }
    }
}
