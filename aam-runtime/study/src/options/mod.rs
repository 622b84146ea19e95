//! What a user can set about a study.

mod category;
mod data;
mod split;
mod tree;

pub use category::CategoryOptions;
pub use data::DataOptions;
pub use split::SplitOptions;
pub use tree::TreeOptions;
