//! Encoders of ASVs.

pub mod greengenes;
pub mod kmer;
