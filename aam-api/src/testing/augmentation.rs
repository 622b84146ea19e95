//! Augmentations, of samples with numbers, with classes and without targets.

use serde_json::{Map, Value};

use super::numbers::Numbers;
use super::{Check, Conformance, KnownSamples, ensure, plugin};
use crate::tokens::{FIRST_BASE, LAST_BASE, MASK, START};
use crate::{
    Augmentation, AugmentationContext, AugmentationKind, AugmentedSample, BoxedAugmentation, Plugin,
};

/// Number of changes of each sample.
const SEEDS: u64 = 30;
/// Number of ASVs of the tested samples.
const ASVS: usize = 40;

impl Conformance for AugmentationKind {
    fn check(plugin: &Plugin<Self>, options: &Map<String, Value>) -> Check {
        let mut works = false;
        for context in contexts() {
            let Some(augmentation) = plugin::build(plugin, options, &context)? else {
                continue;
            };
            works = true;
            check_sequences(&*augmentation)?;
            let mut changes = augmentation.changes_sequences();
            for (name, pool) in pools(context.has_targets) {
                let found = check_pool(&augmentation, &pool);
                changes |= found.map_err(|problem| format!("{name}: {problem}"))?;
            }
            ensure!(
                changes,
                "it changes neither samples nor sequences in {SEEDS} draws"
            );
        }
        ensure!(works, "refuses every run");
        Ok(())
    }
}

crate::register_suite!(AugmentationKind);

/// Runs that differ in what they offer and in what they learn.
fn contexts() -> Vec<AugmentationContext> {
    let all = [false, true];
    let with = |targets| {
        all.map(|reads| {
            AugmentationContext::new()
                .with_targets(targets)
                .reading_sequences(reads)
        })
    };
    all.into_iter().flat_map(with).collect()
}

/// Samples of about half of the ASVs, and targets of which those with `classes` are classes.
fn drawn(samples: usize, classes: &[bool]) -> KnownSamples {
    let mut numbers = Numbers::new(61);
    let mut sample = || {
        let asvs = (0..ASVS as u32).filter(|_| numbers.uniform() < 0.5);
        let asvs: Vec<u32> = asvs.collect();
        let asvs = if asvs.is_empty() { vec![3] } else { asvs };
        let reads = asvs.iter().map(|_| 1.0 + numbers.below(100) as f32);
        let reads = reads.collect();
        let targets = classes.iter().map(|is_class| match is_class {
            true => numbers.below(3) as f64,
            false => f64::from(numbers.normal()),
        });
        AugmentedSample::new(asvs, reads, targets.collect())
    };
    KnownSamples {
        samples: (0..samples).map(|_| sample()).collect(),
        classes: classes.to_vec(),
    }
}

/// Studies to change, with descriptions.
fn pools(has_targets: bool) -> Vec<(&'static str, KnownSamples)> {
    let mut pools = vec![
        ("samples without targets", drawn(12, &[])),
        ("one sample of a single read", KnownSamples::of_one(&[1.0])),
    ];
    if has_targets {
        pools.extend([
            ("samples with a number", drawn(12, &[false])),
            ("samples with a class", drawn(12, &[true])),
            (
                "samples with a class and a number",
                drawn(12, &[true, false]),
            ),
            ("one sample with a number", drawn(1, &[false])),
        ]);
    }
    pools
}

/// Checks the changes of every sample of `pool`. Returns whether there are any.
fn check_pool(augmentation: &BoxedAugmentation, pool: &KnownSamples) -> Result<bool, String> {
    let mut changes = false;
    for (own, before) in pool.samples.iter().enumerate() {
        for seed in 0..SEEDS {
            let draw = pool.draw(own, seed);
            let after = augmentation.augment(before.clone(), &draw);
            check_sample(&after, before, pool)?;
            ensure!(
                augmentation.augment(before.clone(), &draw) == after,
                "the same seed gives another change of the same sample"
            );
            changes |= after != *before;
            // As another augmentation might leave it.
            let mut halves = before.clone();
            halves.reads.iter_mut().for_each(|reads| *reads *= 0.25);
            check_sample(&augmentation.augment(halves, &draw), before, pool)?;
        }
    }
    Ok(changes)
}

/// ASVs are in order, reads positive, numbers between those of the study, and classes unchanged.
fn check_sample(after: &AugmentedSample, before: &AugmentedSample, pool: &KnownSamples) -> Check {
    ensure!(!after.asvs.is_empty(), "a sample has no ASV left");
    ensure!(
        after.asvs.len() == after.reads.len(),
        "a sample has {} ASVs, but reads of {}",
        after.asvs.len(),
        after.reads.len()
    );
    ensure!(
        after.asvs.windows(2).all(|pair| pair[0] < pair[1]),
        "the ASVs of a sample are not in ascending order: {:?}",
        after.asvs
    );
    let known = |asv: &u32| pool.samples.iter().any(|sample| sample.asvs.contains(asv));
    let unknown = after.asvs.iter().find(|asv| !known(asv));
    ensure!(
        unknown.is_none(),
        "the ASV {unknown:?} is in no training sample"
    );
    let reads = after
        .reads
        .iter()
        .find(|reads| !(reads.is_finite() && **reads > 0.0));
    ensure!(reads.is_none(), "an ASV has {reads:?} reads");
    ensure!(
        after.targets.len() == before.targets.len(),
        "a sample with {} targets has {} afterwards",
        before.targets.len(),
        after.targets.len()
    );
    for (target, is_class) in pool.classes.iter().enumerate() {
        let (own, value) = (before.targets[target], after.targets[target]);
        let (low, high) = pool.range(target);
        match is_class {
            true => ensure!(
                own == value,
                "a sample of class {own} becomes one of {value}"
            ),
            false => ensure!(
                value >= low - 1e-9 && value <= high + 1e-9,
                "a number becomes {value}, outside those of the study, {low} to {high}"
            ),
        }
    }
    Ok(())
}

/// Only bases change, into bases, equally for equal seeds, and only if the augmentation says so.
fn check_sequences(augmentation: &dyn Augmentation) -> Check {
    let bases = (0..10_000).map(|place| FIRST_BASE + (place % 4) as u8);
    let before: Vec<u8> = [START].into_iter().chain(bases).chain([MASK]).collect();
    let mutated = |seed| {
        let mut tokens = before.clone();
        augmentation.mutate(&mut tokens, seed);
        tokens
    };
    let mut changes = false;
    for seed in 0..SEEDS {
        let after = mutated(seed);
        ensure!(
            after == mutated(seed),
            "the same seed gives other sequences"
        );
        let is_base = |token: &u8| (FIRST_BASE..=LAST_BASE).contains(token);
        for (old, new) in before.iter().zip(&after) {
            ensure!(
                old == new || is_base(old) && is_base(new),
                "the token {old} becomes {new}"
            );
        }
        changes |= after != before;
    }
    ensure!(
        changes == augmentation.changes_sequences(),
        "it says {} about changing sequences, but {} change",
        augmentation.changes_sequences(),
        if changes { "they" } else { "none" }
    );
    Ok(())
}
