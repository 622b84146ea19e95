//! Two categorical columns for the suite.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::numbers::{Array, Numbers};
use crate::{Categories, CategoryColumn, CategorySchema};

const COLUMNS: [(&str, usize, usize); 2] = [("location", 3, 4), ("season", 5, 6)];

pub(super) fn schema() -> CategorySchema {
    let columns = COLUMNS.map(|(name, levels, width)| CategoryColumn::new(name, levels, width));
    CategorySchema::new(columns.to_vec())
}

/// The embeddings of the columns as inputs of the component, each `[batch, 1, width]`.
pub(super) fn inputs(batch: usize, numbers: &mut Numbers) -> Vec<Array> {
    COLUMNS
        .map(|(_, _, width)| numbers.array([batch, 1, width]))
        .to_vec()
}

/// The categories whose embeddings are `inputs`; the ids cycle through the levels of each column,
/// starting from sample `first`.
pub(super) fn categories(inputs: &[Tensor<3>], first: usize) -> Option<Categories> {
    let [batch, _, _] = inputs.first()?.dims();
    let device: Device = inputs.first()?.device();
    let ids: Vec<i64> = (first..first + batch)
        .flat_map(|sample| COLUMNS.map(|(_, levels, _)| (sample % levels) as i64))
        .collect();
    let ids = TensorData::new(ids, [batch, COLUMNS.len()]);
    let columns: Vec<Tensor<2>> = inputs
        .iter()
        .map(|column| column.clone().squeeze_dim::<2>(1))
        .collect();
    let joined = Tensor::cat(columns.clone(), 1);
    let ids = Tensor::<2, Int>::from_data(ids, &device);
    Some(Categories::new(ids, columns, joined))
}
