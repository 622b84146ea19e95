//! The random draws of a batch.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use aam_core::random::stream;

/// The random draws of a batch, each from its own stream.
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    /// Random seed of the run.
    pub seed: u64,
    /// Index of the batch in the run, from 0.
    pub batch: usize,
    /// Index of the replica, from 0.
    pub replica: usize,
}

impl Draws {
    /// The stream for one purpose, which is the same on all replicas.
    pub fn stream(&self, purpose: &str) -> ChaCha8Rng {
        stream(self.seed, &format!("{purpose} of batch {}", self.batch))
    }

    /// A seed for draws on the device itself, such as dropout; different on each replica.
    pub fn device_seed(&self, purpose: &str) -> u64 {
        match self.replica {
            0 => self.stream(purpose).random(),
            number => self.stream(&format!("{purpose} on rank {number}")).random(),
        }
    }
}
