//! What every run has, whatever it computes: its settings, its error, its events and who listens to
//! them, its directory, its table of predictions and how it concludes. Nothing here reads a study, knows a
//! model or draws a page.

pub mod checkpoint_files;
pub mod conclusion;
pub mod error;
pub mod event_json;
pub mod events;
pub mod named_values;
pub mod numbers_file;
pub mod output_lock;
pub mod predictions;
pub mod run_directory;
mod run_files;
pub mod settings;
pub mod tsv_writer;

pub use error::RunError;
