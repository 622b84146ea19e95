//! The runs below a folder: their inputs and results, and how they differ.

mod differences;
mod found;

pub use differences::{Difference, differences, differing, settings};
pub use found::{Found, SamplesOfRun, below, open};
