//! Communicators pass the conformance suite: threads, a single rank, and one whose tensors never
//! leave their device, which the interface must also support.

use std::sync::{Arc, Mutex};

use aam_api::{Alone, Communicator, InProcess, Parts, PluginError, testing};
use burn::tensor::{Device, Tensor};

/// Ranks in threads that pass tensors to each other; messages go through the host.
#[derive(Debug)]
struct OnDevice {
    messages: InProcess,
    tensors: Arc<Mutex<Vec<Option<Tensor<1>>>>>,
    fault: Fault,
}

/// The fault of a rank.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    GathersBackwards,
    LeavesOutOne,
    AddsInItsOwnOrder,
}

impl OnDevice {
    fn ranks(size: usize, fault: Fault) -> Vec<Self> {
        let tensors = Arc::new(Mutex::new(vec![None; size]));
        let ranks = InProcess::ranks(size).into_iter();
        let ranks = ranks.map(|messages| Self {
            messages,
            tensors: Arc::clone(&tensors),
            fault,
        });
        ranks.collect()
    }

    /// The tensors of all ranks, in rank order.
    fn tensors(&self, own: Tensor<1>) -> Result<Vec<Tensor<1>>, PluginError> {
        self.tensors.lock().expect("no panic")[self.rank()] = Some(own);
        self.barrier()?;
        let all = self.tensors.lock().expect("no panic").clone();
        self.barrier()?;
        Ok(all.into_iter().flatten().collect())
    }

    fn sum_of(&self, tensors: Vec<Tensor<1>>) -> Tensor<1> {
        let left_out = usize::from(self.fault == Fault::LeavesOutOne);
        let mut tensors = tensors;
        tensors.truncate(self.size() - left_out);
        if self.fault == Fault::AddsInItsOwnOrder {
            tensors.rotate_left(self.rank());
        }
        let sum = tensors.into_iter().reduce(|sum, tensor| sum + tensor);
        sum.expect("there is a rank")
    }
}

impl Communicator for OnDevice {
    fn rank(&self) -> usize {
        self.messages.rank()
    }

    fn size(&self) -> usize {
        self.messages.size()
    }

    fn exchange(&self, messages: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, PluginError> {
        self.messages.exchange(messages)
    }

    fn abort(&self, problem: &str) {
        self.messages.abort(problem);
    }

    fn broadcast(&self, tensor: Tensor<1>) -> Result<Tensor<1>, PluginError> {
        Ok(self.tensors(tensor)?.swap_remove(0))
    }

    fn all_gather(&self, own: Tensor<1>, _: &Parts) -> Result<Tensor<1>, PluginError> {
        let mut all = self.tensors(own)?;
        if self.fault == Fault::GathersBackwards {
            all.reverse();
        }
        Ok(Tensor::cat(all, 0))
    }

    fn reduce_scatter(&self, tensor: Tensor<1>, parts: &Parts) -> Result<Tensor<1>, PluginError> {
        let sum = self.sum_of(self.tensors(tensor)?);
        Ok(sum.slice(parts.of(self.rank())))
    }

    fn all_reduce(&self, tensor: Tensor<1>) -> Result<Tensor<1>, PluginError> {
        Ok(self.sum_of(self.tensors(tensor)?))
    }
}

fn check<C: Communicator>(ranks: &[C]) {
    let ranks: Vec<&dyn Communicator> = ranks.iter().map(|rank| rank as _).collect();
    testing::communicators(&ranks, &Device::default());
}

#[test]
fn communicators_conform() {
    check(&[Alone]);
    for size in 1..=4 {
        check(&InProcess::ranks(size));
        check(&OnDevice::ranks(size, Fault::None));
    }
}

#[test]
#[should_panic(expected = "all_gather: rank 0 has")]
fn a_communicator_that_gathers_backwards_is_caught() {
    check(&OnDevice::ranks(3, Fault::GathersBackwards));
}

#[test]
#[should_panic(expected = "reduce_scatter: rank 0 has")]
fn a_communicator_that_leaves_out_a_rank_is_caught() {
    check(&OnDevice::ranks(3, Fault::LeavesOutOne));
}

#[test]
#[should_panic(expected = "are not those of rank 0")]
fn a_communicator_whose_ranks_add_in_different_orders_is_caught() {
    check(&OnDevice::ranks(4, Fault::AddsInItsOwnOrder));
}
