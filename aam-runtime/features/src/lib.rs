//! Abundances of samples as learners see them: of which ASVs and clades, chosen among the training
//! samples, and how they are made numbers. No network and no learner belongs here.

#![deny(missing_docs)]

mod clades;
mod kmers;
mod space;

pub use space::FeatureSpace;
