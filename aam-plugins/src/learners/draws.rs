//! Named random streams.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The generator of stream `number` of `name` under `seed`, independent of the order of use.
pub(super) fn stream(seed: u64, name: &str, number: usize) -> ChaCha8Rng {
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&(number as u64).to_le_bytes());
    for (place, letter) in key[16..].iter_mut().zip(name.bytes()) {
        *place = letter;
    }
    ChaCha8Rng::from_seed(key)
}
