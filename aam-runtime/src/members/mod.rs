//! The members of an ensemble: the network, and learners fitted to the same samples, whose
//! predictions are combined.

mod centring;
mod chosen;
mod fitted;
mod saved;

pub use chosen::{LabelledSamples, Members};
pub use fitted::{combined, with_network_first};
pub use saved::{MEMBERS, OutOfFold, SavedMembers, USUAL};
