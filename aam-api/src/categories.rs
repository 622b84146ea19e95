//! What components know about the categorical columns of a run.

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::PluginError;

/// A categorical metadata column as the model sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CategoryColumn {
    /// Name of the metadata column.
    pub name: String,
    /// Number of ids: 0 stands for unknown or missing, the known levels follow.
    pub levels: usize,
    /// Width of the column's embedding.
    pub width: usize,
}

impl CategoryColumn {
    /// The column `name` with `levels` ids and embeddings of width `width`.
    pub fn new(name: impl Into<String>, levels: usize, width: usize) -> Self {
        Self {
            name: name.into(),
            levels,
            width,
        }
    }
}

/// The categorical columns of a run, in the order of [`Categories::ids`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CategorySchema {
    /// The columns.
    pub columns: Vec<CategoryColumn>,
}

impl CategorySchema {
    /// A schema of these columns.
    pub fn new(columns: Vec<CategoryColumn>) -> Self {
        Self { columns }
    }

    /// Sum of the embedding widths.
    pub fn width(&self) -> usize {
        self.columns.iter().map(|column| column.width).sum()
    }

    /// Whether the run has no categorical column.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Position of the column `name`.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    pub(crate) fn expect(&self, kind: &'static str, component: &str) -> Result<(), PluginError> {
        match self.is_empty() {
            false => Ok(()),
            true => Err(PluginError::needs(
                kind,
                component,
                "categorical columns; name some with --categorical-columns",
            )),
        }
    }
}

/// The categories of the samples of a batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Categories {
    /// Id of each sample in each column, `[batch, columns]`.
    pub ids: Tensor<2, Int>,
    /// Embedding of each column, `[batch, width of the column]`, without dropout.
    pub columns: Vec<Tensor<2>>,
    /// All embeddings concatenated, with the dropout of the run, `[batch, CategorySchema::width]`.
    pub joined: Tensor<2>,
}

/// The parent, grandparent and so on of a column, each once. A cycle is followed once, so `column`
/// itself comes last.
pub fn ancestors(parents: &[Option<usize>], column: usize) -> Vec<usize> {
    let mut found = Vec::new();
    let mut next = parents.get(column).copied().flatten();
    while let Some(place) = next.filter(|place| *place < parents.len() && !found.contains(place)) {
        found.push(place);
        next = parents.get(place).copied().flatten();
    }
    found
}

impl Categories {
    /// The categories given by ids `[batch, columns]`, the embedding of each column `[batch, width of the
    /// column]`, and all embeddings concatenated, with the dropout of the run.
    pub fn new(ids: Tensor<2, Int>, columns: Vec<Tensor<2>>, joined: Tensor<2>) -> Self {
        Self {
            ids,
            columns,
            joined,
        }
    }
}
