//! A training on several ranks: threads of one process, or processes that `mpirun` starts.
//!
//! Every rank runs the same loop on the same batches. Of a batch it computes a part: some of the
//! distinct ASVs, whose embeddings all ranks gather, and some of the samples. What is normalised over
//! a batch is normalised over the whole batch, so that the gradients of the ranks add up to those of
//! one process; the strategy adds them and says who makes the update ([`update`]). Validation, files
//! and decisions are those of rank 0.
//!
//! Objectives and models know of none of this: they get a [`LocalBatch`], and a [`Replica`] for what
//! is made together with others.

mod agreement;
mod layout;
mod local_batch;
#[cfg(feature = "mpi")]
mod mpi;
mod optimizer_state;
pub mod processes;
pub mod ranks;
mod replica;
mod shards;
pub mod update;

pub use agreement::{agree, any, metrics_of_first, values_of_first};
pub use local_batch::LocalBatch;
pub use optimizer_state::owned;
pub use ranks::Ranks;
pub use replica::{OwnPart, Replica};
