//! The built-in components of `aam`, except for those that belong to other code: most encoders register
//! from `aam-model`, objectives that need a tree from `aam-study`.
//!
//! Each component is a file with its options, its module, its documentation and its tests. It registers
//! itself; nothing else in the project knows its name. A program gets all of them by linking this crate:
//!
//! ```
//! use aam_plugins as _;
//!
//! let heads = aam_api::Registry::<aam_api::HeadKind>::load()?;
//! assert!(heads.find("mlp").is_ok());
//! # Ok::<(), aam_api::PluginError>(())
//! ```
//!
//! `aam plugins describe` prints the documentation of a config.

#![deny(missing_docs)]

pub mod asv_encoders;
pub mod augmentations;
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
