//! A training on several ranks: threads of one process, or processes that `mpirun` starts.
//!
//! Every rank runs the same loop on the same batches. Of a batch it computes its [`Share`]: some of
//! the distinct ASVs, whose embeddings all ranks gather, and some of the samples. What is normalised
//! over a batch is normalised over the whole batch, so that the gradients of the ranks add up to
//! those of one process; the strategy adds them and says who makes the update
//! ([`update`]). Validation, files and decisions are those of rank 0.

pub mod encoding;
mod layout;
#[cfg(feature = "mpi")]
mod mpi;
mod optimizer_state;
pub mod processes;
pub mod ranks;
mod shards;
pub mod share;
pub mod update;

pub use optimizer_state::owned;
pub use ranks::Ranks;
pub use share::Share;
