//! Communicators: every message arrives, and tensors are gathered and summed correctly.

use std::thread;

use burn::tensor::{Device, Tensor, TensorData};

use super::numbers::Numbers;
use super::{Check, ensure};
use crate::{Communicator, Parts, PluginError};

/// Lengths of the tensors: none, fewer than ranks, and more.
pub(super) const COUNTS: [usize; 4] = [0, 1, 3, 41];

/// Checks the ranks of a run, in rank order.
pub(super) fn check(ranks: &[&dyn Communicator], device: &Device) -> Check {
    let size = ranks.len();
    for (rank, communicator) in ranks.iter().enumerate() {
        let (found, of) = (communicator.rank(), communicator.size());
        ensure!(
            found == rank && of == size,
            "rank {found} of {of}, expected rank {rank} of {size}"
        );
    }
    check_messages(ranks)?;
    for count in COUNTS {
        let uneven = Parts::of_sizes((0..size).map(|rank| count * rank));
        for parts in [Parts::equal(count, size), Parts::first(count, size), uneven] {
            check_tensors(ranks, &parts, device).map_err(|error| format!("{parts:?}: {error}"))?;
        }
    }
    Ok(())
}

/// Returns the result of `work` on each rank, given its number. A rank that fails ends the others.
pub(super) fn on_ranks<T: Send>(
    ranks: &[&dyn Communicator],
    work: impl Fn(usize) -> Result<T, PluginError> + Sync,
) -> Result<Vec<T>, String> {
    let work = &work;
    let results = thread::scope(|scope| {
        let threads = ranks.iter().enumerate().map(|(number, rank)| {
            scope.spawn(move || {
                let result = work(number);
                if let Err(error) = &result {
                    rank.abort(&error.to_string());
                }
                result
            })
        });
        let threads: Vec<_> = threads.collect();
        let results = threads.into_iter().map(|thread| thread.join());
        results.collect::<Vec<_>>()
    });
    let results = results.into_iter().enumerate().map(|(rank, result)| {
        let result = result.map_err(|_| format!("rank {rank} panicked"))?;
        result.map_err(|error| error.to_string())
    });
    results.collect()
}

/// The numbers of each of `size` ranks.
pub(super) fn of_ranks(size: usize, count: usize) -> Vec<Vec<f32>> {
    let ranks = 0..size as u64;
    ranks
        .map(|rank| Numbers::new(rank + 1).normals(count))
        .collect()
}

/// Their sums.
pub(super) fn sums(of_ranks: &[Vec<f32>]) -> Vec<f32> {
    let count = of_ranks.first().map_or(0, Vec::len);
    (0..count)
        .map(|i| of_ranks.iter().map(|own| own[i]).sum())
        .collect()
}

pub(super) fn tensor(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

pub(super) fn read<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.to_data().iter().collect()
}

/// Whether the lengths agree, and the numbers up to the order of summation.
pub(super) fn close(found: &[f32], expected: &[f32]) -> bool {
    let mut pairs = found.iter().zip(expected);
    found.len() == expected.len() && pairs.all(|(a, b)| (a - b).abs() <= 1e-5)
}

fn check_messages(ranks: &[&dyn Communicator]) -> Check {
    let size = ranks.len();
    let message = |from: usize, to: usize| vec![from as u8; to + 2 * from];
    let found = on_ranks(ranks, |number| {
        let rank = ranks[number];
        let exchanged = rank.exchange((0..size).map(|to| message(number, to)).collect())?;
        let gathered = rank.gather_messages(message(number, 1))?;
        let first = rank.broadcast_message(message(number, 3))?;
        rank.barrier()?;
        let sums = rank.sum(&[number as f64, 1.0])?;
        Ok((exchanged, gathered, first, sums))
    })?;
    for (rank, (exchanged, gathered, first, sums)) in found.into_iter().enumerate() {
        let of_all = |to: usize| (0..size).map(|from| message(from, to)).collect::<Vec<_>>();
        let expected = of_all(rank);
        ensure!(
            exchanged == expected,
            "rank {rank} receives {exchanged:?}, expected {expected:?}"
        );
        let expected = of_all(1);
        ensure!(
            gathered == expected,
            "rank {rank} gathers {gathered:?}, expected {expected:?}"
        );
        let expected = message(0, 3);
        ensure!(
            first == expected,
            "rank {rank} receives {first:?} from rank 0, expected {expected:?}"
        );
        let expected = [(0..size).sum::<usize>() as f64, size as f64];
        ensure!(
            sums == expected,
            "rank {rank} has the sums {sums:?}, expected {expected:?}"
        );
    }
    Ok(())
}

fn check_tensors(ranks: &[&dyn Communicator], parts: &Parts, device: &Device) -> Check {
    let size = ranks.len();
    let values = of_ranks(size, parts.count());
    let sums = sums(&values);
    let gathered: Vec<f32> = (0..size)
        .flat_map(|rank| values[rank][parts.of(rank)].to_vec())
        .collect();
    let found = on_ranks(ranks, |number| {
        let rank = ranks[number];
        let own = tensor(&values[number], device);
        let part = tensor(&values[number][parts.of(number)], device);
        Ok([
            rank.broadcast(own.clone())?,
            rank.all_gather(part, parts)?,
            rank.reduce_scatter(own.clone(), parts)?,
            rank.all_reduce(own)?,
        ])
    })?;
    let everywhere = found.first().map(|[.., reduced]| read(reduced));
    for (rank, tensors) in found.iter().enumerate() {
        ensure!(
            tensors.iter().all(|tensor| tensor.device() == *device),
            "rank {rank} gets a tensor on another device"
        );
        let [first, all, part, reduced] = tensors.each_ref().map(read);
        ensure!(
            first == values[0],
            "broadcast: rank {rank} has {first:?}, expected {:?}",
            values[0]
        );
        ensure!(
            all == gathered,
            "all_gather: rank {rank} has {all:?}, expected {gathered:?}"
        );
        let expected = &sums[parts.of(rank)];
        ensure!(
            close(&part, expected),
            "reduce_scatter: rank {rank} has {part:?}, expected {expected:?}"
        );
        ensure!(
            close(&reduced, &sums),
            "all_reduce: rank {rank} has {reduced:?}, expected {sums:?}"
        );
        ensure!(
            Some(&reduced) == everywhere.as_ref(),
            "all_reduce: the bits of rank {rank} are not those of rank 0"
        );
    }
    Ok(())
}
