//! What all runs share, whatever they compute: settings, errors, events and their observers, the
//! directory, the table of predictions and the final evaluation. Nothing here reads a study, knows a model
//! or draws a page.

pub mod checkpoint_files;
pub mod conclusion;
pub mod error;
pub mod event_json;
pub mod events;
pub mod named_components;
pub mod named_values;
pub mod numbers_file;
pub mod output_lock;
pub mod predictions;
pub mod run_directory;
mod run_files;
pub mod settings;
pub mod tsv_writer;

pub use error::RunError;
