//! Losses: what the outputs of a target mean, and how far they are from the truth.

pub mod asymmetric;
pub mod cross_entropy;
pub mod gaussian_nll;
pub mod huber;
pub mod mae;
pub mod mse;
pub mod ordinal;
pub mod quantile;
