//! Learners: methods other than the network that predict a target from the abundances of a sample,
//! such as forests and linear models.
//!
//! A config is fitted to the training samples of one target column, and the fitted learner is
//! stored in the checkpoint. A training run fits several learners, its members, and combines their
//! predictions.

use std::fmt::Debug;
use std::sync::Arc;

use burn::tensor::Device;
use ndarray::{Array2, Axis};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::export::{ExportedFeatures, Graph, Value};
use crate::{Config, Kind, PluginError, Registry, Resolved};

/// The features of samples as learners see them. The columns are the same in training and prediction.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SampleFeatures {
    /// Relative abundances, `[samples, asvs + clades]`: ASVs, then clades of related ASVs.
    pub shares: Array2<f32>,
    /// Log-abundances, centred over the ASVs of a sample and over its clades, `[samples, asvs + clades]`.
    pub log_ratios: Array2<f32>,
    /// Metadata categories, one-hot with a column per level, `[samples, levels]`.
    pub categories: Array2<f32>,
    /// Number of ASV columns; the columns after them are clades.
    pub asvs: usize,
}

impl SampleFeatures {
    /// Features with these abundances and without categories; the first `asvs` columns are ASVs.
    ///
    /// # Panics
    /// If the abundances differ in shape.
    pub fn new(shares: Array2<f32>, log_ratios: Array2<f32>, asvs: usize) -> Self {
        assert_eq!(shares.dim(), log_ratios.dim(), "shares and log-ratios");
        Self {
            categories: Array2::zeros((shares.nrows(), 0)),
            shares,
            log_ratios,
            asvs,
        }
    }

    /// Sets the `categories`, `[samples, levels]`.
    #[must_use]
    pub fn with_categories(mut self, categories: Array2<f32>) -> Self {
        self.categories = categories;
        self
    }

    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.shares.nrows()
    }

    /// Number of abundance columns and of category columns.
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

/// The target values of training samples.
#[derive(Clone, Copy, Debug)]
pub enum LearnerTarget<'a> {
    /// A number per sample, in the target's unit.
    Numbers(&'a [f64]),
    /// A class per sample. A class may have no sample.
    Classes {
        /// Class of each sample, below `number`.
        of: &'a [usize],
        /// Number of classes, at least 2.
        number: usize,
    },
}

impl LearnerTarget<'_> {
    /// Number of values in a prediction: 1, or a probability for each class.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Numbers(_) => 1,
            Self::Classes { number, .. } => *number,
        }
    }

    /// Number of samples.
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
    /// Their features.
    pub features: &'a SampleFeatures,
    /// Their target values.
    pub target: LearnerTarget<'a>,
    /// The fold of each sample, from 0, for a learner that chooses its settings by cross-validation.
    /// Samples of one group are in one fold.
    pub folds: &'a [usize],
    /// Seed of random draws.
    pub seed: u64,
}

impl<'a> TrainingSamples<'a> {
    /// Training samples in at least two folds.
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

    /// Number of folds.
    pub fn number_of_folds(&self) -> usize {
        self.folds.iter().max().map_or(0, |fold| fold + 1)
    }

    /// The training rows and the validation rows of a fold.
    pub fn split(&self, fold: usize) -> (Vec<usize>, Vec<usize>) {
        (0..self.folds.len()).partition(|&row| self.folds[row] != fold)
    }
}

/// A learner fitted to training samples.
pub trait FittedLearner: Debug + Send + Sync {
    /// Returns the prediction for each sample: `[samples, 1]` in the target's unit, or class
    /// probabilities `[samples, classes]`, each row of which sums to 1.
    fn predict(&self, features: &SampleFeatures) -> Array2<f64>;

    /// Adds [`predict`](Self::predict) to `graph`; the prediction consists of 64-bit numbers. `None` if
    /// the learner cannot be exported.
    fn export(&self, graph: &mut Graph, features: &ExportedFeatures) -> Option<Value> {
        let _ = (graph, features);
        None
    }

    /// Rejects a state that [`predict`](Self::predict) cannot use: one fitted to another number of
    /// abundance columns, category columns or outputs, or one that is damaged, in which an index or a shape
    /// that `predict` relies on is wrong.
    ///
    /// # Errors
    /// A description of the mismatch.
    fn check(&self, widths: (usize, usize), outputs: usize) -> Result<(), String>;
}

/// The options of a learner and how to fit it.
pub trait LearnerConfig: Config + Send + Sync + 'static {
    /// The name by which users choose it, in kebab-case.
    const NAME: &'static str;
    /// Further names by which users may choose it.
    const ALIASES: &'static [&'static str] = &[];
    /// The fitted learner. Checkpoints keep it in the format of the crate `postcard`, which knows no field
    /// names: a field is always written (no `skip_serializing_if`), and an `ndarray` needs that crate's
    /// feature `serde`.
    type Fitted: FittedLearner + Serialize + DeserializeOwned + 'static;

    /// Fits the learner to samples. The result does not depend on the number of threads.
    ///
    /// # Errors
    /// An option out of range ([`PluginError::bad_option`]), or samples from which nothing can be
    /// learned ([`PluginError::study`]).
    fn fit(&self, samples: &TrainingSamples<'_>) -> Result<Self::Fitted, PluginError>;
}

/// A learner of any type, before it is fitted.
pub type BoxedLearner = Box<dyn LearnerObject>;

/// A learner before it is fitted, as a trait object.
pub trait LearnerObject: Debug + Send + Sync {
    /// [`LearnerConfig::fit`].
    ///
    /// # Errors
    /// As for [`LearnerConfig::fit`].
    fn fit(
        &self,
        samples: &TrainingSamples<'_>,
    ) -> Result<Arc<dyn FittedLearnerObject>, PluginError>;

    /// Reads a fitted learner from its saved state.
    ///
    /// # Errors
    /// The state does not belong to this learner.
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

/// A fitted learner that can be saved, as a trait object.
pub trait FittedLearnerObject: FittedLearner {
    /// Returns the state that [`LearnerObject::read`] reads.
    fn state(&self) -> Vec<u8>;
}

impl<T: FittedLearner + Serialize> FittedLearnerObject for T {
    fn state(&self) -> Vec<u8> {
        postcard::to_stdvec(self).unwrap_or_default()
    }
}

/// Returns the learner that `resolved` names.
///
/// # Errors
/// The learner is not linked.
pub fn learner(resolved: &Resolved) -> Result<BoxedLearner, PluginError> {
    Registry::<LearnerKind>::load()?.build(resolved, &(), &Device::default())
}

crate::define_kind! {
    /// The kind of learners ([`LearnerConfig`]). Its components are fitted rather than built, and a run
    /// names several with `--members`.
    pub struct LearnerKind: Kind<Context = (), Component = BoxedLearner> {
        const NAME: &'static str = "learner";
        const SUMMARY: &'static str = "Predicts a target from abundances, trained alongside the network";
        const PLACE: u32 = 45;
    }

    fn build<C: LearnerConfig>(C::NAME, C::ALIASES) = |config, ()| Ok(Box::new(config.clone()));
}

impl LearnerKind {
    /// The learners used if a training run does not name its members.
    pub const BY_DEFAULT: [&str; 2] = ["forest", "kernel"];
}

/// Registers the learner of the given [`LearnerConfig`](crate::LearnerConfig).
#[macro_export]
macro_rules! register_learner {
    ($config:ty) => {
        $crate::register!($crate::LearnerKind, $config);
    };
}
