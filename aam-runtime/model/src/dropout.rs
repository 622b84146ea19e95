//! Dropout with masks that are cheap to draw on a CPU.
//!
//! Burn draws one number per value on a CPU, which takes a third of a training step. Here, sixteen
//! bits per value are used, from a ChaCha stream that is seeded by the device's own generator, so
//! that seeding the device still determines everything.

use burn::nn::Dropout;
use burn::tensor::{Device, Distribution, Int, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

/// Values per task. Each task has its own stream, so the mask does not depend on the number of
/// threads.
const CHUNK: usize = 1 << 15;

/// Applies `dropout` to `x`.
pub fn drop<const D: usize>(dropout: &Dropout, x: Tensor<D>) -> Tensor<D> {
    let device = x.device();
    let active = dropout.prob > 0.0 && dropout.training.is_enabled() && device.is_autodiff();
    if !active || device != Device::flex() {
        return dropout.forward(x);
    }
    let shape = x.shape();
    let mask = draw(dropout.prob, shape.num_elements(), seed());
    x * Tensor::from_data(TensorData::new(mask, shape), &device)
}

/// Draws a number from the CPU's generator.
pub(super) fn seed() -> u64 {
    let start = Tensor::<1, Int>::random([1], Distribution::Uniform(0.0, 2e9), &Device::flex());
    let seed: i64 = start.into_scalar();
    seed.unsigned_abs()
}

/// Draws `number` values that are 0 with probability `probability`, and otherwise scaled to keep a
/// mean of 1.
fn draw(probability: f64, number: usize, seed: u64) -> Vec<f32> {
    let threshold = (probability * 65536.0).round() as u16;
    let kept = (65536.0 / (65536.0 - f64::from(threshold))) as f32;
    let mut mask = vec![0.0; number];
    mask.par_chunks_mut(CHUNK)
        .enumerate()
        .for_each(|(chunk, mask)| {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            random.set_stream(chunk as u64);
            let mut bytes = vec![0; 2 * mask.len()];
            random.fill_bytes(&mut bytes);
            let (draws, _) = bytes.as_chunks::<2>();
            for (value, &draw) in mask.iter_mut().zip(draws) {
                *value = if u16::from_le_bytes(draw) < threshold {
                    0.0
                } else {
                    kept
                };
            }
        });
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_share_is_dropped_and_the_mean_kept() {
        let mask = draw(0.1, 300_000, 7);
        let dropped = mask.iter().filter(|&&v| v == 0.0).count() as f64 / 3e5;
        let mean = mask.iter().map(|&v| f64::from(v)).sum::<f64>() / 3e5;
        assert!(
            (dropped - 0.1).abs() < 2e-3 && (mean - 1.0).abs() < 2e-3,
            "{dropped} {mean}"
        );
        assert_ne!(mask[..1000], mask[CHUNK..CHUNK + 1000]);
        assert_eq!(mask, draw(0.1, 300_000, 7));
        assert_ne!(mask, draw(0.1, 300_000, 8));
    }

    #[test]
    fn it_is_off_without_autodiff_and_where_frozen() {
        use burn::module::Module;
        let dropout = burn::nn::DropoutConfig::new(0.5).init();
        let x = Tensor::<2>::ones([20, 20], &Device::flex());
        let mean = |x: Tensor<2>| -> f32 { x.square().mean().into_scalar() };
        assert_eq!(mean(drop(&dropout, x.clone())), 1.0);
        let x = x.autodiff();
        assert!(mean(drop(&dropout, x.clone())) > 1.5);
        assert_eq!(mean(drop(&dropout.clone().freeze(), x.clone())), 1.0);
        assert_eq!(mean(drop(&dropout.valid(), x)), 1.0);
    }
}
