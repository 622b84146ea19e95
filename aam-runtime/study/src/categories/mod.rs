//! Categorical metadata columns used as model input: their levels in the training samples,
//! hierarchies between columns, and the ids of samples.

mod columns;
mod hierarchy;
mod ids;
mod vocabulary;

pub use columns::CategoryColumns;
pub use hierarchy::Hierarchy;
pub use ids::CategoryIds;
pub use vocabulary::{CategoryLevels, CategoryVocabulary};
