//! How well a target is predicted, told without flattery: what is held out, whole-set figures with
//! their uncertainty, and what simpler methods reach on the same samples.

mod bootstrap;
pub mod cross_validated;
mod deal;
pub mod division;
pub mod folds;
pub mod forest;
pub mod groups;
pub mod ranks;
pub mod report;
pub mod rf_baseline;
pub mod scores;
mod trivial;

pub use bootstrap::intervals;
pub use rf_baseline::rf_baseline;
pub use trivial::trivial;
