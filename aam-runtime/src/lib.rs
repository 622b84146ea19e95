//! Everything between the files of a study and its predictions: data, model, training,
//! checkpoints. Components are reached only through the traits and registry of `aam-api`.

pub mod batch;
pub mod beta_diversity;
pub mod categories;
pub mod chart;
pub mod checkpoint;
pub mod compare;
pub mod data;
pub mod device;
pub mod doctor;
pub mod error;
pub mod evaluation;
pub mod events;
pub mod file_operations;
pub mod memory;
pub mod metrics_file;
mod mismatch;
pub mod model;
pub mod named_values;
pub mod options;
pub mod parallel;
pub mod predict;
pub mod predictions;
pub mod random;
pub mod report;
pub mod run_directory;
pub mod runs;

pub mod simulate;
pub mod study;
pub mod train;
pub mod unifrac;
pub mod watch;
