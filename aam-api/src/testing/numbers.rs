//! Pseudo-random numbers for the suite, the same in every run, and their comparison.

use burn::tensor::{Device, Tensor, TensorData};

use super::{Check, ensure};

/// A small generator (SplitMix64), so that the suite needs neither a crate nor global state.
pub(super) struct Numbers(u64);

impl Numbers {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Uniform in [0, 1).
    pub(super) fn uniform(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
        (bits >> 40) as f32 / (1 << 24) as f32
    }

    /// Approximately normal with mean 0 and variance 1, between -3.5 and 3.5.
    pub(super) fn normal(&mut self) -> f32 {
        let sum: f32 = (0..4).map(|_| self.uniform()).sum();
        (sum - 2.0) * 3f32.sqrt()
    }

    pub(super) fn normals(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.normal()).collect()
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.uniform() * end as f32) as usize
    }

    pub(super) fn array(&mut self, shape: [usize; 3]) -> Array {
        Array {
            shape,
            values: self.normals(shape.iter().product()),
        }
    }
}

/// Values on the host, `[batch, …, …]`; every input and output of the suite has three dimensions.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Array {
    pub(super) shape: [usize; 3],
    pub(super) values: Vec<f32>,
}

impl Array {
    pub(super) fn tensor(&self, device: &Device) -> Tensor<3> {
        Tensor::from_data(TensorData::new(self.values.clone(), self.shape), device)
    }

    /// The values of sample `index` alone.
    pub(super) fn sample(&self, index: usize) -> Self {
        let [_, rows, columns] = self.shape;
        let size = rows * columns;
        Self {
            shape: [1, rows, columns],
            values: self.values[index * size..(index + 1) * size].to_vec(),
        }
    }

    /// The first `rows` of every sample.
    pub(super) fn rows(&self, rows: usize) -> Self {
        let [batch, all, columns] = self.shape;
        let values = (0..batch).flat_map(|sample| {
            let start = sample * all * columns;
            self.values[start..start + rows * columns].to_vec()
        });
        Self {
            shape: [batch, rows, columns],
            values: values.collect(),
        }
    }

    pub(super) fn read(tensor: &Tensor<3>) -> Result<Self, String> {
        let shape = tensor.dims();
        let values = tensor
            .to_data()
            .convert::<f32>()
            .try_to_vec()
            .map_err(|error| format!("cannot read an output: {error:?}"))?;
        Ok(Self { shape, values })
    }

    pub(super) fn check_finite(&self, what: &str) -> Check {
        match self.values.iter().find(|value| !value.is_finite()) {
            None => Ok(()),
            Some(value) => Err(format!("{what} hold {value}")),
        }
    }

    /// Checks that the arrays agree up to rounding.
    pub(super) fn check_close(&self, other: &Self, what: &str) -> Check {
        ensure!(
            self.shape == other.shape,
            "{what}: shape {:?} and {:?}",
            self.shape,
            other.shape
        );
        let pairs = self.values.iter().zip(&other.values);
        let far = pairs
            .enumerate()
            .find(|(_, (a, b))| (**a - **b).abs() > 1e-5 + 1e-4 * a.abs().max(b.abs()));
        match far {
            None => Ok(()),
            Some((index, (a, b))) => Err(format!("{what}: {a} and {b} (value {index})")),
        }
    }
}
