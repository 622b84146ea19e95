//! Pre-training objectives that need a tree.

mod faith_pd;
mod unifrac;

pub use faith_pd::{FaithPdObjective, FaithPdObjectiveConfig};
pub use unifrac::{UnifracObjective, UnifracObjectiveConfig};
