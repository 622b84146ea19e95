//! How well a target is predicted, told without flattery: what is held out, whole-set figures with
//! their uncertainty, and what simpler methods reach on the same samples.

mod deal;
pub mod division;
pub mod folds;
pub mod groups;
