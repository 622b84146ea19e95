//! How the ranks of a run exchange tensors and messages.
//!
//! A rank is one of several copies of the training, each in its own thread or process. A transport
//! implements [`Communicator::exchange`], which moves bytes between the memories of the ranks' hosts.
//! Everything else builds on it: sums are added in rank order, so they are bitwise identical on every
//! rank and every network. Where devices have a network of their own, a communicator overrides the
//! tensor collectives and leaves messages to the hosts.

use std::fmt::Debug;

use burn::tensor::Tensor;

use crate::{Parts, PluginError};

mod host;

/// The connection of one rank to the others.
///
/// Every method except [`abort`](Self::abort), [`rank`](Self::rank) and [`size`](Self::size) is
/// collective: all ranks call it, in the same order. Each fails if a rank failed or cannot be
/// reached, with an error that names the rank.
///
/// Tensors are 32-bit and carry no gradients ([`Tensor::inner`](burn::tensor::Tensor::inner));
/// results are on the device of the input.
pub trait Communicator: Debug + Send + Sync {
    /// The number of this rank, from 0; rank 0 writes the files.
    fn rank(&self) -> usize;

    /// Number of ranks.
    fn size(&self) -> usize;

    /// Sends message `r` to rank `r`, and returns what each rank sent to this one, in rank order.
    ///
    /// # Errors
    /// A rank that failed or cannot be reached.
    fn exchange(&self, messages: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, PluginError>;

    /// Ends the work of all ranks because this one failed with `problem`.
    fn abort(&self, problem: &str);

    /// Returns the messages of all ranks, in rank order; their lengths may differ.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange).
    fn gather_messages(&self, message: Vec<u8>) -> Result<Vec<Vec<u8>>, PluginError> {
        self.exchange(vec![message; self.size()])
    }

    /// Returns the message of rank 0 on every rank.
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

    /// Returns the sum of each value over the ranks; every rank passes the same number of values.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange), or numbers of values that differ between ranks.
    fn sum(&self, values: &[f64]) -> Result<Vec<f64>, PluginError> {
        host::sum(self, values)
    }

    /// Returns the `tensor` of rank 0 on every rank; all ranks pass tensors of the same length.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange), or lengths that differ between ranks.
    fn broadcast(&self, tensor: Tensor<1>) -> Result<Tensor<1>, PluginError> {
        host::broadcast(self, tensor)
    }

    /// Concatenates the tensors of all ranks. `own` has the length of this rank's part of `parts`,
    /// which are the same on every rank.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange), or a tensor whose length is not that of its part.
    fn all_gather(&self, own: Tensor<1>, parts: &Parts) -> Result<Tensor<1>, PluginError> {
        host::all_gather(self, own, parts)
    }

    /// Sums `tensor` over the ranks and returns this rank's part of the sum. The tensors have the total
    /// length of `parts`, which are the same on every rank.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange), or lengths that differ between ranks.
    fn reduce_scatter(&self, tensor: Tensor<1>, parts: &Parts) -> Result<Tensor<1>, PluginError> {
        host::reduce_scatter(self, tensor, parts)
    }

    /// Sums tensors of equal length over the ranks and returns the sum on every rank, bitwise identical.
    /// Each rank adds one part and sends it to the others.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange), or lengths that differ between ranks.
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
