//! How fast a device multiplies matrices.

use std::time::Instant;

use burn::tensor::{DType, Device, Distribution, FloatDType, Tensor};
use serde::Serialize;

use aam_model::device::{caught, is_software};

/// Seconds that a measurement must take to mean something.
const LONG_ENOUGH: f64 = 0.05;
const SMALLEST: usize = 256;
const LARGEST: usize = 8192;
const REPEATS: usize = 3;

/// The rate of square products.
#[derive(Clone, Debug, Serialize)]
pub struct Product {
    /// Type of the numbers.
    pub numbers: &'static str,
    /// Rows and columns.
    pub size: usize,
    /// Multiplications and additions, in 10⁹ a second.
    pub gflops: f64,
}

/// Rates in the types that the device computes in; those that fail are left out.
pub(super) fn rates(device: &Device) -> Vec<Product> {
    let types = [
        ("f32", FloatDType::F32, DType::F32),
        ("f16", FloatDType::F16, DType::F16),
        ("bf16", FloatDType::BF16, DType::BF16),
    ];
    // A CPU has the others, too, but converts each number.
    let on_cpu = *device == Device::flex() || is_software(device);
    let own = if on_cpu { 1 } else { 3 };
    let supported = types
        .into_iter()
        .take(own)
        .filter(|(_, _, numbers)| caught(|| device.supports_dtype(*numbers)) == Ok(true));
    supported
        .filter_map(|(name, numbers, _)| {
            let (size, gflops) = caught(|| rate(device, numbers)).ok()?;
            Some(Product {
                numbers: name,
                size,
                gflops,
            })
        })
        .collect()
}

/// Doubles the size until a product takes long enough.
fn rate(device: &Device, numbers: FloatDType) -> (usize, f64) {
    let mut size = SMALLEST;
    loop {
        let random = || {
            let uniform = Distribution::Uniform(-1.0, 1.0);
            Tensor::<2>::random([size, size], uniform, device).cast(numbers)
        };
        let (a, b) = (random(), random());
        // The first one also finds the fastest kernel.
        let seconds = (0..REPEATS + 1)
            .map(|_| {
                let _ = device.sync();
                let start = Instant::now();
                let product = a.clone().matmul(b.clone());
                let _ = device.sync();
                // What is read has been computed, whatever the device makes of `sync`.
                let _: f32 = product
                    .slice([0..1, 0..1])
                    .cast(FloatDType::F32)
                    .into_scalar();
                start.elapsed().as_secs_f64()
            })
            .fold(f64::INFINITY, f64::min);
        if seconds >= LONG_ENOUGH || size >= LARGEST {
            return (size, 2.0 * (size as f64).powi(3) / seconds / 1e9);
        }
        size *= 2;
    }
}
