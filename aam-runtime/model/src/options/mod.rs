//! Options of a model.

mod masking;
mod output;
mod shape;

pub use masking::MaskingOptions;
pub use output::OutputOptions;
pub use shape::ModelOptions;
