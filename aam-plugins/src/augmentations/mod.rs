//! Augmentations: random changes of training samples.

pub mod asv_dropout;
pub mod mixup;
pub mod mutation;
pub mod rarefaction;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The generator of a change with the given seed.
fn generator(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

#[cfg(test)]
pub(crate) mod known {
    use aam_api::{AugmentationContext, AugmentationDraw, AugmentedSample, SamplePool};

    /// Samples with known targets.
    #[derive(Debug)]
    pub(crate) struct Pool {
        pub samples: Vec<AugmentedSample>,
        pub classes: Vec<bool>,
    }

    impl SamplePool for Pool {
        fn samples(&self) -> usize {
            self.samples.len()
        }

        fn sample(&self, number: usize) -> AugmentedSample {
            self.samples[number].clone()
        }

        fn targets(&self, number: usize) -> &[f64] {
            &self.samples[number].targets
        }

        fn are_classes(&self) -> &[bool] {
            &self.classes
        }
    }

    impl Pool {
        /// A single sample without targets, whose ASVs have these `reads`.
        pub(crate) fn of_one(reads: &[f32]) -> Self {
            let asvs = (0..reads.len() as u32).map(|asv| 2 * asv).collect();
            Self {
                samples: vec![AugmentedSample::new(asvs, reads.to_vec(), Vec::new())],
                classes: Vec::new(),
            }
        }

        /// The draw for the sample `own`.
        pub(crate) fn draw(&self, own: usize, seed: u64) -> AugmentationDraw<'_> {
            AugmentationDraw::new(self, own, seed)
        }
    }

    /// A training of targets, with an encoder that learns.
    pub(crate) fn training() -> AugmentationContext {
        AugmentationContext::new()
            .with_targets(true)
            .reading_sequences(true)
    }
}
