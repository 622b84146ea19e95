//! Options of each command. Options of a layer are defined in the crate of that layer.

mod check;
mod explain;
mod export;
mod given_table;
mod predict;
mod rf_baseline;

pub use aam_model::options::{MaskingOptions, ModelOptions, OutputOptions};
pub use aam_report::{PresentationOptions, WatchOptions};
pub use aam_study::options::{
    CategoryOptions, DataOptions, SelectionOptions, SplitOptions, TreeOptions,
};
pub use aam_train::options::{
    AdaptationOptions, MemoryOptions, OptimizationOptions, PretrainOptions, TargetOptions,
    TrainOptions,
};
pub use check::CheckOptions;
pub use explain::{Baseline, ExplainOptions};
pub use export::{ExportFormat, ExportOptions};
pub use given_table::GivenTableOptions;
pub use predict::PredictOptions;
pub use rf_baseline::RfBaselineOptions;
