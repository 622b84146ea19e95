//! Augmentations: random changes of training samples, drawn again each time a sample is learned
//! from.
//!
//! A run applies the augmentations that it names, one after the other, to the samples of every batch.
//! Samples that are evaluated or predicted are never changed.

use std::fmt::Debug;

use crate::Stage;

/// A training sample as the network is to see it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AugmentedSample {
    /// Its ASVs, as columns of the table, in ascending order; at least one.
    pub asvs: Vec<u32>,
    /// The reads of each ASV, above 0. Mixed samples have fractions of reads.
    pub reads: Vec<f32>,
    /// Its value of each target on the scale of training, or the index of its class. Empty in
    /// pre-training.
    pub targets: Vec<f64>,
}

impl AugmentedSample {
    /// A sample with these ASVs, their reads and its targets.
    pub fn new(asvs: Vec<u32>, reads: Vec<f32>, targets: Vec<f64>) -> Self {
        Self {
            asvs,
            reads,
            targets,
        }
    }

    /// The sum of its reads.
    pub fn depth(&self) -> f64 {
        self.reads.iter().map(|reads| f64::from(*reads)).sum()
    }
}

/// The samples that a network is trained on, unchanged. They are numbered from 0.
pub trait SamplePool: Debug + Sync {
    /// Number of samples, at least 1.
    fn samples(&self) -> usize;

    /// The sample `number`.
    fn sample(&self, number: usize) -> AugmentedSample;

    /// The targets of the sample `number`, as in [`AugmentedSample::targets`].
    fn targets(&self, number: usize) -> &[f64];

    /// For each target, whether its values are classes.
    fn are_classes(&self) -> &[bool];
}

/// The circumstances of one change of one sample.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AugmentationDraw<'a> {
    /// All training samples.
    pub pool: &'a dyn SamplePool,
    /// The number of the changed sample among them.
    pub own: usize,
    /// Seed of the random numbers of this change: a function of the run's seed, the batch, the sample
    /// and the augmentation.
    pub seed: u64,
}

impl<'a> AugmentationDraw<'a> {
    /// A change of the sample `own` of `pool` with the given `seed`.
    pub fn new(pool: &'a dyn SamplePool, own: usize, seed: u64) -> Self {
        Self { pool, own, seed }
    }
}

/// What an augmentation is built for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AugmentationContext {
    /// Whether the ASV encoder reads sequences in every update. Otherwise each ASV is encoded once per
    /// run.
    pub reads_sequences: bool,
    /// Whether samples have targets.
    pub has_targets: bool,
    /// Whether distances between samples, or other values of an objective, are learned. They remain
    /// those of the unchanged samples.
    pub learns_distances: bool,
}

impl AugmentationContext {
    /// A run that encodes each ASV once, and has neither targets nor distances.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether the ASV encoder reads sequences in every update.
    #[must_use]
    pub fn reading_sequences(mut self, is_so: bool) -> Self {
        self.reads_sequences = is_so;
        self
    }

    /// Sets whether samples have targets.
    #[must_use]
    pub fn with_targets(mut self, is_so: bool) -> Self {
        self.has_targets = is_so;
        self
    }

    /// Sets whether distances between samples are learned.
    #[must_use]
    pub fn learning_distances(mut self, is_so: bool) -> Self {
        self.learns_distances = is_so;
        self
    }
}

/// A random change of training samples, of sequences, or of both. Equal seeds give equal changes.
pub trait Augmentation: Debug + Send + Sync {
    /// Returns the `sample` with other reads, ASVs or numeric targets. ASVs may be those of any
    /// sample in the pool; classes are unchanged.
    fn augment(&self, sample: AugmentedSample, draw: &AugmentationDraw<'_>) -> AugmentedSample {
        let _ = draw;
        sample
    }

    /// Whether it changes sequences, by [`mutate`](Self::mutate).
    fn changes_sequences(&self) -> bool {
        false
    }

    /// Changes bases among the `tokens` ([`tokens`](crate::tokens)) of one ASV; all samples of a
    /// batch that have the ASV see the same change. Other tokens are unchanged.
    fn mutate(&self, tokens: &mut [u8], seed: u64) {
        let _ = (tokens, seed);
    }
}

crate::define_kind! {
    /// The kind of [`Augmentation`]s. A run names several, in order, with `--augmentation`.
    pub struct AugmentationKind: Kind<Context = AugmentationContext> {
        const NAME: &'static str = "augmentation";
        const SUMMARY: &'static str = "Changes training samples at random in every epoch";
        const CHOSEN_IN: &'static [Stage] = &[];
        const PLACE: u32 = 55;
    }

    /// The options of an augmentation and how to build it. `init` refuses a run in which the
    /// augmentation would have no effect or would contradict what is learned
    /// ([`PluginError::needs`](crate::PluginError::needs),
    /// [`PluginError::cannot`](crate::PluginError::cannot)).
    pub trait AugmentationConfig {
        /// What it builds.
        type Augmentation: Augmentation;
    }

    /// An augmentation of any type.
    pub type BoxedAugmentation = boxed;
}

/// Registers the augmentation that the given [`AugmentationConfig`](crate::AugmentationConfig) builds.
#[macro_export]
macro_rules! register_augmentation {
    ($config:ty) => {
        $crate::register!($crate::AugmentationKind, $config);
    };
}
