//! Trains an encoder of ASVs that serves every study, on full-length 16S genes with their tree and their
//! taxonomy.
//!
//! Each update draws organisms and two reads of each, from amplicons of usual primer pairs, either end and
//! either strand, with errors. Reads of one organism come to lie together ([`losses`]), taxa apart, and
//! distances between embeddings follow those along the tree. Whole families and genera are held out, by
//! which [`evaluation`] judges it.

pub mod evaluation;
pub mod genes;
mod losses;
pub mod reads;
mod saving;
pub mod training;
mod tree_distances;
pub mod weights;
