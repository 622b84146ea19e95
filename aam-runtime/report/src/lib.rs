//! Monitoring output of a run: the record, the metrics of every epoch, event files for TensorBoard,
//! charts and the report page. It learns about a run only through its events and is independent of
//! the model.

pub mod chart;
pub mod check;
mod data_file;
pub mod explanation;
pub mod metrics_file;
mod numbers;
pub mod page;
pub mod presentation;
pub mod record;
pub mod runs;
pub mod watch;
pub mod words;

#[cfg(test)]
use aam_plugins as _;
pub use presentation::PresentationOptions;
pub use watch::WatchOptions;
