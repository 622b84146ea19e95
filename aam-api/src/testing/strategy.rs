//! Strategies, with one rank and with several in threads.
//!
//! Divided parameters are pseudo-random numbers; sums are compared with those of a loop over the ranks.

use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use serde_json::{Map, Value};

use super::communicator::{self, COUNTS, close, of_ranks, on_ranks, read, sums, tensor};
use super::{Check, Conformance, ensure};
use crate::{
    Alone, Communicator, InProcess, ParallelStrategy, Parts, Plugin, PluginError, StrategyContext,
    StrategyKind, Updates,
};

/// Width of the rows that are gathered.
const WIDTH: usize = 3;

impl Conformance for StrategyKind {
    fn check(plugin: &Plugin<StrategyKind>, options: &Map<String, Value>) -> Check {
        let device = Device::default().autodiff();
        let build = |communicator: Arc<dyn Communicator>| {
            let context = StrategyContext::new(vec![device.clone()], communicator);
            plugin.build(options, &context, &device)
        };
        let alone = build(Arc::new(Alone))
            .map_err(|error| format!("cannot be built for one device: {error}"))?;
        ensure!(alone.device() == device, "computes on another device");
        ensure!(alone.local_ranks() > 0, "requests no ranks");
        check_ranks(&[alone], &device)?;
        for size in 2..=4 {
            let ranks = InProcess::ranks(size).into_iter();
            let ranks: Result<Vec<_>, PluginError> =
                ranks.map(|rank| build(Arc::new(rank))).collect();
            match ranks {
                Ok(ranks) => {
                    check_ranks(&ranks, &device).map_err(|e| format!("{size} ranks: {e}"))?
                }
                // A strategy for one rank only.
                Err(PluginError::Needs { .. }) => {}
                Err(error) => return Err(format!("cannot be built for {size} ranks: {error}")),
            }
        }
        Ok(())
    }
}

crate::register_suite!(StrategyKind);

type Rank<'a> = &'a dyn ParallelStrategy;

fn check_ranks(ranks: &[Box<dyn ParallelStrategy>], device: &Device) -> Check {
    let ranks: Vec<Rank<'_>> = ranks.iter().map(Box::as_ref).collect();
    communicator::check(&communicators(&ranks), &device.clone().inner())?;
    for rank in &ranks {
        ensure!(rank.device() == *device, "computes on another device");
    }
    for count in COUNTS {
        check_updates(&ranks, count, &device.clone().inner())?;
    }
    for rows in [1, 3, 41] {
        let parts = Parts::equal(rows, ranks.len());
        check_rows(&ranks, &parts, device).map_err(|error| format!("{rows} rows: {error}"))?;
    }
    Ok(())
}

fn communicators<'a>(ranks: &[Rank<'a>]) -> Vec<&'a dyn Communicator> {
    ranks.iter().map(|rank| rank.communicator()).collect()
}

/// Each rank reduces the gradients of the parameters it updates, and receives all updated parameters.
fn check_updates(ranks: &[Rank<'_>], count: usize, device: &Device) -> Check {
    let updates = ranks[0].updates(count);
    ensure!(
        ranks.iter().all(|rank| rank.updates(count) == updates),
        "ranks disagree about who updates which of {count} parameters"
    );
    if let Updates::InParts(parts) = &updates {
        ensure!(
            (parts.ranks(), parts.count()) == (ranks.len(), count),
            "{count} parameters of {} ranks are divided into {parts:?}",
            ranks.len()
        );
    }
    let gradients = of_ranks(ranks.len(), count);
    let sums = sums(&gradients);
    let found = on_ranks(&communicators(ranks), |number| {
        let rank = ranks[number];
        let reduced = rank.reduce_gradients(tensor(&gradients[number], device))?;
        Ok((read(&reduced), rank.gather_parameters(reduced, count)?))
    })?;
    for (rank, (reduced, gathered)) in found.into_iter().enumerate() {
        let own = match &updates {
            Updates::Everywhere => &sums,
            Updates::InParts(parts) => &sums[parts.of(rank)],
        };
        ensure!(
            close(&reduced, own),
            "rank {rank} reduces gradients of {count} parameters to {reduced:?}, expected {own:?}"
        );
        let gathered = read(&gathered);
        ensure!(
            close(&gathered, &sums),
            "rank {rank} gets the parameters {gathered:?}, expected {sums:?}"
        );
    }
    Ok(())
}

/// Rows are gathered in rank order with gradients for each rank's own rows, and gradients with respect
/// to all rows are returned to the ranks that own them.
fn check_rows(ranks: &[Rank<'_>], parts: &Parts, device: &Device) -> Check {
    let count = parts.count() * WIDTH;
    let rows = of_ranks(1, count).swap_remove(0);
    let weights = of_ranks(ranks.len(), count);
    let sums = sums(&weights);
    let matrix = |values: &[f32], device: &Device| -> Tensor<2> {
        tensor(values, device).reshape([values.len() / WIDTH, WIDTH])
    };
    let found = on_ranks(&communicators(ranks), |number| {
        let rank = ranks[number];
        let own = &rows[parts.times(WIDTH).of(number)];
        let own = matrix(own, device).require_grad();
        let all = rank.gather_rows(own.clone(), parts)?;
        let of_rank = matrix(&weights[number], &device.clone().inner());
        let gradient = match own.dims() {
            [0, _] => Vec::new(),
            _ => {
                let product = all.clone() * of_rank.clone().autodiff();
                let gradient = own.grad(&product.sum().backward());
                gradient.as_ref().map(read).unwrap_or_default()
            }
        };
        Ok((read(&all), gradient, rank.reduce_rows(of_rank, parts)?))
    })?;
    for (rank, (all, gradient, reduced)) in found.into_iter().enumerate() {
        let own = parts.times(WIDTH).of(rank);
        ensure!(
            all == rows,
            "rank {rank} gathers {all:?}, expected {rows:?}"
        );
        let expected = &weights[rank][own.clone()];
        ensure!(
            gradient == expected,
            "the gradient at the rows of rank {rank} is {gradient:?}, expected {expected:?}"
        );
        let (reduced, expected) = (read(&reduced), &sums[own]);
        ensure!(
            close(&reduced, expected),
            "rank {rank} reduces the gradients at its rows to {reduced:?}, expected {expected:?}"
        );
    }
    Ok(())
}
