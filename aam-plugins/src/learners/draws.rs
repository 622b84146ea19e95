//! Named random streams.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The generator of the part `number` of `name` under `seed`, whoever draws it and when.
pub(super) fn stream(seed: u64, name: &str, number: usize) -> ChaCha8Rng {
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&(number as u64).to_le_bytes());
    for (place, letter) in key[16..].iter_mut().zip(name.bytes()) {
        *place = letter;
    }
    ChaCha8Rng::from_seed(key)
}
