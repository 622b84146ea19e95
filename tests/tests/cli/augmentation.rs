//! Augmentation of training samples, through the program.

use std::collections::BTreeSet;
use std::fs;

use aam_tests::{Aam, RANKS_STUDY, Runs, STUDY, TINY, aam};
use serde_json::Value;

const DATA: &str = "--test-size 0.2 --members network --table study/table.biom \
                    --metadata study/metadata.tsv --metadata-column ph";
/// Every epoch at the same learning rate, whatever their number.
const SMALL: &str = "--max-bp 30 --embedding-dim 16 --attention-heads 2 --attention-layers 1 \
                     --batch-size 8 --baseline-trees 0 --scheduler constant --warmup 0 \
                     --no-tensorboard --no-report";

fn train(flags: &str) -> String {
    format!("train {DATA} {SMALL} {flags}")
}

fn weights(aam: &Aam, run: &str) -> Vec<u8> {
    let file = format!("{run}/checkpoints/last/model.safetensors");
    fs::read(aam.path(&file)).expect("a checkpoint")
}

/// What the manifest of a run says of its augmentations.
fn recorded(aam: &Aam, run: &str) -> Value {
    let text = aam.read(&format!("{run}/checkpoints/last/manifest.json"));
    let manifest: Value = serde_json::from_str(&text).expect("JSON");
    manifest["augmentations"].clone()
}

#[test]
fn each_changes_the_training_and_predictions_need_no_flag() {
    let aam = aam!().with(STUDY);
    let mut losses = BTreeSet::new();
    let mut predictions = BTreeSet::new();
    for (run, augmentations) in [
        ("plain", ""),
        ("rarefied", "rarefaction:depth=60"),
        ("dropped", "asv-dropout:share=0.3"),
        ("mixed", "mixup:alpha=2"),
        ("all", "mixup,asv-dropout,rarefaction:share=0.5"),
    ] {
        let flag = match augmentations {
            "" => String::new(),
            names => format!("--augmentation {names}"),
        };
        aam.ok(&train(&format!("--epochs 3 {flag} --output-dir {run}")));
        losses.insert(format!(
            "{:?}",
            aam.column(&format!("{run}/metrics.tsv"), "train_target_loss")
        ));
        let predict = format!("predict --model {run}/checkpoints/last --table study/table.biom");
        aam.ok(&format!("{predict} --output {run}.tsv"));
        aam.ok(&format!("{predict} --output again.tsv --overwrite"));
        let predicted = aam.read(&format!("{run}.tsv"));
        assert_eq!(predicted, aam.read("again.tsv"), "{run}");
        predictions.insert(predicted);
    }
    assert_eq!((losses.len(), predictions.len()), (5, 5), "{losses:?}");
    assert_eq!(recorded(&aam, "plain"), Value::Null);
    let all = recorded(&aam, "all");
    let names: Vec<&str> = all
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert_eq!(names, ["mixup", "asv-dropout", "rarefaction"]);
    assert_eq!(all[2]["options"]["share"], 0.5);
    // The recorded settings repeat the run.
    aam.ok("train --config all/config.toml --output-dir again");
    assert_eq!(weights(&aam, "again"), weights(&aam, "all"));
}

#[test]
fn held_out_samples_are_unchanged() {
    let aam = aam!().with(STUDY);
    let changes = "mixup,asv-dropout:share=0.9,rarefaction:depth=10";
    let still = "--max-steps 1 --lr 1e-30 --head linear --loss quantile";
    aam.ok(&train(&format!("{still} --output-dir plain")));
    aam.ok(&train(&format!(
        "{still} --augmentation {changes} --output-dir changed"
    )));
    // A loss of several outputs has no readout in closed form, so both are the initial network.
    let validated = |run: &str| aam.column(&format!("{run}/metrics.tsv"), "loss");
    assert_eq!(validated("plain"), validated("changed"));
    let trained = |run: &str| aam.column(&format!("{run}/metrics.tsv"), "train_target_loss");
    assert_ne!(trained("plain"), trained("changed"));
}

#[test]
fn a_resumed_run_makes_the_same_changes() {
    let aam = aam!().with(STUDY);
    let learning = "--pooling attention --no-freeze-base --dropout 0.1";
    for flags in [
        "--augmentation mixup,asv-dropout,rarefaction".to_owned(),
        format!("{learning} --augmentation mixup,mutation:rate=0.1"),
    ] {
        let run = |epochs: usize, to: &str| {
            let more = format!("{flags} --epochs {epochs} --overwrite --output-dir {to}");
            aam.ok(&train(&more));
        };
        run(4, "whole");
        run(2, "parts");
        aam.ok("train --resume --epochs 4 --output-dir parts")
            .says(&["resuming after epoch 2"]);
        assert_eq!(weights(&aam, "parts"), weights(&aam, "whole"), "{flags}");
        let metrics = |run: &str| aam.read(&format!("{run}/metrics.tsv"));
        assert_eq!(metrics("parts"), metrics("whole"), "{flags}");
    }
    aam.refuses("train --resume --epochs 6 --output-dir parts --augmentation mixup")
        .says(&["--augmentation: the run has", "cannot resume with"]);
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let aam = aam!().with(STUDY);
    let flags = "--augmentation mixup,rarefaction --epochs 3";
    for threads in [1, 3] {
        aam.ok(&train(&format!(
            "{flags} --threads {threads} --output-dir run{threads}"
        )));
    }
    assert_eq!(weights(&aam, "run1"), weights(&aam, "run3"));
    aam.ok(&train(&format!("{flags} --seed 1 --output-dir other")));
    assert_ne!(weights(&aam, "run1"), weights(&aam, "other"));
}

#[test]
fn ranks_learn_from_the_samples_of_one() {
    let aam = aam!().with(RANKS_STUDY);
    let run = |to: &str, more: &str| {
        aam.ok(&format!(
            "train {DATA} {TINY} --baseline-trees 0 --asv-encoder transformer \
             --pooling attention --no-freeze-base \
             --augmentation mixup:alpha=3,rarefaction:depth=100,mutation:rate=0.1 \
             --optimizer sgd {more} --output-dir {to}"
        ));
    };
    run("start", "--max-steps 1 --lr 1e-30");
    run("single", "--lr 0.02 --max-steps 8");
    run(
        "several",
        "--lr 0.02 --max-steps 8 --strategy ddp --strategy.ranks 3",
    );
    let runs = Runs(&aam);
    let start = runs.weights("start");
    let apart = runs.apart(&start, "single", "several");
    assert!(apart < 1e-4, "{apart:e}");
}

#[test]
fn classes_are_mixed_while_the_length_is_chosen() {
    let aam = aam!().with(STUDY);
    let train = train("--output-dir run --augmentation mixup,asv-dropout");
    let train = train.replace(
        "--metadata-column ph",
        "--metadata-column habitat --classifier",
    );
    let train = train.replace("--batch-size 8", "--batch-size 24");
    aam.ok(&train)
        .says(&["the length that predicts held-back training samples best"]);
    aam.ok("predict --model run/checkpoints/last --table study/table.biom --output p.tsv");
}

#[test]
fn an_encoder_that_learns_can_read_errors_and_distances_can_be_learned_from_draws() {
    let aam = aam!().with(STUDY);
    let learning = "--pooling attention --no-freeze-base --dropout 0 --epochs 1";
    aam.ok(&train(&format!("{learning} --output-dir plain")));
    aam.ok(&train(&format!(
        "{learning} --augmentation mutation:rate=0.2 --output-dir errors"
    )));
    assert_ne!(weights(&aam, "plain"), weights(&aam, "errors"));
    let pretrain = "pretrain --table study/table.biom --tree study/tree.nwk --max-bp 30 \
                    --embedding-dim 16 --attention-heads 2 --attention-layers 1 --batch-size 8 \
                    --epochs 1 --nucleotide-steps 4";
    for (run, flags) in [
        ("stages", ""),
        ("draws", "--augmentation rarefaction,asv-dropout"),
        ("once", "--pooling attention"),
        (
            "once-draws",
            "--pooling attention --augmentation rarefaction,mutation:rate=0.2",
        ),
    ] {
        aam.ok(&format!("{pretrain} {flags} --output-dir {run}"));
    }
    assert_ne!(weights(&aam, "stages"), weights(&aam, "draws"));
    assert_ne!(weights(&aam, "once"), weights(&aam, "once-draws"));
    assert_eq!(recorded(&aam, "draws")[1]["name"], "asv-dropout");
}

/// None of the files in these commands exists.
#[test]
fn impossible_settings_are_refused_before_files_are_read() {
    let aam = aam!();
    let train = "train --table no.biom --metadata no.tsv --metadata-column ph --output-dir run";
    let distances = "--unifrac-weight 1 --tree no.nwk --pooling attention --no-freeze-base";
    let pretrain = "pretrain --table no.biom --tree no.nwk --output-dir run";
    for (command, words) in [
        (
            format!("{train} --augmentation rarefy"),
            "expected one of asv-dropout, mixup, mutation, rarefaction",
        ),
        (format!("{train} --augmentation mixup,mixup"), "twice"),
        (
            format!("{train} --augmentation mixup:beta=1"),
            "mixup has no option 'beta'; it has alpha, neighbours",
        ),
        (
            format!("{train} --augmentation rarefaction:depth=0"),
            "depth: expected",
        ),
        (
            format!("{train} --augmentation rarefaction:depth=5:share=0.5"),
            "because a depth is given",
        ),
        (
            format!("{train} --augmentation asv-dropout:share=1"),
            "share: expected",
        ),
        (
            format!("{train} --augmentation mutation"),
            "needs an ASV encoder that reads the sequences in every update",
        ),
        (
            format!("{train} --test-size 0.2 --augmentation mutation"),
            "--no-freeze-base",
        ),
        (
            format!("{train} {distances} --augmentation mixup"),
            "cannot be combined with --unifrac-weight",
        ),
        (
            format!("{pretrain} --augmentation mixup"),
            "pre-training has none",
        ),
        (
            format!("{pretrain} --augmentation mutation"),
            "each ASV is encoded once per run",
        ),
        (
            format!("{pretrain} --unifrac-weight 0 --augmentation asv-dropout"),
            "masked nucleotides alone",
        ),
    ] {
        let ran = aam.refuses(&command).says(&["augmentation", words]);
        assert!(!ran.stderr.contains("no.biom"), "{ran:?}");
        assert!(!aam.path("run").exists(), "{command}");
    }
}

#[test]
fn augmentations_are_described_as_components() {
    let aam = aam!();
    let names = aam.components("augmentation");
    assert_eq!(names, ["asv-dropout", "mixup", "mutation", "rarefaction"]);
    aam.ok("plugins describe augmentation rarefaction")
        .prints(&["Subsamples the reads of a sample", "depth"]);
}
