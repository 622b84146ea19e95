//! The commands of `aam`: training, comparison, prediction and simulation. The layers they are
//! built from are separate crates, re-exported as the modules below.

pub mod check;
pub mod compare;
pub mod embed;
pub mod explain;
pub mod export;
mod given_reads;
mod loaded_predictor;
pub mod lr_find;
mod members;
mod one_training;
pub mod options;
mod ordination;
pub mod predict;
pub mod pretraining;
pub mod rf_baseline;
mod saved_batches;
mod saved_kinship;
pub mod simulate;
mod stages;
pub mod step_memory;
pub mod train_encoder;
pub mod training;
mod training_samples;
pub mod unifrac_job;

#[cfg(test)]
use aam_plugins as _;

pub use aam_core::{DataError, brief, file_operations, io_words, memory, random, text};
pub use aam_data as data;
pub use aam_evaluation as evaluation;
pub use aam_model as model;
pub use aam_report as report;
pub use aam_run as run;
pub use aam_study as study;
pub use aam_train as train;
pub use aam_unifrac as unifrac;
