//! Random Fourier features (Rahimi and Recht, *Random features for large-scale kernel machines*,
//! NIPS 2007): `√2 cos(x S w + φ)` with signs `S` and phases `φ`.
//!
//! Products of such features approximate a Gaussian kernel, `exp(−w² |x − y|² / 2)`. Signs work as
//! well as normal random numbers if sums have many terms. The same numbers are drawn in every run,
//! so that checkpoints do not have to store millions of constants.

use std::f32::consts::{SQRT_2, TAU};

use aam_api::export::{Element, Graph, Value};
use aam_core::random::stream;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, RngExt};

/// A map from vectors of a width to random features.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RandomFeatures {
    /// The name that distinguishes this map from others.
    pub name: &'static str,
    /// The number of features.
    pub number: usize,
    /// The inverse length scale of the kernel.
    pub frequency: f32,
}

impl RandomFeatures {
    /// The features of `rows`, `[rows, width]`: `[rows, number]`, each with a mean square of 1.
    pub fn of(&self, rows: Tensor<2>) -> Tensor<2> {
        let [_, width] = rows.dims();
        let device = rows.device();
        let turned = rows.matmul(self.signs(width, &device)) * self.frequency;
        (turned + self.phases(&device)).cos() * SQRT_2
    }

    /// The features of `rows`, `[rows, width]`, times `factor`, in `graph`.
    pub fn export(&self, graph: &mut Graph, rows: &Value, width: usize, factor: f32) -> Value {
        let device = Device::flex();
        let signs = self.signs(width, &device).into_data();
        let signs: Vec<i8> = signs.iter::<f32>().map(|sign| sign as i8).collect();
        let signs = graph.constant(&[width, self.number], &signs);
        let signs = graph.cast(&signs, Element::Float);
        let turned = graph.matmul(rows, &signs);
        let frequency = graph.scalar(self.frequency);
        let turned = graph.mul(&turned, &frequency);
        let phases = graph.tensor(&self.phases(&device));
        let turned = graph.add(&turned, &phases);
        let waves = graph.map("Cos", &turned);
        let size = graph.scalar(SQRT_2 * factor);
        graph.mul(&waves, &size)
    }

    /// The signs, `[width, number]`, each 1 or −1.
    pub fn signs(&self, width: usize, device: &Device) -> Tensor<2> {
        let mut random = stream(0, self.name);
        let all = width * self.number;
        let mut signs = Vec::with_capacity(all.next_multiple_of(64));
        while signs.len() < all {
            let bits = random.next_u64();
            signs.extend((0..64).map(|bit| if (bits >> bit) & 1 == 0 { 1f32 } else { -1.0 }));
        }
        signs.truncate(all);
        Tensor::from_data(TensorData::new(signs, [width, self.number]), device)
    }

    /// The phases, `[1, number]`, in `[0, 2π)`.
    pub fn phases(&self, device: &Device) -> Tensor<2> {
        let mut random = stream(1, self.name);
        let phases: Vec<f32> = (0..self.number)
            .map(|_| random.random::<f32>() * TAU)
            .collect();
        Tensor::from_data(TensorData::new(phases, [1, self.number]), device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_approximate_a_gaussian_kernel() {
        let device = Device::flex();
        let width = 40;
        let row = |shift: f32| {
            (0..width).map(move |i| (i as f32).sin() * 0.3 + shift / (width as f32).sqrt())
        };
        let rows: Vec<f32> = row(0.0).chain(row(0.5)).chain(row(2.0)).collect();
        let rows = Tensor::from_data(TensorData::new(rows, [3, width]), &device);
        let features = RandomFeatures {
            name: "test",
            number: 20_000,
            frequency: 1.0,
        };
        let found = features.of(rows);
        let products = found.clone().matmul(found.transpose()) / 20_000.0;
        let products: Vec<f32> = products.into_data().iter::<f32>().collect();
        for (found, distance) in products.into_iter().zip([0.0f32, 0.5, 2.0]) {
            let expected = (-distance * distance / 2.0).exp();
            assert!((found - expected).abs() < 0.03, "{found} {expected}");
        }
    }
}
