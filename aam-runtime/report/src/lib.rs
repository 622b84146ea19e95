//! What is left of a run for those who watch it: the record, metrics of every epoch, event files for
//! TensorBoard, charts and the page. It hears of a run through its events and knows no model.

pub mod chart;
pub mod check;
mod data_file;
pub mod explanation;
pub mod metrics_file;
pub mod page;
pub mod record;
pub mod runs;
pub mod watch;
pub mod words;

#[cfg(test)]
use aam_plugins as _;
pub use watch::WatchOptions;
