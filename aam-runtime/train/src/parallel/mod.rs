//! Training on several ranks: threads of one process, or processes started by `mpirun`.
//!
//! Every rank runs the same loop on the same batches. It computes a part of each batch: some of the
//! distinct ASVs, whose embeddings are gathered by all ranks, and some of the samples.
//! Normalisation over a batch is over the entire batch, so that the gradients of the ranks add up
//! to those of a single process; the strategy adds them and determines which rank performs the
//! update ([`update`]). Validation, files and decisions are those of rank 0.
//!
//! Objectives and models are independent of this: they receive a [`LocalBatch`], and a [`Replica`]
//! for what is computed jointly.

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
