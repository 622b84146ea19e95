//! Random Fourier features (Rahimi and Recht, *Random features for large-scale kernel machines*,
//! NIPS 2007): `√2 cos(x S w + φ)` with signs `S` and phases `φ`.
//!
//! Products of such features approximate a Gaussian kernel, `exp(−w² |x − y|² / 2)`. Signs work as
//! well as normal random numbers if sums have many terms. The same numbers are drawn in every run,
//! so that checkpoints do not have to store millions of constants.

use std::f32::consts::{SQRT_2, TAU};

use aam_core::random::stream;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, RngExt};

/// Maps from vectors of a width to random features.
#[derive(Clone, Debug)]
pub(crate) struct RandomFeatures {
    /// `S w`, `[width, features]`.
    directions: Tensor<2>,
    /// `φ`, `[1, features]`.
    phases: Tensor<2>,
}

impl RandomFeatures {
    /// This `number` of features of vectors of this `width`. The `name` distinguishes them from others, the
    /// `frequency` is the inverse length scale of the kernel.
    pub fn new(name: &str, number: usize, frequency: f64, width: usize, device: &Device) -> Self {
        Self {
            directions: signs(name, [width, number], device) * frequency,
            phases: phases(name, number, device),
        }
    }

    /// The features of all of `parts`, one part after the other.
    pub fn joined(parts: Vec<Self>) -> Self {
        let (directions, phases) = parts
            .into_iter()
            .map(|part| (part.directions, part.phases))
            .unzip();
        Self {
            directions: Tensor::cat(directions, 1),
            phases: Tensor::cat(phases, 1),
        }
    }

    /// The features of `rows`, `[rows, width]`: `[rows, features]`, each with a mean square of 1.
    pub fn of(&self, rows: Tensor<2>) -> Tensor<2> {
        (rows.matmul(self.directions.clone()) + self.phases.clone()).cos() * SQRT_2
    }
}

/// Signs, each 1 or −1.
fn signs(name: &str, [width, number]: [usize; 2], device: &Device) -> Tensor<2> {
    let mut random = stream(0, name);
    let all = width * number;
    let mut signs = Vec::with_capacity(all.next_multiple_of(64));
    while signs.len() < all {
        let bits = random.next_u64();
        signs.extend((0..64).map(|bit| if (bits >> bit) & 1 == 0 { 1f32 } else { -1.0 }));
    }
    signs.truncate(all);
    Tensor::from_data(TensorData::new(signs, [width, number]), device)
}

/// Phases, `[1, number]`, in `[0, 2π)`.
fn phases(name: &str, number: usize, device: &Device) -> Tensor<2> {
    let mut random = stream(1, name);
    let phases: Vec<f32> = (0..number).map(|_| random.random::<f32>() * TAU).collect();
    Tensor::from_data(TensorData::new(phases, [1, number]), device)
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
        let features = RandomFeatures::new("test", 20_000, 1.0, width, &device);
        let found = features.of(rows);
        let products = found.clone().matmul(found.transpose()) / 20_000.0;
        let products: Vec<f32> = products.into_data().iter::<f32>().collect();
        for (found, distance) in products.into_iter().zip([0.0f32, 0.5, 2.0]) {
            let expected = (-distance * distance / 2.0).exp();
            assert!((found - expected).abs() < 0.03, "{found} {expected}");
        }
    }
}
