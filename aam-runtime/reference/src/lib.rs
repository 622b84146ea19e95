//! Trains an ASV encoder for all studies on full-length 16S genes with their tree and taxonomy.
//!
//! Each update draws organisms and two reads of each, from amplicons of common primer pairs, from
//! either end and strand, with errors. Reads of one organism and of one family are pulled together
//! ([`losses`]), taxa are pushed apart, and distances between embeddings are fitted to those in the
//! tree. Whole families and genera are held out for [`evaluation`].

pub mod evaluation;
pub mod genes;
mod losses;
pub mod reads;
mod saving;
pub mod training;
mod tree_distances;
pub mod weights;
