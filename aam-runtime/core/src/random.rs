//! Seeded, named random streams.
//!
//! Every random draw of a run comes from a stream named for its purpose, so that adding a draw in
//! one place changes no numbers elsewhere.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};

/// The generator of the stream `name` for `seed`; equal arguments give equal draws.
///
/// ```
/// use rand::RngExt;
/// let mut a = aam_core::random::stream(7, "rarefy");
/// let mut b = aam_core::random::stream(7, "rarefy");
/// assert_eq!(a.random::<u64>(), b.random::<u64>());
/// ```
pub fn stream(seed: u64, name: &str) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(name.as_bytes());
    ChaCha8Rng::from_seed(hash.finalize().into())
}
