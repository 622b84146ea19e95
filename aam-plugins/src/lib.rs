//! The built-in components of `aam`, but for those that belong to other code: encoders register
//! from `aam-model`, objectives that need a tree from `aam-study`.
//!
//! Each component is one file that holds its options, its module, its documentation and its
//! tests, and registers itself; nothing else in the project knows its name. A program gets them
//! all by linking this crate:
//!
//! ```
//! use aam_plugins as _;
//!
//! let heads = aam_api::Registry::<aam_api::HeadKind>::load()?;
//! assert!(heads.find("mlp").is_ok());
//! # Ok::<(), aam_api::PluginError>(())
//! ```
//!
//! The documentation of a config is what `aam plugins describe` prints.

#![deny(missing_docs)]

pub mod asv_encoders;
pub mod count_embeddings;
pub mod fusions;
pub mod heads;
#[cfg(test)]
mod known;
mod layers;
pub mod learners;
pub mod losses;
pub mod metrics;
pub mod objectives;
pub mod optimizers;
pub mod schedules;
pub mod strategies;
pub mod transforms;
