//! Metrics of predictions, their intervals, folds, groups, and the comparison with the trivial guess.
//! The registry of components defines which metrics exist. Inputs and outputs are plain numbers: no
//! tensors, no files of a run, no events.

pub mod association;
mod bootstrap;
pub mod calibration;
pub mod combination;
pub mod compared;
pub mod conformal;
pub mod coverage;
mod cross_fitted;
pub mod cross_validated;
pub mod deal;
pub mod differences;
pub mod differential;
pub mod distribution;
pub mod evaluation;
pub mod folds;
pub mod groups;
pub mod metrics;
pub mod ordination;
pub mod out_of_fold;
pub mod prediction_sets;
pub mod repeats;
pub mod results;
pub mod sample_reads;
pub mod scores;
pub mod subgroups;
mod trivial;
pub mod verdict;
mod wilson;

#[cfg(test)]
use aam_plugins as _;
pub use trivial::trivial;
pub use wilson::wilson;
