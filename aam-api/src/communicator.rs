//! How the ranks of a run exchange tensors and messages.
//!
//! A rank is one of several copies of the training, in a thread or a process of its own. Whoever
//! connects ranks supplies [`Communicator::exchange`], by which bytes get from the memory of one
//! rank's host to another's. Everything else follows from it, so that sums are added in rank order
//! and are the same, bit for bit, on every rank and every network. Where devices have a network of
//! their own, a communicator gives the collectives of tensors again and leaves messages to the hosts.

use std::fmt::Debug;

use burn::tensor::Tensor;

use crate::{Parts, PluginError};

mod host;

/// The connection of one rank to the others.
///
/// Every method but [`abort`](Self::abort), [`rank`](Self::rank) and [`size`](Self::size) is
/// collective: all ranks call it, in the same order. Each fails if a rank failed or cannot be
/// reached, with an error that names the rank.
///
/// Tensors hold numbers of 32 bits and come without gradients
/// ([`Tensor::inner`](burn::tensor::Tensor::inner)); what is returned is on the device of what was
/// given.
pub trait Communicator: Debug + Send + Sync {
    /// This rank, from 0; rank 0 writes the files.
    fn rank(&self) -> usize;

    /// Number of ranks.
    fn size(&self) -> usize;

    /// Sends message number `r` to rank `r`, and returns what each rank sent here, in rank order.
    ///
    /// # Errors
    /// A rank that failed or cannot be reached.
    fn exchange(&self, messages: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, PluginError>;

    /// Ends the work of all ranks, because this one failed with `problem`.
    fn abort(&self, problem: &str);

    /// The messages of all ranks, in rank order; they may be of different lengths.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange).
    fn gather_messages(&self, message: Vec<u8>) -> Result<Vec<Vec<u8>>, PluginError> {
        self.exchange(vec![message; self.size()])
    }

    /// The message of rank 0, on every rank.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange).
    fn broadcast_message(&self, message: Vec<u8>) -> Result<Vec<u8>, PluginError> {
        host::broadcast_message(self, message)
    }

    /// Waits for all ranks.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange).
    fn barrier(&self) -> Result<(), PluginError> {
        match self.size() {
            1 => Ok(()),
            _ => self.gather_messages(Vec::new()).map(|_| ()),
        }
    }

    /// The sum of each value over the ranks; as many values on every rank.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange), or numbers of values that differ.
    fn sum(&self, values: &[f64]) -> Result<Vec<f64>, PluginError> {
        host::sum(self, values)
    }

    /// The `tensor` of rank 0, on every rank; it is as long on all of them.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange), or lengths that differ.
    fn broadcast(&self, tensor: Tensor<1>) -> Result<Tensor<1>, PluginError> {
        host::broadcast(self, tensor)
    }

    /// The tensors of all ranks, one after the other; `own` is as long as this rank's of the `parts`,
    /// which are the same on every rank.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange), or a tensor that is not as long as its part.
    fn all_gather(&self, own: Tensor<1>, parts: &Parts) -> Result<Tensor<1>, PluginError> {
        host::all_gather(self, own, parts)
    }

    /// The sum over the ranks of this rank's part of `tensor`; the tensors have the length of the
    /// `parts` together, which are the same on every rank.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange), or lengths that differ.
    fn reduce_scatter(&self, tensor: Tensor<1>, parts: &Parts) -> Result<Tensor<1>, PluginError> {
        host::reduce_scatter(self, tensor, parts)
    }

    /// The sum of the ranks' tensors, which are of one length, on every rank; the same bits on all.
    /// Each rank adds a part and sends it to the others.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange), or lengths that differ.
    fn all_reduce(&self, tensor: Tensor<1>) -> Result<Tensor<1>, PluginError> {
        if self.size() == 1 {
            return Ok(tensor);
        }
        let [count] = tensor.dims();
        let parts = Parts::equal(count, self.size());
        let own = self.reduce_scatter(tensor, &parts)?;
        self.all_gather(own, &parts)
    }
}

/// The communicator of a run with one rank.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Communicator for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn exchange(&self, messages: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, PluginError> {
        Ok(messages)
    }

    fn abort(&self, _problem: &str) {}
}
