//! The members of an ensemble: the network, and learners fitted to the same samples, whose
//! predictions are combined.

mod centring;
mod chosen;
mod exported;
mod fitted;
mod of_folds;
mod saved;

pub use chosen::{LabelledSamples, Members};
pub use exported::ExportedReads;
pub use fitted::{FittedMembers, combined, with_network_first};
pub use of_folds::{FoldOfMembers, with_held_out_samples};
pub use saved::{MEMBERS, OutOfFold, SavedMembers, USUAL};
