//! The weights of an encoder in the format in which they are shipped.

use std::collections::BTreeMap;

use aam_api::BoxedAsvEncoder;
use aam_core::random::stream;
use aam_model::spread;
use aam_run::RunError;
use aam_train::checkpoint::directory::weights;
use burn::tensor::{Device, Tensor};
use half::f16;
use rand::RngExt;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, serialize};

use crate::evaluation::embedding;
use crate::genes::Genes;
use crate::reads::drawn;

/// Number of reads used to compute principal components, and number of typical reads kept.
const READS: usize = 8192;
const TYPICAL: usize = 1024;

/// The parameters of `encoder`, together with the `rotation`, `[dim, dim]`, to the principal
/// components of the embeddings of training reads, and the embeddings of `typical` reads,
/// `[1024, dim]`. All numbers are 16-bit.
///
/// # Errors
/// Never in practice: the bytes are written to memory.
pub fn shipped(encoder: &BoxedAsvEncoder, genes: &Genes, seed: u64) -> Result<Vec<u8>, RunError> {
    let broken = |error: &dyn std::fmt::Display| {
        RunError::checkpoint("encoder.safetensors", error.to_string())
    };
    let bytes = weights(encoder)?;
    let parameters = SafeTensors::deserialize(&bytes).map_err(|error| broken(&error))?;
    let mut halves: BTreeMap<String, (Vec<usize>, Vec<u8>)> = BTreeMap::new();
    for (name, view) in parameters.tensors() {
        let numbers = view.data().chunks_exact(4);
        let numbers = numbers.map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
        halves.insert(name, (view.shape().to_vec(), half(numbers)));
    }
    let typical = embeddings(encoder, genes, seed);
    let [_, dim] = typical.dims();
    let rotation = principal_components(typical.clone());
    halves.insert("rotation".to_owned(), (vec![dim, dim], half(rotation)));
    let kept = typical.slice(0..TYPICAL).into_data();
    let kept = half(kept.iter::<f32>());
    halves.insert("typical".to_owned(), (vec![TYPICAL, dim], kept));
    let mut views = Vec::with_capacity(halves.len());
    for (name, (shape, bytes)) in &halves {
        let view = TensorView::new(Dtype::F16, shape.clone(), bytes);
        views.push((name.clone(), view.map_err(|error| broken(&error))?));
    }
    serialize(views, None).map_err(|error| broken(&error))
}

fn half(numbers: impl IntoIterator<Item = f32>) -> Vec<u8> {
    let halves = numbers.into_iter().map(f16::from_f32);
    halves.flat_map(f16::to_le_bytes).collect()
}

/// Embeddings of reads of all regions, `[8192, dim]`.
fn embeddings(encoder: &BoxedAsvEncoder, genes: &Genes, seed: u64) -> Tensor<2> {
    let mut random = stream(seed, "typical reads");
    let all = &genes.training;
    let reads: Vec<&str> = (0..READS)
        .map(|_| {
            let gene = &all[random.random_range(0..all.len())];
            drawn(gene, &mut random)
        })
        .collect();
    embedding(encoder, &Device::flex())(&reads)
}

/// The eigenvectors of the covariance of `rows`, as columns in order of decreasing variance, in
/// row-major order.
fn principal_components(rows: Tensor<2>) -> Vec<f32> {
    let [_, dim] = rows.dims();
    let (_, eigen) = spread(rows);
    let mut order: Vec<usize> = (0..dim).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let places = (0..dim).flat_map(|row| order.iter().map(move |&column| (row, column)));
    places
        .map(|place| eigen.eigenvectors[place] as f32)
        .collect()
}
