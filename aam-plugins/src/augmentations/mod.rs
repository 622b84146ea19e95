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

/// A training run on targets, with an encoder that learns.
#[cfg(test)]
fn training() -> aam_api::AugmentationContext {
    aam_api::AugmentationContext::new()
        .with_targets(true)
        .reading_sequences(true)
}
