//! Learners: methods other than the network that predict a target from the abundances of a sample,
//! such as forests and linear models.
//!
//! A config is fitted to the training samples of one target column. What comes of it is part of the
//! checkpoint. A training fits several of them, its members, and combines what they predict.

use std::fmt::Debug;
use std::sync::Arc;

use burn::tensor::Device;
use ndarray::{Array2, Axis};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Config, Kind, PluginError, Registry, Resolved};

/// What learners see of some samples. Columns are the same in training and prediction.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SampleFeatures {
    /// Shares of a sample's reads, `[samples, asvs + clades]`: ASVs, then clades of related ASVs.
    pub shares: Array2<f32>,
    /// Logarithms of abundances, centred over the ASVs of a sample and over its clades,
    /// `[samples, asvs + clades]`.
    pub log_ratios: Array2<f32>,
    /// Categories of metadata, a column for each level, 1 where a sample has it, `[samples, levels]`.
    pub categories: Array2<f32>,
    /// How many columns are ASVs; those after them are clades.
    pub asvs: usize,
}

impl SampleFeatures {
    /// Of the given abundances, without categories; the first `asvs` columns are ASVs.
    ///
    /// # Panics
    /// Abundances of different shapes.
    pub fn new(shares: Array2<f32>, log_ratios: Array2<f32>, asvs: usize) -> Self {
        assert_eq!(shares.dim(), log_ratios.dim(), "shares and log-ratios");
        Self {
            categories: Array2::zeros((shares.nrows(), 0)),
            shares,
            log_ratios,
            asvs,
        }
    }

    /// With `categories`, `[samples, levels]`.
    #[must_use]
    pub fn with_categories(mut self, categories: Array2<f32>) -> Self {
        self.categories = categories;
        self
    }

    /// How many samples there are.
    pub fn samples(&self) -> usize {
        self.shares.nrows()
    }

    /// Columns of abundances and of categories.
    pub fn widths(&self) -> (usize, usize) {
        (self.shares.ncols(), self.categories.ncols())
    }

    /// The samples at `rows`.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            shares: self.shares.select(Axis(0), rows),
            log_ratios: self.log_ratios.select(Axis(0), rows),
            categories: self.categories.select(Axis(0), rows),
            asvs: self.asvs,
        }
    }
}

/// What is true of training samples.
#[derive(Clone, Copy, Debug)]
pub enum LearnerTarget<'a> {
    /// A number of each, in the target's unit.
    Numbers(&'a [f64]),
    /// The class of each. A class may have no sample.
    Classes {
        /// Class of each sample, below `number`.
        of: &'a [usize],
        /// How many classes there are, at least 2.
        number: usize,
    },
}

impl LearnerTarget<'_> {
    /// Values that a prediction has: 1, or a probability for each class.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Numbers(_) => 1,
            Self::Classes { number, .. } => *number,
        }
    }

    /// How many samples there are.
    pub fn samples(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Classes { of, .. } => of.len(),
        }
    }
}

/// The training samples of a target.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TrainingSamples<'a> {
    /// What is seen of them.
    pub features: &'a SampleFeatures,
    /// What is true of them.
    pub target: LearnerTarget<'a>,
    /// The fold of each, from 0, by which a learner chooses its settings: samples that belong
    /// together are in one fold.
    pub folds: &'a [usize],
    /// Where random draws begin.
    pub seed: u64,
}

impl<'a> TrainingSamples<'a> {
    /// Samples with at least two folds.
    pub fn new(
        features: &'a SampleFeatures,
        target: LearnerTarget<'a>,
        folds: &'a [usize],
        seed: u64,
    ) -> Self {
        Self {
            features,
            target,
            folds,
            seed,
        }
    }

    /// How many folds there are.
    pub fn number_of_folds(&self) -> usize {
        self.folds.iter().max().map_or(0, |fold| fold + 1)
    }

    /// Rows to learn from and rows to judge by, of a fold.
    pub fn split(&self, fold: usize) -> (Vec<usize>, Vec<usize>) {
        (0..self.folds.len()).partition(|&row| self.folds[row] != fold)
    }
}

/// A learner that was fitted to training samples.
pub trait FittedLearner: Debug + Send + Sync {
    /// What is predicted of each sample: `[samples, 1]` in the target's unit, or probabilities
    /// `[samples, classes]`, each row of which adds up to 1.
    fn predict(&self, features: &SampleFeatures) -> Array2<f64>;

    /// Refuses a state that [`predict`](Self::predict) could not go on with: that of other numbers
    /// of abundances and categories or of other outputs, or one that is damaged.
    ///
    /// # Errors
    /// What does not fit, in words.
    fn check(&self, widths: (usize, usize), outputs: usize) -> Result<(), String>;
}

/// The options of a learner and how to fit it.
pub trait LearnerConfig: Config + Send + Sync + 'static {
    /// The name people choose it by, in kebab-case.
    const NAME: &'static str;
    /// Further names that people may choose it by.
    const ALIASES: &'static [&'static str] = &[];
    /// What fitting makes.
    type Fitted: FittedLearner + Serialize + DeserializeOwned + 'static;

    /// Fits it to samples. The number of threads changes nothing.
    ///
    /// # Errors
    /// An option out of range ([`PluginError::bad_option`]), or samples from which nothing can be
    /// learnt ([`PluginError::study`]).
    fn fit(&self, samples: &TrainingSamples<'_>) -> Result<Self::Fitted, PluginError>;
}

/// A learner of any type that is to be fitted.
pub type BoxedLearner = Box<dyn LearnerObject>;

/// A learner that is to be fitted, behind a trait object.
pub trait LearnerObject: Debug + Send + Sync {
    /// [`LearnerConfig::fit`].
    ///
    /// # Errors
    /// Those of it.
    fn fit(
        &self,
        samples: &TrainingSamples<'_>,
    ) -> Result<Arc<dyn FittedLearnerObject>, PluginError>;

    /// A learner that was fitted, from its state.
    ///
    /// # Errors
    /// A state of something else.
    fn read(&self, state: &[u8]) -> Result<Arc<dyn FittedLearnerObject>, PluginError>;
}

impl<C: LearnerConfig> LearnerObject for C {
    fn fit(
        &self,
        samples: &TrainingSamples<'_>,
    ) -> Result<Arc<dyn FittedLearnerObject>, PluginError> {
        Ok(Arc::new(LearnerConfig::fit(self, samples)?))
    }

    fn read(&self, state: &[u8]) -> Result<Arc<dyn FittedLearnerObject>, PluginError> {
        let fitted: Result<C::Fitted, _> = postcard::from_bytes(state);
        match fitted {
            Ok(fitted) => Ok(Arc::new(fitted)),
            Err(error) => Err(bad_state(C::NAME, error.to_string())),
        }
    }
}

fn bad_state(name: &'static str, problem: String) -> PluginError {
    PluginError::bad_state(LearnerKind::NAME, name, problem)
}

/// A fitted learner that can be saved, behind a trait object.
pub trait FittedLearnerObject: FittedLearner {
    /// What [`LearnerObject::read`] reads back.
    fn state(&self) -> Vec<u8>;
}

impl<T: FittedLearner + Serialize> FittedLearnerObject for T {
    fn state(&self) -> Vec<u8> {
        postcard::to_stdvec(self).unwrap_or_default()
    }
}

/// The learner that `resolved` names.
///
/// # Errors
/// One that is not linked.
pub fn learner(resolved: &Resolved) -> Result<BoxedLearner, PluginError> {
    Registry::<LearnerKind>::load()?.build(resolved, &(), &Device::default())
}

crate::define_kind! {
    /// The kind of learners ([`LearnerConfig`]). Its components are not built but fitted; a run names
    /// several with `--members`.
    pub struct LearnerKind: Kind<Context = (), Component = BoxedLearner> {
        const NAME: &'static str = "learner";
        const SUMMARY: &'static str = "Predicts a target from abundances, in a training alongside the network";
        const PLACE: u32 = 45;
    }

    fn build<C: LearnerConfig>(C::NAME, C::ALIASES) = |config, ()| Ok(Box::new(config.clone()));
}

impl LearnerKind {
    /// The learners of a training that does not name its members.
    pub const BY_DEFAULT: [&str; 2] = ["forest", "kernel"];
}

/// Registers the learner of the given [`LearnerConfig`](crate::LearnerConfig).
#[macro_export]
macro_rules! register_learner {
    ($config:ty) => {
        $crate::register!($crate::LearnerKind, $config);
    };
}
