//! Categorical metadata columns that a model sees: their levels as the training samples have
//! them, hierarchies between columns, and the ids of samples.

mod hierarchy;
mod ids;
mod vocabulary;

pub use hierarchy::{Hierarchy, ancestors};
pub use ids::CategoryIds;
pub use vocabulary::{CategoryLevels, CategoryVocabulary};
