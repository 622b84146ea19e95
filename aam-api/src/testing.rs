//! The conformance suites: what every component must satisfy to work in any run.
//!
//! A crate that supplies a component calls the function for its kind from a test, with the feature
//! `testing` of this crate enabled in its `[dev-dependencies]`:
//!
//! ```no_run
//! # use aam_api::{Head, HeadConfig, HeadContext, HeadInput, HeadOutput, PluginError};
//! # #[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
//! # struct MyHeadConfig {}
//! # #[derive(burn::module::Module, Debug)]
//! # struct MyHead;
//! # impl Head for MyHead {
//! #     fn forward(&self, _: HeadInput) -> HeadOutput { unimplemented!() }
//! # }
//! # impl HeadConfig for MyHeadConfig {
//! #     const NAME: &'static str = "mine";
//! #     type Head = MyHead;
//! #     fn init(&self, _: &HeadContext, _: &burn::tensor::Device) -> Result<MyHead, PluginError> {
//! #         Ok(MyHead)
//! #     }
//! # }
//! // In `#[test] fn conforms()`:
//! aam_api::testing::head(&MyHeadConfig::default());
//! ```
//!
//! The suites check:
//! - **Options**: documentation, kebab-case names, defaults that resolve to themselves and survive the
//!   conversion to the text of a flag, errors for unknown options and wrong types.
//! - **Shapes and values**: outputs have the documented shape and are finite, for one and for several
//!   targets, with and without categories.
//! - **Gradients**: they reach every parameter and every input, and agree with finite differences.
//! - **Saving**: a component saved and loaded gives bitwise equal outputs.
//! - **Determinism**: outside training the same input gives bitwise equal outputs; an option named
//!   `dropout` has an effect in training, and only in training.
//! - **Ranks** (strategies): gradients are summed over ranks and updated parameters come back; rows are
//!   gathered in order, with gradients; every collective of the ranks' connection does what it documents.
//! - **Independence**: a sample's output depends on that sample alone (heads, fusions, losses); a
//!   target's loss on that target alone; padding has no influence (fusions, sample encoders); an ASV's
//!   embedding depends on that ASV alone, and a sample's not on the order of its ASVs.
//! - **Attention** (fusions, heads, sample encoders): weights are published if and only if the component
//!   declares it, and those of a query sum to 1 over its keys, without padding.
//! - **Recomputation** (ASV encoders): embeddings and gradients computed chunk by chunk equal those of
//!   the whole, also by the encoder's own method, and a seed determines the dropout.
//! - **Truth** (objectives): distances are symmetric, zero on the diagonal and independent of what else
//!   is requested; there is one value per sample.
//! - **Metrics**: their direction agrees with better and worse predictions, their unit with that of the
//!   target; the order of samples and the way sets are merged change at most the last bits; they are
//!   finite for ordinary predictions, and have the declared value if all true values are equal.
//! - **Learners**: they learn an easy target, and fit degenerate samples without failing; a fit and its
//!   saved state predict the same each time, each sample independently; a damaged state or one with
//!   other columns is rejected.
//! - **Augmentations**: equal seeds give equal changes; samples keep at least one ASV, positive reads
//!   and their classes, numbers stay within those of the study; only bases of sequences change.
//!
//! A crate that defines a kind implements [`Conformance`] for it and registers the suite with
//! [`register_suite!`](crate::register_suite), so that [`all_linked`] includes it.
//!
//! Components are built for embeddings of width 16. A component may refuse a run that lacks what it
//! needs ([`PluginError::Needs`](crate::PluginError)), but must work in at least one of the runs tried.
//! The functions that take a config panic with a description of the problem, for use in tests.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::Device;
use serde_json::{Map, Value};

use crate::kind::{Builds, kinds};
use crate::{
    AsvEncoderConfig, AsvEncoderKind, AugmentationConfig, AugmentationKind, Communicator, Config,
    CountEmbeddingConfig, CountEmbeddingKind, FusionConfig, FusionKind, HeadConfig, HeadKind, Kind,
    LearnerConfig, LearnerKind, LossConfig, LossKind, MetricConfig, MetricKind, ObjectiveConfig,
    ObjectiveKind, OptimizerConfig, OptimizerKind, Plugin, PluginError, Registry,
    SampleEncoderConfig, SampleEncoderKind, ScheduleConfig, ScheduleKind, StrategyConfig,
    StrategyKind, TransformConfig, TransformKind, options,
};

mod asv_encoder;
mod attention;
mod augmentation;
mod categories;
mod communicator;
mod count_embedding;
mod fusion;
mod gradient;
mod head;
mod known_samples;
mod learner;
mod loss;
mod metric;
mod numbers;
mod objective;
mod optimizer;
mod parameters;
mod plugin;
mod sample_encoder;
mod schedule;
mod strategy;
mod study;
mod subject;
mod transform;

pub use known_samples::KnownSamples;

/// A description of the problem, or `Ok`.
pub type Check = Result<(), String>;

/// Returns the message unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($message:tt)*) => {
        match $condition {
            true => {}
            false => return Err(format!($($message)*)),
        }
    };
}
use ensure;

/// Width of the embeddings in the suite.
const DIM: usize = 16;

/// A kind whose components have a suite.
pub trait Conformance: Kind {
    /// The separator between the words of a component's name.
    const BETWEEN_WORDS: char = '-';

    /// Checks what components of this kind guarantee, in addition to what every component does;
    /// `options` are complete.
    ///
    /// # Errors
    /// A description of the problem.
    fn check(plugin: &Plugin<Self>, options: &Map<String, Value>) -> Check;
}

/// Checks a plugin with `options`, which may be empty.
///
/// # Errors
/// A description of the problem.
pub fn check<K: Conformance>(plugin: &Plugin<K>, options: &Map<String, Value>) -> Check {
    plugin::check(plugin, K::BETWEEN_WORDS)?;
    K::check(plugin, &plugin::resolve(plugin, options)?)
}

/// Checks the component of kind `K` that `config` builds.
///
/// # Panics
/// If the component violates a guarantee; the message says which.
#[track_caller]
pub fn conforms<K: Conformance + Builds<C>, C: Config>(config: &C) {
    let plugin = Plugin::<K>::of::<C>("", "");
    let checked = match options::to_map(config) {
        Ok(options) => check(&plugin, &options),
        Err(error) => Err(error.to_string()),
    };
    if let Err(problem) = checked {
        panic!("{} '{}': {problem}", K::NAME, plugin.name);
    }
}

/// Checks the head that `config` builds.
///
/// # Panics
/// If the head violates a guarantee; the message says which.
#[track_caller]
pub fn head<C: HeadConfig>(config: &C) {
    conforms::<HeadKind, C>(config);
}

/// Checks the fusion that `config` builds.
///
/// # Panics
/// If the fusion violates a guarantee; the message says which.
#[track_caller]
pub fn fusion<C: FusionConfig>(config: &C) {
    conforms::<FusionKind, C>(config);
}

/// Checks the loss that `config` builds.
///
/// # Panics
/// If the loss violates a guarantee; the message says which.
#[track_caller]
pub fn loss<C: LossConfig>(config: &C) {
    conforms::<LossKind, C>(config);
}

/// Checks the metric of `config`.
///
/// # Panics
/// If the metric violates a guarantee; the message says which.
#[track_caller]
pub fn metric<C: MetricConfig>(config: &C) {
    conforms::<MetricKind, C>(config);
}

/// Checks the strategy that `config` builds, with one rank and with several in threads.
///
/// # Panics
/// If the strategy violates a guarantee; the message says which.
#[track_caller]
pub fn strategy<C: StrategyConfig>(config: &C) {
    conforms::<StrategyKind, C>(config);
}

/// Checks the ASV encoder that `config` builds.
///
/// # Panics
/// If the ASV encoder violates a guarantee; the message says which.
#[track_caller]
pub fn asv_encoder<C: AsvEncoderConfig>(config: &C) {
    conforms::<AsvEncoderKind, C>(config);
}

/// Checks the sample encoder that `config` builds.
///
/// # Panics
/// If the sample encoder violates a guarantee; the message says which.
#[track_caller]
pub fn sample_encoder<C: SampleEncoderConfig>(config: &C) {
    conforms::<SampleEncoderKind, C>(config);
}

/// Checks the count embedding that `config` builds.
///
/// # Panics
/// If the count embedding violates a guarantee; the message says which.
#[track_caller]
pub fn count_embedding<C: CountEmbeddingConfig>(config: &C) {
    conforms::<CountEmbeddingKind, C>(config);
}

/// Checks the objective that `config` builds.
///
/// # Panics
/// If the objective violates a guarantee; the message says which.
#[track_caller]
pub fn objective<C: ObjectiveConfig>(config: &C) {
    conforms::<ObjectiveKind, C>(config);
}

/// Checks the optimizer that `config` builds.
///
/// # Panics
/// If the optimizer violates a guarantee; the message says which.
#[track_caller]
pub fn optimizer<C: OptimizerConfig>(config: &C) {
    conforms::<OptimizerKind, C>(config);
}

/// Checks the schedule that `config` builds.
///
/// # Panics
/// If the schedule violates a guarantee; the message says which.
#[track_caller]
pub fn schedule<C: ScheduleConfig>(config: &C) {
    conforms::<ScheduleKind, C>(config);
}

/// Checks the target transform that `config` fits.
///
/// # Panics
/// If the target transform violates a guarantee; the message says which.
#[track_caller]
pub fn transform<C: TransformConfig>(config: &C) {
    conforms::<TransformKind, C>(config);
}

/// Checks the learner that `config` fits.
///
/// # Panics
/// If the learner violates a guarantee; the message says which.
#[track_caller]
pub fn learner<C: LearnerConfig>(config: &C) {
    conforms::<LearnerKind, C>(config);
}

/// Checks the augmentation that `config` builds.
///
/// # Panics
/// If the augmentation violates a guarantee; the message says which.
#[track_caller]
pub fn augmentation<C: AugmentationConfig>(config: &C) {
    conforms::<AugmentationKind, C>(config);
}

/// Checks the connection of `ranks`, which are all ranks of a run in order; each runs in its own
/// thread here, with tensors on `device`.
///
/// # Panics
/// If a rank violates a guarantee; the message says which.
#[track_caller]
pub fn communicators(ranks: &[&dyn Communicator], device: &Device) {
    if let Err(problem) = communicator::check(ranks, device) {
        panic!("{} ranks: {problem}", ranks.len());
    }
}

/// The suite of a kind, for programs that treat all kinds alike;
/// [`register_suite!`](crate::register_suite) creates it.
pub struct Suite {
    /// The kind.
    pub kind: &'static str,
    names: fn() -> Result<Vec<&'static str>, PluginError>,
    check: fn(&str, &Map<String, Value>) -> Check,
}

inventory::collect!(Suite);

impl Suite {
    /// The suite of the kind `K`.
    pub const fn of<K: Conformance>() -> Self {
        Self {
            kind: K::NAME,
            names: || {
                let registry = Registry::<K>::load()?;
                Ok(registry.iter().map(|plugin| plugin.name).collect())
            },
            check: |name, options| {
                let registry = Registry::<K>::load().map_err(|error| error.to_string())?;
                let plugin = registry.find(name).map_err(|error| error.to_string())?;
                check(plugin, options)
            },
        }
    }

    /// Checks the linked component named `name` with `options`, which may be empty. A panic of the
    /// component counts as a violation.
    ///
    /// # Errors
    /// A description of the problem.
    pub fn check(&self, name: &str, options: &Map<String, Value>) -> Check {
        let checked = catch_unwind(AssertUnwindSafe(|| (self.check)(name, options)));
        let checked = checked.unwrap_or_else(|_| Err("panics".to_owned()));
        checked.map_err(|problem| format!("{} '{name}': {problem}", self.kind))
    }
}

/// All suites, sorted by the name of their kind.
pub fn suites() -> Vec<&'static Suite> {
    let mut suites: Vec<&Suite> = inventory::iter::<Suite>.into_iter().collect();
    suites.sort_by_key(|suite| suite.kind);
    suites
}

/// The kinds that have no suite.
///
/// # Errors
/// Two kinds share a name.
pub fn kinds_without_suite() -> Result<Vec<&'static str>, PluginError> {
    let suites = suites();
    let known = |kind: &str| suites.iter().any(|suite| suite.kind == kind);
    let kinds = kinds()?.into_iter().map(|kind| kind.name);
    Ok(kinds.filter(|kind| !known(kind)).collect())
}

/// Checks every linked component of every kind that has a suite, with its default options, and
/// returns the problems found, one line per component.
///
/// # Errors
/// Two components share a name.
pub fn all_linked() -> Result<Vec<String>, PluginError> {
    let mut problems = Vec::new();
    for suite in suites() {
        for name in (suite.names)()? {
            problems.extend(suite.check(name, &Map::new()).err());
        }
    }
    Ok(problems)
}

/// Registers the suite of a kind that implements [`Conformance`](crate::testing::Conformance).
#[macro_export]
macro_rules! register_suite {
    ($kind:ty) => {
        $crate::plumbing::inventory::submit! { $crate::testing::Suite::of::<$kind>() }
    };
}
