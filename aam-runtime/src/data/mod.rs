//! What a study is made of: feature tables, metadata, distances, trees, sequences.

mod distances;
mod error;
mod table;

pub use distances::DistanceMatrix;
pub use error::DataError;
pub use table::Table;
