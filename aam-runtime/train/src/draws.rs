//! The random draws of a batch.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use aam_core::random::stream;

/// The random draws of one batch, each from a stream of its own.
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    /// Seed of the run.
    pub seed: u64,
    /// Number of the batch in the run, from 0.
    pub batch: usize,
    /// Number of the replica that draws, from 0.
    pub replica: usize,
}

impl Draws {
    /// The stream for one purpose, alike on all replicas.
    pub fn stream(&self, purpose: &str) -> ChaCha8Rng {
        stream(self.seed, &format!("{purpose} of batch {}", self.batch))
    }

    /// A seed for draws that the device makes itself, such as dropout; another on each replica.
    pub fn device_seed(&self, purpose: &str) -> u64 {
        match self.replica {
            0 => self.stream(purpose).random(),
            number => self.stream(&format!("{purpose} on rank {number}")).random(),
        }
    }
}
