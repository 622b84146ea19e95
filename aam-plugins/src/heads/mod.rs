//! Heads: from a sample's embedding to the raw outputs of every target.

pub mod linear;
pub mod mlp;
pub mod residual;
