//! The random draws of a batch.

use aam_api::Recomputation;
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

/// Seeds of the dropout in ASVs.
#[derive(Clone, Copy, Debug)]
pub struct AsvSeeds {
    of_all: u64,
    own: u64,
}

impl AsvSeeds {
    /// The same seed for every encoder.
    pub fn of_one_replica(seed: u64) -> Self {
        Self {
            of_all: seed,
            own: seed,
        }
    }

    /// The seed for `encoder`: that of all replicas if the encoder derives masks from the ASVs, or one
    /// of this replica, so that different ASVs on different replicas have different masks.
    pub fn of(self, encoder: &Recomputation<'_>) -> u64 {
        match encoder.has_own_way() {
            true => self.of_all,
            false => self.own,
        }
    }
}

impl Draws {
    /// The stream for one purpose, which is the same on all replicas.
    pub fn stream(&self, purpose: &str) -> ChaCha8Rng {
        stream(self.seed, &format!("{purpose} of batch {}", self.batch))
    }

    /// A seed for draws that are functions of the seed and of a sample or an ASV; the same on all
    /// replicas.
    pub fn seed(&self, purpose: &str) -> u64 {
        self.stream(purpose).random()
    }

    /// Seeds of the dropout in ASVs.
    pub fn asv_seeds(&self, purpose: &str) -> AsvSeeds {
        AsvSeeds {
            of_all: self.seed(purpose),
            own: self.device_seed(purpose),
        }
    }

    /// A seed for draws on the device itself, such as dropout; different on each replica.
    pub fn device_seed(&self, purpose: &str) -> u64 {
        match self.replica {
            0 => self.seed(purpose),
            number => self.stream(&format!("{purpose} on rank {number}")).random(),
        }
    }
}
