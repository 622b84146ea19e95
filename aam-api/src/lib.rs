//! The stable interface between `aam` and its components.
//!
//! A component is a **config** (typed options, what the user writes) and the Burn module that the
//! config builds. It registers itself where it is written and is found by its name:
//!
//! ```
//! use aam_api::{Head, HeadConfig, HeadContext, HeadInput, HeadOutput, PluginError};
//! use burn::module::Module;
//! use burn::nn::{Linear, LinearConfig};
//! use burn::tensor::Device;
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! /// One linear layer without bias.
//! #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
//! #[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
//! pub struct PlainHeadConfig {}
//!
//! #[derive(Module, Debug)]
//! pub struct PlainHead {
//!     layer: Linear,
//!     outputs_per_target: usize,
//! }
//!
//! impl HeadConfig for PlainHeadConfig {
//!     const NAME: &'static str = "plain";
//!     type Head = PlainHead;
//!     fn init(&self, context: &HeadContext, device: &Device) -> Result<PlainHead, PluginError> {
//!         Ok(PlainHead {
//!             layer: LinearConfig::new(context.dim, context.outputs()).with_bias(false).init(device),
//!             outputs_per_target: context.outputs_per_target,
//!         })
//!     }
//! }
//!
//! impl Head for PlainHead {
//!     fn forward(&self, input: HeadInput) -> HeadOutput {
//!         HeadOutput::from_columns(self.layer.forward(input.pooled), self.outputs_per_target)
//!     }
//! }
//!
//! aam_api::register_head!(PlainHeadConfig);
//!
//! assert!(aam_api::Registry::<aam_api::HeadKind>::load()?.find("plain").is_ok());
//! # Ok::<(), PluginError>(())
//! ```
//!
//! - [`Head`], [`Fusion`], [`Loss`], [`ParallelStrategy`]: what a component of each kind does.
//! - [`Communicator`]: how the ranks of a run exchange numbers, in threads or processes.
//! - [`Plugin`] and [`Registry`]: how components are registered, listed, chosen and built.
//! - [`options`]: how flags and configuration files become a component's typed options.
//! - [`module`]: how a component of unknown type is part of a Burn module.
//! - `testing` (feature `testing`): the suite that every component must pass.

#![deny(missing_docs)]

pub mod categories;
pub mod communicator;
pub mod error;
pub mod fusion;
pub mod head;
pub mod in_process;
pub mod loss;
pub mod module;
pub mod observation;
pub mod options;
pub mod plugin;
pub mod strategy;
#[cfg(feature = "testing")]
pub mod testing;

pub use categories::{Categories, CategoryColumn, CategorySchema};
pub use communicator::{Alone, Communicator};
pub use error::PluginError;
pub use fusion::{
    BoxedFusion, FusedAsvs, FusedPooled, Fusion, FusionConfig, FusionContext, FusionKind,
};
pub use head::{BoxedHead, Head, HeadConfig, HeadContext, HeadInput, HeadKind, HeadOutput};
pub use in_process::InProcess;
pub use loss::{BoxedLoss, Loss, LossConfig, LossContext, LossKind, Prediction};
pub use module::Erased;
pub use observation::{Logged, Observation};
pub use plugin::{Choice, Kind, Plugin, Registry, Resolved};
pub use strategy::{ParallelStrategy, StrategyConfig, StrategyContext, StrategyKind, Updates};

#[doc(hidden)]
pub use inventory;
