//! The weights of an encoder in the format in which they are shipped.

use std::collections::BTreeMap;

use aam_api::BoxedAsvEncoder;
use aam_core::random::stream;
use aam_model::spread;
use aam_run::RunError;
use aam_train::checkpoint::directory::weights;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};
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

/// The largest number of 8 bits.
const LARGEST: f32 = 127.0;

/// `encoder` with its matrices rounded to 8 bits per number: to multiples of a 127th of the largest
/// number of each column.
pub fn rounded(encoder: BoxedAsvEncoder) -> BoxedAsvEncoder {
    struct Rounded;
    impl ModuleMapper for Rounded {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            match D {
                2 => param.map(|matrix| {
                    let data = matrix.to_data();
                    let columns = matrix.dims()[1];
                    let (steps, counts) =
                        in_steps(&data.iter::<f32>().collect::<Vec<_>>(), columns);
                    let counts = counts.into_iter().map(f32::from);
                    let numbers = counts.zip(steps.iter().cycle());
                    let numbers = numbers.map(|(count, step)| count * step);
                    let data = TensorData::new(numbers.collect::<Vec<f32>>(), matrix.dims());
                    Tensor::from_data(data, &matrix.device())
                }),
                _ => param,
            }
        }
    }
    encoder.map(&mut Rounded)
}

/// The parameters of a [`rounded`] encoder, together with the `rotation`, `[dim, dim]`, to the
/// principal components of the embeddings of training reads, and the embeddings of `typical` reads,
/// `[1024, dim]`.
///
/// Matrices of parameters have 8 bits per number, and their `.step`, `[columns]`, has 32: a number is
/// that many steps of its column. All others have 16 bits.
///
/// # Errors
/// Never in practice: the bytes are written to memory.
pub fn shipped(encoder: &BoxedAsvEncoder, genes: &Genes, seed: u64) -> Result<Vec<u8>, RunError> {
    let broken = |error: &dyn std::fmt::Display| {
        RunError::checkpoint("encoder.safetensors", error.to_string())
    };
    let bytes = weights(encoder)?;
    let parameters = SafeTensors::deserialize(&bytes).map_err(|error| broken(&error))?;
    let mut tensors: BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)> = BTreeMap::new();
    for (name, view) in parameters.tensors() {
        let shape = view.shape().to_vec();
        let numbers = view.data().chunks_exact(4);
        let numbers = numbers.map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
        let &[_, columns] = shape.as_slice() else {
            tensors.insert(name, (Dtype::F16, shape, half(numbers)));
            continue;
        };
        let (steps, counts) = in_steps(&numbers.collect::<Vec<f32>>(), columns);
        let steps = steps.into_iter().flat_map(f32::to_le_bytes).collect();
        let bytes = counts.into_iter().flat_map(i8::to_le_bytes).collect();
        tensors.insert(format!("{name}.step"), (Dtype::F32, vec![columns], steps));
        tensors.insert(name, (Dtype::I8, shape, bytes));
    }
    let typical = embeddings(encoder, genes, seed);
    let [_, dim] = typical.dims();
    let rotation = half(principal_components(typical.clone()));
    tensors.insert(
        "rotation".to_owned(),
        (Dtype::F16, vec![dim, dim], rotation),
    );
    let kept = typical.slice(0..TYPICAL).into_data();
    let kept = half(kept.iter::<f32>());
    tensors.insert("typical".to_owned(), (Dtype::F16, vec![TYPICAL, dim], kept));
    let mut views = Vec::with_capacity(tensors.len());
    for (name, (kind, shape, bytes)) in &tensors {
        let view = TensorView::new(*kind, shape.clone(), bytes);
        views.push((name.clone(), view.map_err(|error| broken(&error))?));
    }
    serialize(views, None).map_err(|error| broken(&error))
}

/// The step of each column of a `matrix`, and the number of steps that is nearest to each number.
fn in_steps(matrix: &[f32], columns: usize) -> (Vec<f32>, Vec<i8>) {
    let mut steps = vec![f32::MIN_POSITIVE; columns];
    for row in matrix.chunks(columns) {
        for (step, number) in steps.iter_mut().zip(row) {
            *step = step.max(number.abs() / LARGEST);
        }
    }
    let numbers = matrix.iter().zip(steps.iter().cycle());
    let counts = numbers.map(|(number, step)| (number / step).round() as i8);
    let counts = counts.collect();
    (steps, counts)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_counted_in_steps_of_their_column() {
        let (steps, counts) = in_steps(&[127.0, -0.5, 3.3, 0.25], 2);
        assert_eq!(steps, [1.0, 0.5 / LARGEST]);
        assert_eq!(counts, [127, -127, 3, 64]);
    }
}
