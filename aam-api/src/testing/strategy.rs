//! Strategies, with one rank and with several in threads.
//!
//! Parameters that are divided are numbers from the suite's stream; sums are compared with those
//! that a loop over the ranks gives.

use std::sync::Arc;
use std::thread;

use burn::tensor::Device;
use serde_json::{Map, Value};

use super::numbers::Numbers;
use super::{Check, ensure, plugin};
use crate::{
    Alone, Communicator, InProcess, ParallelStrategy, Plugin, PluginError, StrategyContext,
    StrategyKind, Updates,
};

/// Numbers of parameters that are divided: none, fewer than ranks, and more.
const COUNTS: [usize; 4] = [0, 1, 3, 41];

pub(super) fn check(plugin: &Plugin<StrategyKind>, options: &Map<String, Value>) -> Check {
    let options = plugin::resolve(plugin, options)?;
    let device = Device::default().autodiff();
    let build = |communicator: Arc<dyn Communicator>| {
        let context = StrategyContext {
            devices: vec![device.clone()],
            communicator,
        };
        plugin.build(&options, &context, &device)
    };
    let alone = build(Arc::new(Alone))
        .map_err(|error| format!("cannot be built for one device: {error}"))?;
    ensure!(alone.device() == device, "computes on another device");
    ensure!(alone.local_ranks() > 0, "wants no rank at all");
    on_ranks(vec![alone], &device)?;
    for size in 2..=4 {
        let ranks = InProcess::ranks(size).into_iter();
        let ranks: Result<Vec<_>, PluginError> = ranks.map(|rank| build(Arc::new(rank))).collect();
        match ranks {
            Ok(ranks) => on_ranks(ranks, &device).map_err(|e| format!("{size} ranks: {e}"))?,
            // A strategy of one rank.
            Err(PluginError::Needs { .. }) => {}
            Err(error) => return Err(format!("cannot be built for {size} ranks: {error}")),
        }
    }
    Ok(())
}

fn on_ranks(ranks: Vec<Box<dyn ParallelStrategy>>, device: &Device) -> Check {
    let size = ranks.len();
    for (rank, strategy) in ranks.iter().enumerate() {
        let communicator = strategy.communicator();
        ensure!(
            communicator.rank() == rank && communicator.size() == size,
            "rank {} of {}, expected rank {rank} of {size}",
            communicator.rank(),
            communicator.size()
        );
        ensure!(strategy.device() == *device, "computes on another device");
    }
    for count in COUNTS {
        let updates = ranks[0].updates(count);
        ensure!(
            ranks.iter().all(|rank| rank.updates(count) == updates),
            "ranks disagree about who updates which of {count} parameters"
        );
        if let Updates::InParts(parts) = &updates {
            let ends = parts.iter().scan(0, |end, part| {
                let follows = part.start == *end && part.end >= part.start;
                *end = part.end;
                Some(follows)
            });
            ensure!(
                parts.len() == size && ends.into_iter().all(|follows| follows),
                "the parts {parts:?} are not one for each of {size} ranks, end to end"
            );
            let end = parts.last().map_or(0, |part| part.end);
            ensure!(end == count, "the parts hold {end} of {count} parameters");
        }
        let gradients: Vec<Vec<f32>> = (0..size)
            .map(|rank| Numbers::new(rank as u64 + 1).normals(count))
            .collect();
        let sums: Vec<f32> = (0..count)
            .map(|i| gradients.iter().map(|own| own[i]).sum())
            .collect();
        let results = thread::scope(|scope| {
            let ranks = ranks.iter().zip(gradients);
            let threads = ranks.map(|(rank, own)| scope.spawn(move || exchanged(&**rank, own)));
            let threads: Vec<_> = threads.collect();
            let results = threads.into_iter().map(|thread| thread.join());
            results.collect::<Vec<_>>()
        });
        for (rank, result) in results.into_iter().enumerate() {
            let Ok(result) = result else {
                return Err(format!("rank {rank} panicked"));
            };
            let (reduced, shared) = result.map_err(|error| error.to_string())?;
            let own = match &updates {
                Updates::Everywhere => 0..count,
                Updates::InParts(parts) => parts[rank].clone(),
            };
            let close = |found: &[f32], expected: &[f32]| {
                let pairs = found.iter().zip(expected);
                found.len() == expected.len()
                    && pairs.into_iter().all(|(a, b)| (a - b).abs() <= 1e-5)
            };
            ensure!(
                close(&reduced, &sums[own.clone()]),
                "rank {rank} reduces gradients of {count} parameters to {reduced:?}, expected {:?}",
                &sums[own]
            );
            ensure!(
                close(&shared, &sums),
                "rank {rank} gets the parameters {shared:?}, expected {sums:?}"
            );
        }
    }
    Ok(())
}

/// What a rank updates of its `gradients`, and what all have when each shares that.
fn exchanged(
    rank: &dyn ParallelStrategy,
    gradients: Vec<f32>,
) -> Result<(Vec<f32>, Vec<f32>), PluginError> {
    let count = gradients.len();
    let reduced = rank.reduce(gradients);
    if let Err(error) = &reduced {
        rank.communicator().abort(&error.to_string());
    }
    let reduced = reduced?;
    Ok((reduced.clone(), rank.share(reduced, count)?))
}
