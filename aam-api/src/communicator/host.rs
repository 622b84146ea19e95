//! Collectives through host memory: tensors are copied to the host, exchanged as messages, and added in
//! rank order.
//!
//! Numbers are sent in native byte order, so all machines of a run must share one.

use burn::tensor::{Device, Tensor, TensorData};

use super::Communicator;
use crate::{Parts, PluginError};

/// [`Communicator::broadcast_message`].
pub(super) fn broadcast_message(
    ranks: &(impl Communicator + ?Sized),
    message: Vec<u8>,
) -> Result<Vec<u8>, PluginError> {
    if ranks.size() == 1 {
        return Ok(message);
    }
    let messages = match ranks.rank() {
        0 => vec![message; ranks.size()],
        _ => vec![Vec::new(); ranks.size()],
    };
    let first = ranks.exchange(messages)?.into_iter().next();
    first.ok_or_else(|| failed(ranks, 0, "it sent nothing".to_owned()))
}

/// [`Communicator::sum`].
pub(super) fn sum(
    ranks: &(impl Communicator + ?Sized),
    values: &[f64],
) -> Result<Vec<f64>, PluginError> {
    if ranks.size() == 1 {
        return Ok(values.to_vec());
    }
    let bytes = values.iter().flat_map(|value| value.to_ne_bytes());
    let received = ranks.gather_messages(bytes.collect())?;
    let mut sums = vec![0.0; values.len()];
    for (rank, message) in received.iter().enumerate() {
        let numbers = split::<8>(ranks, rank, message, values.len())?;
        for (sum, bytes) in sums.iter_mut().zip(numbers) {
            *sum += f64::from_ne_bytes(*bytes);
        }
    }
    Ok(sums)
}

/// [`Communicator::broadcast`].
pub(super) fn broadcast(
    ranks: &(impl Communicator + ?Sized),
    tensor: Tensor<1>,
) -> Result<Tensor<1>, PluginError> {
    if ranks.size() == 1 {
        return Ok(tensor);
    }
    let (device, [count]) = (tensor.device(), tensor.dims());
    let own = match ranks.rank() {
        0 => bytes(&numbers(ranks, tensor)?),
        _ => Vec::new(),
    };
    let message = ranks.broadcast_message(own)?;
    let values = split::<4>(ranks, 0, &message, count)?;
    let values = values.iter().map(|bytes| f32::from_ne_bytes(*bytes));
    Ok(on_device(values.collect(), &device))
}

/// [`Communicator::all_gather`].
pub(super) fn all_gather(
    ranks: &(impl Communicator + ?Sized),
    own: Tensor<1>,
    parts: &Parts,
) -> Result<Tensor<1>, PluginError> {
    if ranks.size() == 1 {
        return Ok(own);
    }
    let device = own.device();
    let message = bytes(&numbers(ranks, own)?);
    let received = ranks.gather_messages(message)?;
    let mut values = Vec::with_capacity(parts.count());
    for (rank, message) in received.into_iter().enumerate() {
        let numbers = split::<4>(ranks, rank, &message, parts.of(rank).len())?;
        values.extend(numbers.iter().map(|bytes| f32::from_ne_bytes(*bytes)));
    }
    Ok(on_device(values, &device))
}

/// [`Communicator::reduce_scatter`].
pub(super) fn reduce_scatter(
    ranks: &(impl Communicator + ?Sized),
    tensor: Tensor<1>,
    parts: &Parts,
) -> Result<Tensor<1>, PluginError> {
    if ranks.size() == 1 {
        return Ok(tensor);
    }
    let device = tensor.device();
    let values = numbers(ranks, tensor)?;
    if values.len() != parts.count() {
        let found = values.len();
        return Err(expected(ranks, ranks.rank(), found, parts.count()));
    }
    let messages = parts.iter().map(|part| bytes(&values[part])).collect();
    drop(values);
    let received = ranks.exchange(messages)?;
    let own = parts.of(ranks.rank()).len();
    let mut sums = vec![0.0; own];
    for (rank, message) in received.into_iter().enumerate() {
        let numbers = split::<4>(ranks, rank, &message, own)?;
        for (sum, bytes) in sums.iter_mut().zip(numbers) {
            *sum += f32::from_ne_bytes(*bytes);
        }
    }
    Ok(on_device(sums, &device))
}

/// Copies the values of `tensor` to host memory.
fn numbers(
    ranks: &(impl Communicator + ?Sized),
    tensor: Tensor<1>,
) -> Result<Vec<f32>, PluginError> {
    let numbers = tensor.into_data().try_into_vec_as();
    numbers.map_err(|error| failed(ranks, ranks.rank(), format!("{error:?}")))
}

fn on_device(values: Vec<f32>, device: &Device) -> Tensor<1> {
    let shape = [values.len()];
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn bytes(values: &[f32]) -> Vec<u8> {
    let bytes = values.iter().flat_map(|value| value.to_ne_bytes());
    bytes.collect()
}

/// The `count` numbers of `N` bytes each in a message from `rank`.
fn split<'a, const N: usize>(
    ranks: &(impl Communicator + ?Sized),
    rank: usize,
    message: &'a [u8],
    count: usize,
) -> Result<&'a [[u8; N]], PluginError> {
    match message.as_chunks::<N>() {
        (numbers, []) if numbers.len() == count => Ok(numbers),
        (numbers, _) => Err(expected(ranks, rank, numbers.len(), count)),
    }
}

fn expected(
    ranks: &(impl Communicator + ?Sized),
    rank: usize,
    found: usize,
    count: usize,
) -> PluginError {
    let problem = format!("it sent {found} values where {count} were expected");
    failed(ranks, rank, problem)
}

fn failed(ranks: &(impl Communicator + ?Sized), rank: usize, problem: String) -> PluginError {
    PluginError::Communication {
        rank,
        size: ranks.size(),
        problem,
    }
}
