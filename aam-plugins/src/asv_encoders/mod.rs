//! Encoders of ASVs.

pub mod kmer;
pub mod reference;
