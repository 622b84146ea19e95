//! Encoders of ASVs.

pub mod conv;
pub mod greengenes;
pub mod kmer;
pub mod lineage;
