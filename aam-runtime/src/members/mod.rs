//! The members of a training: the network, and learners that are fitted to the same samples. What they
//! predict is combined.

mod chosen;
mod fitted;
mod saved;

pub use chosen::{LabelledSamples, Members};
pub use fitted::{combined, with_network_first};
pub use saved::{MEMBERS, OutOfFold, SavedMembers};
