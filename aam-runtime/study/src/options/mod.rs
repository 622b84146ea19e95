//! Options of a study.

mod category;
mod data;
mod selection;
mod split;
mod tree;

pub use category::{CategoryOptions, ColumnParents};
pub use data::{DataOptions, MOST_BASES};
pub use selection::SelectionOptions;
pub use split::{SplitOptions, other_ways};
pub use tree::TreeOptions;
