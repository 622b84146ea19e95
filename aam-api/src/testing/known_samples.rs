//! Training samples with known reads and targets, for tests of augmentations.

use crate::{AugmentationDraw, AugmentedSample, SamplePool};

/// Training samples with known reads and targets.
#[derive(Clone, Debug)]
pub struct KnownSamples {
    /// The samples.
    pub samples: Vec<AugmentedSample>,
    /// Whether each target holds classes.
    pub classes: Vec<bool>,
}

impl KnownSamples {
    /// A single sample without targets. Its ASVs are the even numbers from 0, and have these `reads`.
    pub fn of_one(reads: &[f32]) -> Self {
        let asvs = (0..reads.len() as u32).map(|asv| 2 * asv).collect();
        Self {
            samples: vec![AugmentedSample::new(asvs, reads.to_vec(), Vec::new())],
            classes: Vec::new(),
        }
    }

    /// The draw with this `seed` for the sample `own`.
    pub fn draw(&self, own: usize, seed: u64) -> AugmentationDraw<'_> {
        AugmentationDraw::new(self, own, seed)
    }

    /// The smallest and the largest value of a target.
    pub fn range(&self, target: usize) -> (f64, f64) {
        let values = self.samples.iter().map(|sample| sample.targets[target]);
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        })
    }
}

impl SamplePool for KnownSamples {
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
