//! Abundance features of samples for the learners: the ASVs and clades, selected among the training
//! samples, and their transformation to numbers. This crate contains no networks and no learners.

#![deny(missing_docs)]

mod clades;
mod kmers;
mod space;

pub use space::FeatureSpace;
