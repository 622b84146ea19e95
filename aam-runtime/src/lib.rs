//! Everything between the files of a study and its predictions: data, model, training,
//! checkpoints. Components are reached only through the traits and registry of `aam-api`.

pub mod data;
pub mod random;
