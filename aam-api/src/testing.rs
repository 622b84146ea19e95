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
//! - **Independence**: a sample's output depends on that sample alone (heads, fusions, losses); a
//!   target's loss on that target alone; padding influences nothing (fusions).
//!
//! Components are built for embeddings of width 16. A component may refuse a run that lacks what
//! it needs ([`PluginError::Needs`](crate::PluginError)), but must work in one of the runs tried.
//! All functions panic with what is wrong, for use in tests.

use serde_json::{Map, Value};

use crate::{
    FusionConfig, FusionKind, HeadConfig, HeadKind, Kind, LossConfig, LossKind, Plugin,
    StrategyConfig, StrategyKind, options,
};

mod categories;
mod fusion;
mod gradient;
mod head;
mod loss;
mod numbers;
mod parameters;
mod plugin;
mod strategy;
mod subject;

/// What is wrong, or nothing.
type Check = Result<(), String>;

/// Returns the message unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($message:tt)*) => {
        if !$condition {
            return Err(format!($($message)*));
        }
    };
}
use ensure;

/// Width of the embeddings of the suite.
const DIM: usize = 16;

/// Checks the head that `config` builds.
///
/// # Panics
/// The head breaks a promise; the message says which.
#[track_caller]
pub fn head<C: HeadConfig>(config: &C) {
    head_plugin(&Plugin::<HeadKind>::of::<C>("", ""), &given(config));
}

/// Checks the fusion that `config` builds.
///
/// # Panics
/// The fusion breaks a promise; the message says which.
#[track_caller]
pub fn fusion<C: FusionConfig>(config: &C) {
    fusion_plugin(&Plugin::<FusionKind>::of::<C>("", ""), &given(config));
}

/// Checks the loss that `config` builds.
///
/// # Panics
/// The loss breaks a promise; the message says which.
#[track_caller]
pub fn loss<C: LossConfig>(config: &C) {
    loss_plugin(&Plugin::<LossKind>::of::<C>("", ""), &given(config));
}

/// Checks the strategy that `config` builds, with one rank and with several in threads.
///
/// # Panics
/// The strategy breaks a promise; the message says which.
#[track_caller]
pub fn strategy<C: StrategyConfig>(config: &C) {
    strategy_plugin(&Plugin::<StrategyKind>::of::<C>("", ""), &given(config));
}

/// Checks a registered head with `options`, which may be empty.
///
/// # Panics
/// The head breaks a promise; the message says which.
#[track_caller]
pub fn head_plugin(plugin: &Plugin<HeadKind>, options: &Map<String, Value>) {
    report(
        plugin,
        plugin::check(plugin).and_then(|()| head::check(plugin, options)),
    );
}

/// Checks a registered fusion with `options`, which may be empty.
///
/// # Panics
/// The fusion breaks a promise; the message says which.
#[track_caller]
pub fn fusion_plugin(plugin: &Plugin<FusionKind>, options: &Map<String, Value>) {
    report(
        plugin,
        plugin::check(plugin).and_then(|()| fusion::check(plugin, options)),
    );
}

/// Checks a registered loss with `options`, which may be empty.
///
/// # Panics
/// The loss breaks a promise; the message says which.
#[track_caller]
pub fn loss_plugin(plugin: &Plugin<LossKind>, options: &Map<String, Value>) {
    report(
        plugin,
        plugin::check(plugin).and_then(|()| loss::check(plugin, options)),
    );
}

/// Checks a registered strategy with `options`, which may be empty, with one rank and with several in
/// threads.
///
/// # Panics
/// The strategy breaks a promise; the message says which.
#[track_caller]
pub fn strategy_plugin(plugin: &Plugin<StrategyKind>, options: &Map<String, Value>) {
    report(
        plugin,
        plugin::check(plugin).and_then(|()| strategy::check(plugin, options)),
    );
}

#[track_caller]
fn given<C: serde::Serialize>(config: &C) -> Map<String, Value> {
    match options::to_map(config) {
        Ok(options) => options,
        Err(error) => panic!("{error}"),
    }
}

#[track_caller]
fn report<K: Kind>(plugin: &Plugin<K>, check: Check) {
    if let Err(problem) = check {
        panic!("{} '{}': {problem}", K::NAME, plugin.name);
    }
}
