//! Dropout whose masks are functions of a step's seed and of the sample, so that several ranks drop the
//! same values as one.
//!
//! A training step calls [`in_step`] with its seed and the numbers of the samples that this rank computes.
//! Within it, [`drop`] draws the mask of each sample from a stream of its own. A component should use
//! [`drop`] rather than [`Dropout::forward`], whose draws depend on all the draws before them and, on a
//! CPU, on those of other threads.

use std::cell::RefCell;
use std::ops::Range;

use burn::nn::Dropout;
use burn::tensor::{Device, Distribution, Int, Tensor, TensorData};

/// The step that this thread computes.
#[derive(Clone)]
struct Step {
    seed: u64,
    samples: Range<usize>,
    /// The number of masks and seeds drawn so far; the same on every rank.
    drawn: u64,
}

thread_local! {
    static STEP: RefCell<Option<Step>> = const { RefCell::new(None) };
}

/// Restores the step that was current before, also after a panic.
struct Restore(Option<Step>);

impl Drop for Restore {
    fn drop(&mut self) {
        STEP.set(self.0.take());
    }
}

/// Calls `work` as a step with `seed`, in which this thread computes the `samples` of a batch with these
/// numbers.
pub fn in_step<T>(seed: u64, samples: Range<usize>, work: impl FnOnce() -> T) -> T {
    let step = Step {
        seed,
        samples,
        drawn: 0,
    };
    let _restore = Restore(STEP.replace(Some(step)));
    work()
}

/// The seed of the next draw of this step, and the numbers of its samples. Outside a step, a seed from
/// the CPU's generator, which makes seeding the device decisive, and numbers from 0.
pub fn next_draw() -> (u64, Range<usize>) {
    let in_step = STEP.with_borrow_mut(|step| {
        let step = step.as_mut()?;
        step.drawn += 1;
        Some((mixed(step.seed, step.drawn), step.samples.clone()))
    });
    in_step.unwrap_or_else(|| {
        let any = Distribution::Uniform(0.0, 2e9);
        let drawn = Tensor::<1, Int>::random([1], any, &Device::flex());
        let seed: i64 = drawn.into_scalar();
        (seed.unsigned_abs(), 0..usize::MAX)
    })
}

/// Applies `dropout` to `x`, whose first dimension is samples. On a CPU, the mask of a sample is a
/// function of the step's seed and the sample's number, up to padding at the end of the second dimension;
/// on other devices, it is drawn by the device.
pub fn drop<const D: usize>(dropout: &Dropout, x: Tensor<D>) -> Tensor<D> {
    let device = x.device();
    let active = dropout.prob > 0.0 && dropout.training.is_enabled() && device.is_autodiff();
    if !active || device.clone().inner() != Device::flex() {
        return dropout.forward(x);
    }
    let shape = x.shape();
    let rows = shape.as_slice()[0];
    let (seed, samples) = next_draw();
    let mut mask = vec![0.0; shape.num_elements()];
    let length = mask.len().checked_div(rows).unwrap_or(0).max(1);
    for (row, mask) in mask.chunks_mut(length).enumerate() {
        fill(
            mask,
            dropout.prob,
            mixed(seed, (samples.start + row) as u64),
        );
    }
    x * Tensor::from_data(TensorData::new(mask, shape), &device)
}

/// Fills `mask` with values that are 0 with `probability`, and otherwise scaled to keep a mean of 1.
fn fill(mask: &mut [f32], probability: f64, seed: u64) {
    let threshold = (probability * f64::from(1 << 24)) as u64;
    let kept = (1.0 / (1.0 - probability)) as f32;
    for (i, value) in mask.iter_mut().enumerate() {
        let dropped = mixed(seed, i as u64) >> 40 < threshold;
        *value = if dropped { 0.0 } else { kept };
    }
}

/// A number that depends on all bits of both: the output number `place` of a SplitMix64 generator
/// (Steele, Lea and Flood, 2014) that starts at `seed`.
pub fn mixed(seed: u64, place: u64) -> u64 {
    let z = seed.wrapping_add(place.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use burn::nn::DropoutConfig;

    use super::*;

    fn half() -> Dropout {
        DropoutConfig::new(0.5).init()
    }

    fn ones(rows: usize) -> Tensor<2> {
        Tensor::<2>::ones([rows, 50], &Device::flex()).autodiff()
    }

    fn numbers(x: Tensor<2>) -> Vec<f32> {
        x.into_data().iter::<f32>().collect()
    }

    #[test]
    fn the_right_fraction_is_dropped_and_the_mean_kept() {
        let mut mask = vec![0.0; 300_000];
        fill(&mut mask, 0.1, 7);
        let dropped = mask.iter().filter(|&&v| v == 0.0).count() as f64 / 3e5;
        let mean = mask.iter().map(|&v| f64::from(v)).sum::<f64>() / 3e5;
        assert!((dropped - 0.1).abs() < 3e-3, "{dropped}");
        assert!((mean - 1.0).abs() < 3e-3, "{mean}");
    }

    #[test]
    fn it_is_off_without_autodiff_and_where_frozen() {
        let dropout = half();
        let mean = |x: Tensor<2>| -> f32 { x.square().mean().into_scalar() };
        assert_eq!(mean(drop(&dropout, ones(20).inner())), 1.0);
        assert!(mean(drop(&dropout, ones(20))) > 1.5);
        assert_eq!(mean(drop(&dropout.clone().freeze(), ones(20))), 1.0);
        assert_eq!(mean(drop(&dropout.valid(), ones(20))), 1.0);
    }

    #[test]
    fn parts_of_a_batch_have_the_masks_of_the_whole() {
        let two = |samples: Range<usize>| {
            let rows = samples.len();
            in_step(3, samples, || {
                [(); 2].map(|()| numbers(drop(&half(), ones(rows))))
            })
        };
        let whole = two(0..9);
        let parts = [two(0..4), two(4..9)];
        for (which, mask) in whole.iter().enumerate() {
            let joined = [parts[0][which].clone(), parts[1][which].clone()].concat();
            assert_eq!(*mask, joined);
        }
        // Samples, draws and steps have masks of their own.
        assert_ne!(whole[0][..50], whole[0][50..100]);
        assert_ne!(whole[0], whole[1]);
        let other = in_step(4, 0..9, || numbers(drop(&half(), ones(9))));
        assert_ne!(whole[0], other);
    }

    #[test]
    fn a_step_ends_with_its_work() {
        in_step(1, 5..9, || {
            assert_eq!(next_draw().1, 5..9);
            in_step(2, 7..8, || assert_eq!(next_draw().1, 7..8));
            assert_eq!(next_draw().1, 5..9);
        });
        assert_eq!(next_draw().1.start, 0);
    }
}
