//! Heads: from a sample's embedding to the raw outputs of every target.

pub mod film;
pub mod linear;
pub mod mlp;
pub mod moe;
pub mod quantile;
pub mod residual;
