//! Count embeddings: how the abundance of an ASV enters its embedding.

pub mod add;
pub mod concat;
pub mod film;
pub mod none;
