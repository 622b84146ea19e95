//! Optimizers: how gradients change parameters.

pub mod adam;
pub mod adamw;
pub mod lion;
pub mod muon;
pub mod sgd;

#[cfg(test)]
pub(crate) mod known;
