//! Benchmark of matrix products on a device.

use std::time::Instant;

use burn::tensor::{DType, Device, Distribution, FloatDType, Tensor};
use serde::Serialize;

use aam_model::device::{caught, is_software};

/// Minimum duration of a meaningful measurement in seconds.
const LONG_ENOUGH: f64 = 0.05;
const SMALLEST: usize = 256;
const LARGEST: usize = 8192;
const REPEATS: usize = 3;

/// The speed of square matrix products.
#[derive(Clone, Debug, Serialize)]
pub struct Product {
    /// The number format.
    pub numbers: &'static str,
    /// The number of rows and columns.
    pub size: usize,
    /// Multiplications and additions, in 10⁹ per second.
    pub gflops: f64,
}

/// The speed in the number formats supported by the device; those that fail are omitted.
pub(super) fn rates(device: &Device) -> Vec<Product> {
    let types = [
        ("f32", FloatDType::F32, DType::F32),
        ("f16", FloatDType::F16, DType::F16),
        ("bf16", FloatDType::BF16, DType::BF16),
    ];
    // A CPU supports the others, too, but converts each number.
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
        // The first one also includes the search for the fastest kernel.
        let seconds = (0..REPEATS + 1)
            .map(|_| {
                let _ = device.sync();
                let start = Instant::now();
                let product = a.clone().matmul(b.clone());
                let _ = device.sync();
                // Reading the result ensures that it has been computed, even if `sync` does
                // nothing.
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
