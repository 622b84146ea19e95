use std::sync::Arc;

use aam_data::{TokenOptions, TokenizedSequences};
use aam_plugins as _;

use super::*;

const ASVS: [&str; 4] = ["ACGTACGTACGTACGTACGTACGT", "ACGTACGTAC", "GGGGGGGGGG", "TT"];

/// Six samples, each with 40 reads of every ASV.
fn table() -> Table {
    let triplets: Vec<(u32, u32, u32)> = (0..6)
        .flat_map(|sample| (0..ASVS.len() as u32).map(move |asv| (sample, asv, 40)))
        .collect();
    Table::from_triplets(
        (0..6).map(|sample| format!("s{sample}")).collect(),
        ASVS.iter().map(|&asv| asv.into()).collect(),
        &triplets,
    )
    .unwrap()
}

fn named(names: &[&str]) -> Result<NamedAugmentations, RunError> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    NamedAugmentations::read(&names)
}

/// Augmentations of samples whose only target is the number of the sample.
fn augmenting<'a>(names: &[&str], table: &'a Table) -> Augmenting<'a> {
    let context = AugmentationContext::new()
        .with_targets(true)
        .reading_sequences(true);
    let built = named(names).unwrap().build(&context).unwrap();
    let targets = (0..table.num_samples()).map(|row| row as f64).collect();
    Augmenting::new(built, table, targets, vec![false]).unwrap()
}

fn draws(batch: usize) -> Draws {
    Draws {
        seed: 7,
        batch,
        replica: 0,
    }
}

fn batch(rows: &[usize], pool: &[usize]) -> TrainingBatch {
    TrainingBatch {
        rows: rows.to_vec(),
        pool: Arc::from(pool),
        truths: Vec::new(),
    }
}

#[test]
fn a_change_is_a_function_of_batch_and_sample() {
    let table = table();
    let augmenting = augmenting(&["rarefaction:depth=20"], &table);
    let of = |number, rows: &[usize]| {
        let batch = batch(rows, &[0, 1, 2, 3, 4, 5]);
        augmenting.of_batch(&batch, draws(number)).unwrap()
    };
    let first = of(3, &[4, 1, 4]);
    assert!(first.iter().all(|sample| sample.depth() == 20.0));
    let targets: Vec<f64> = first.iter().map(|sample| sample.targets[0]).collect();
    assert_eq!(targets, [4.0, 1.0, 4.0]);
    assert_eq!(of(3, &[4, 1, 4]), first);
    assert_eq!(of(3, &[4])[0], first[0], "whatever else is in the batch");
    assert_ne!(first[0].reads, first[2].reads, "a sample drawn twice");
    assert_ne!(of(4, &[4, 1, 4]), first);
    let other = Draws {
        seed: 8,
        ..draws(3)
    };
    let all = batch(&[4, 1, 4], &[0, 1, 2, 3, 4, 5]);
    assert_ne!(augmenting.of_batch(&all, other).unwrap(), first);
}

#[test]
fn only_samples_of_the_pool_take_part() {
    let table = table();
    let augmenting = augmenting(&["mixup:alpha=5:neighbours=1"], &table);
    for number in 0..30 {
        let batch = batch(&[2], &[2, 5]);
        let mixed = augmenting.of_batch(&batch, draws(number)).unwrap();
        let target = mixed[0].targets[0];
        // Samples 1 and 3 are nearer, but are not trained on.
        assert!(target > 2.0 && target <= 3.5, "{target}");
        assert!((mixed[0].depth() - 160.0).abs() < 1e-3);
    }
}

#[test]
fn changes_are_made_in_the_order_in_which_they_are_named() {
    let table = table();
    let of = |names: &[&str]| {
        let augmenting = augmenting(names, &table);
        let batch = batch(&[2], &[2, 5]);
        augmenting.of_batch(&batch, draws(1)).unwrap().remove(0)
    };
    let dropped_last = of(&["rarefaction:depth=80", "asv-dropout:share=0.5"]);
    assert!(dropped_last.asvs.len() == 2 && dropped_last.depth() < 80.0);
    let drawn_last = of(&["asv-dropout:share=0.5", "rarefaction:depth=79"]);
    assert!(drawn_last.asvs.len() == 2 && drawn_last.depth() == 79.0);
}

#[test]
fn sequences_change_where_an_augmentation_says_so() {
    let table = table();
    let options = TokenOptions::default();
    let sequences = TokenizedSequences::new(ASVS.iter().map(|&s| (s, s)), &options).unwrap();
    let groups = AsvGroups::new(vec![0, 1, 2, 3], &sequences, 10);
    let chunks = groups.chunks(&sequences);
    let counts = augmenting(&["asv-dropout"], &table);
    assert!(matches!(
        counts.sequences(&chunks, &groups, draws(0)),
        Cow::Borrowed(same) if same == chunks
    ));
    let errors = augmenting(&["mutation:rate=0.5"], &table);
    let changed = errors.sequences(&chunks, &groups, draws(0));
    assert_ne!(*changed, *chunks);
    assert_eq!(changed, errors.sequences(&chunks, &groups, draws(0)));
    assert_ne!(changed, errors.sequences(&chunks, &groups, draws(1)));
    for (before, after) in chunks.iter().zip(changed.iter()) {
        assert_eq!(before.length, after.length);
        assert_eq!(before.tokens.len(), after.tokens.len());
        for (before, after) in before.rows().zip(after.rows()) {
            assert_eq!(before[0], after[0], "the start token");
        }
    }
    // Two ASVs of one length have errors of their own.
    let pair = changed.iter().find(|chunk| chunk.asvs() == 2).unwrap();
    let before = chunks.iter().find(|chunk| chunk.asvs() == 2).unwrap();
    let places = |asv: usize| -> Vec<bool> {
        let (old, new) = (before.rows().nth(asv), pair.rows().nth(asv));
        let tokens = old.unwrap().iter().zip(new.unwrap());
        tokens.map(|(old, new)| old != new).collect()
    };
    assert_ne!(places(0), places(1));
}

#[test]
fn names_and_options_are_checked() {
    let refused = |names: &[&str]| named(names).unwrap_err().to_string();
    let unknown = refused(&["rarefy"]);
    assert!(
        unknown.contains("--augmentation rarefy: no such augmentation (did you mean 'rarefaction'?); expected one of asv-dropout, mixup, mutation, rarefaction"),
        "{unknown}"
    );
    assert!(refused(&["mixup", "mixup:alpha=1"]).contains("named twice"));
    assert!(refused(&["rarefaction:depths=5"]).contains("no option 'depths'"));
    assert!(refused(&["rarefaction:depth=0"]).contains("depth: expected"));
    let none = named(&[]).unwrap();
    assert!(none.is_empty());
    let table = table();
    let none = none.build(&AugmentationContext::new()).unwrap();
    assert!(Augmenting::new(none, &table, Vec::new(), Vec::new()).is_none());
}
