//! Categorical metadata columns that a model sees: their levels as the training samples have
//! them, hierarchies between columns, and the ids of samples.

mod columns;
mod hierarchy;
mod ids;
mod vocabulary;

pub use columns::CategoryColumns;
pub use hierarchy::Hierarchy;
pub use ids::CategoryIds;
pub use vocabulary::{CategoryLevels, CategoryVocabulary};
