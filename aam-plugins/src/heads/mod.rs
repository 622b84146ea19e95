//! Heads turn a sample's embedding into the raw outputs of every target.

pub mod film;
pub mod linear;
pub mod mlp;
pub mod moe;
pub mod quantile;
pub mod residual;
