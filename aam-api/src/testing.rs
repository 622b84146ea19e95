//! The conformance suite: what every component must satisfy to work in any run.
//!
//! A crate that supplies a component calls the function of its kind from a test, with the feature
//! `testing` of this crate switched on in its `[dev-dependencies]`:
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
//! Every kind is checked for:
//! - **Options**: documentation, kebab-case names, defaults that resolve to themselves and survive
//!   the text of a flag, errors for unknown options and wrong types.
//! - **Shapes and values**: outputs of the promised shape, finite, for one and for several targets,
//!   with and without categories.
//! - **Gradients**: they reach every parameter and every input, and agree with finite differences.
//! - **Saving**: a component saved and loaded gives bit-equal outputs.
//! - **Determinism**: outside training the same input gives bit-equal outputs; an option called
//!   `dropout` has effect in training, and in training only.
//! - **Ranks** (strategies): gradients are added over ranks and come back as parameters; rows are
//!   gathered in order, with gradients; every collective of the ranks' connection does what it says.
//! - **Independence**: a sample's output depends on that sample alone (heads, fusions, losses); a
//!   target's loss on that target alone; padding influences nothing (fusions, sample encoders); an
//!   ASV's embedding depends on that ASV alone, a sample's on no order of its ASVs.
//! - **Recomputation** (ASV encoders): embeddings and gradients chunk by chunk are those of the whole,
//!   also by a way that the encoder has of its own, and a seed settles what drops out.
//! - **Truth** (objectives): distances are symmetric, zero on the diagonal and the same whatever else
//!   is asked for; values are one a sample.
//! - **Metrics**: their direction agrees with better and worse predictions, their unit with that of
//!   the target; the order of samples and how sets are merged change at most the last bits; they are
//!   finite on ordinary predictions, and what they say where every true value is the same.
//! - **Learners**: they learn what is easy, from odd samples at least something; a fit and its saved
//!   state predict the same each time, of each sample by itself; a state that is damaged or of other
//!   columns is refused.
//!
//! A crate with a kind of its own implements [`Conformance`] for it and registers the suite with
//! [`register_suite!`](crate::register_suite), so that [`all_linked`] knows it.
//!
//! Components are built for embeddings of width 16. A component may refuse a run that lacks what
//! it needs ([`PluginError::Needs`](crate::PluginError)), but must work in one of the runs tried.
//! The functions that take a config panic with what is wrong, for use in tests.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::Device;
use serde_json::{Map, Value};

use crate::kind::{Builds, kinds};
use crate::{
    AsvEncoderConfig, AsvEncoderKind, Communicator, Config, CountEmbeddingConfig,
    CountEmbeddingKind, FusionConfig, FusionKind, HeadConfig, HeadKind, Kind, LearnerConfig,
    LearnerKind, LossConfig, LossKind, MetricConfig, MetricKind, ObjectiveConfig, ObjectiveKind,
    OptimizerConfig, OptimizerKind, Plugin, PluginError, Registry, SampleEncoderConfig,
    SampleEncoderKind, ScheduleConfig, ScheduleKind, StrategyConfig, StrategyKind, TransformConfig,
    TransformKind, options,
};

mod asv_encoder;
mod categories;
mod communicator;
mod count_embedding;
mod fusion;
mod gradient;
mod head;
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

/// What is wrong, or nothing.
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

/// Width of the embeddings of the suite.
const DIM: usize = 16;

/// A kind whose components have a suite.
pub trait Conformance: Kind {
    /// What stands between the words of a component's name.
    const BETWEEN_WORDS: char = '-';

    /// Checks what components of this kind promise, in addition to what those of every kind do; `options`
    /// are complete.
    ///
    /// # Errors
    /// What is wrong.
    fn check(plugin: &Plugin<Self>, options: &Map<String, Value>) -> Check;
}

/// Checks a plugin with `options`, which may be empty.
///
/// # Errors
/// What is wrong.
pub fn check<K: Conformance>(plugin: &Plugin<K>, options: &Map<String, Value>) -> Check {
    plugin::check(plugin, K::BETWEEN_WORDS)?;
    K::check(plugin, &plugin::resolve(plugin, options)?)
}

/// Checks the component of the kind `K` that `config` builds.
///
/// # Panics
/// The component breaks a promise; the message says which.
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
/// The head breaks a promise; the message says which.
#[track_caller]
pub fn head<C: HeadConfig>(config: &C) {
    conforms::<HeadKind, C>(config);
}

/// Checks the fusion that `config` builds.
///
/// # Panics
/// The fusion breaks a promise; the message says which.
#[track_caller]
pub fn fusion<C: FusionConfig>(config: &C) {
    conforms::<FusionKind, C>(config);
}

/// Checks the loss that `config` builds.
///
/// # Panics
/// The loss breaks a promise; the message says which.
#[track_caller]
pub fn loss<C: LossConfig>(config: &C) {
    conforms::<LossKind, C>(config);
}

/// Checks the metric of `config`.
///
/// # Panics
/// The metric breaks a promise; the message says which.
#[track_caller]
pub fn metric<C: MetricConfig>(config: &C) {
    conforms::<MetricKind, C>(config);
}

/// Checks the strategy that `config` builds, with one rank and with several in threads.
///
/// # Panics
/// The strategy breaks a promise; the message says which.
#[track_caller]
pub fn strategy<C: StrategyConfig>(config: &C) {
    conforms::<StrategyKind, C>(config);
}

/// Checks the ASV encoder that `config` builds.
///
/// # Panics
/// The ASV encoder breaks a promise; the message says which.
#[track_caller]
pub fn asv_encoder<C: AsvEncoderConfig>(config: &C) {
    conforms::<AsvEncoderKind, C>(config);
}

/// Checks the sample encoder that `config` builds.
///
/// # Panics
/// The sample encoder breaks a promise; the message says which.
#[track_caller]
pub fn sample_encoder<C: SampleEncoderConfig>(config: &C) {
    conforms::<SampleEncoderKind, C>(config);
}

/// Checks the count embedding that `config` builds.
///
/// # Panics
/// The count embedding breaks a promise; the message says which.
#[track_caller]
pub fn count_embedding<C: CountEmbeddingConfig>(config: &C) {
    conforms::<CountEmbeddingKind, C>(config);
}

/// Checks the objective that `config` builds.
///
/// # Panics
/// The objective breaks a promise; the message says which.
#[track_caller]
pub fn objective<C: ObjectiveConfig>(config: &C) {
    conforms::<ObjectiveKind, C>(config);
}

/// Checks the optimizer that `config` builds.
///
/// # Panics
/// The optimizer breaks a promise; the message says which.
#[track_caller]
pub fn optimizer<C: OptimizerConfig>(config: &C) {
    conforms::<OptimizerKind, C>(config);
}

/// Checks the schedule that `config` builds.
///
/// # Panics
/// The schedule breaks a promise; the message says which.
#[track_caller]
pub fn schedule<C: ScheduleConfig>(config: &C) {
    conforms::<ScheduleKind, C>(config);
}

/// Checks the target transform that `config` fits.
///
/// # Panics
/// The target transform breaks a promise; the message says which.
#[track_caller]
pub fn transform<C: TransformConfig>(config: &C) {
    conforms::<TransformKind, C>(config);
}

/// Checks the learner that `config` fits.
///
/// # Panics
/// The learner breaks a promise; the message says which.
#[track_caller]
pub fn learner<C: LearnerConfig>(config: &C) {
    conforms::<LearnerKind, C>(config);
}

/// Checks the connection of `ranks`, which are all of a run and in their order; each works in a
/// thread of its own here, with tensors on `device`.
///
/// # Panics
/// A rank breaks a promise; the message says which.
#[track_caller]
pub fn communicators(ranks: &[&dyn Communicator], device: &Device) {
    if let Err(problem) = communicator::check(ranks, device) {
        panic!("{} ranks: {problem}", ranks.len());
    }
}

/// The suite of a kind, for programs that treat all kinds alike;
/// [`register_suite!`](crate::register_suite) makes it.
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

    /// Checks the linked component called `name` with `options`, which may be empty. A panic of the
    /// component counts as a broken promise.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self, name: &str, options: &Map<String, Value>) -> Check {
        let checked = catch_unwind(AssertUnwindSafe(|| (self.check)(name, options)));
        let checked = checked.unwrap_or_else(|_| Err("panics".to_owned()));
        checked.map_err(|problem| format!("{} '{name}': {problem}", self.kind))
    }
}

/// The suite of every kind that has one, by the kind's name.
pub fn suites() -> Vec<&'static Suite> {
    let mut suites: Vec<&Suite> = inventory::iter::<Suite>.into_iter().collect();
    suites.sort_by_key(|suite| suite.kind);
    suites
}

/// Kinds whose components no suite checks.
///
/// # Errors
/// Two kinds that share a name.
pub fn kinds_without_suite() -> Result<Vec<&'static str>, PluginError> {
    let suites = suites();
    let known = |kind: &str| suites.iter().any(|suite| suite.kind == kind);
    let kinds = kinds()?.into_iter().map(|kind| kind.name);
    Ok(kinds.filter(|kind| !known(kind)).collect())
}

/// Checks every linked component of every kind that has a suite, with its default options, and
/// returns what is wrong, a line a component.
///
/// # Errors
/// Two components of one name.
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
