//! Abundance features of samples for the learners: the ASVs and clades, selected among the training
//! samples, and their transformation to numbers; and how samples differ in them: principal
//! coordinates, and how much of that is explained by what is known about the samples. This crate
//! contains no networks and no learners.

#![deny(missing_docs)]

mod clades;
mod exported;
mod kmers;
mod log_ratios;
mod permanova;
mod principal_coordinates;
mod space;
mod vectors;

pub use log_ratios::LogRatios;
pub use permanova::{Known, permanova};
pub use principal_coordinates::{PrincipalCoordinates, principal_coordinates};
pub use space::FeatureSpace;
pub use vectors::Vectors;
