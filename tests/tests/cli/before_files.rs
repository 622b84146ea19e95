//! Errors that do not depend on data are reported before any file is opened or directory created:
//! none of the files in these commands exists.

use aam_tests::{Aam, Ran, aam};

const TRAIN: &str = "train --test-size 0.2 --members network --table no.biom --metadata no.tsv --metadata-column ph --output-dir run";

/// The error of `command`, which must not concern its files.
#[track_caller]
fn refused(aam: &Aam, command: &str) -> Ran {
    let ran = aam.refuses(command);
    assert!(!ran.stderr.contains("no.biom"), "{ran:?}");
    assert!(!aam.path("run").exists(), "{command}");
    ran
}

#[test]
fn settings_of_a_training() {
    let aam = aam!();
    for (settings, words) in [
        ("--best-metric accuracy", "there is no such metric"),
        ("--best-metric mean", "there is no such metric"),
        ("--classifier --best-metric r2", "there is no such metric"),
        (
            "--categorical-columns a --categorical-hierarchy a",
            "child=parent",
        ),
        ("--categorical-columns ph", "this is the column to predict"),
        (
            "--categorical-columns a --categorical-embed-dims a=0",
            "at least 1",
        ),
        ("--loss quantile --loss.levels 0.9,0.1", "ascending"),
        ("--loss cross-entropy", "a categorical target"),
        (
            "--classifier --loss mse",
            "loss 'mse' needs a numeric target, but --classifier",
        ),
        ("--classifier --loss quantile", "needs a numeric target"),
        (
            "--classifier --head quantile",
            "a loss whose outputs are in ascending order",
        ),
        (
            "--classifier --loss ordinal --head quantile --best-metric r2",
            "no such metric",
        ),
        (
            "--target-transform zscore --output-activation sigmoid",
            "--target-transform zscore puts values on both sides of 0",
        ),
        (
            "--classifier --output-activation exp",
            "outputs that are values of the target",
        ),
        (
            "--conditional-output-scaling a",
            "categorical columns in the run",
        ),
        ("--head film", "categorical columns"),
        (
            "--head quantile --loss gaussian-nll",
            "a loss whose outputs are in ascending order",
        ),
        ("--fusion gmu", "categorical columns"),
        ("--leave-group-out a", "--group-column"),
        (
            "--unifrac-weight 1",
            "--tree is missing: name it, or --unifrac-matrix",
        ),
        ("--count-weight 1", "--sample-encoder attention"),
        ("--nucleotide-weight 1", "--no-freeze-base"),
        ("--lora-rank 4", "--pretrained-encoder"),
        (
            "--optimizer muon --strategy fsdp --strategy.ranks 2",
            "entire matrices",
        ),
        (
            "--embedding-dim 30 --attention-heads 4",
            "a divisor of the width",
        ),
    ] {
        refused(&aam, &format!("{TRAIN} {settings}")).says(&[words]);
    }
}

/// The abundances of ASVs are predicted from what a sample encoder keeps of each.
#[test]
fn every_sample_encoder_predicts_abundances_or_says_why_not() {
    let aam = aam!();
    let mut refused_by = Vec::new();
    for encoder in aam.components("sample-encoder") {
        let line = format!("{TRAIN} --count-penalty 1 --sample-encoder {encoder}");
        let ran = aam.run(&line);
        if ran.stderr.contains("abundances are predicted only with") {
            refused(&aam, &line).says(&["--sample-encoder attention"]);
            refused_by.push(encoder);
        } else {
            // Only the files are missing.
            let files = ["no.biom", "no.tsv"];
            assert!(
                files.iter().any(|file| ran.stderr.contains(file)),
                "{ran:?}"
            );
        }
    }
    assert_eq!(refused_by, ["abundance"]);
    refused(
        &aam,
        "pretrain --table no.biom --count-penalty 1 --output-dir run",
    )
    .says(&["--count-penalty is not supported", "--count-weight"]);
}

#[test]
fn settings_of_folds_and_of_other_commands() {
    let aam = aam!();
    let quantiles = "--loss quantile --loss.levels 0.9,0.1";
    let folds = TRAIN.replace("--test-size 0.2", "--folds 3");
    refused(&aam, &format!("{folds} {quantiles}")).says(&["ascending"]);
    let lr_find = TRAIN.replace("train", "lr-find");
    refused(&aam, &format!("{lr_find} {quantiles}")).says(&["ascending"]);
    let forest = TRAIN.replace("train", "rf-baseline");
    let forest = forest.replace("--members network ", "");
    refused(&aam, &format!("{forest} --leave-group-out a")).says(&["--group-column"]);
    let compare = TRAIN.replace("train", "compare");
    refused(&aam, &format!("{compare} --leave-group-out a")).says(&["--group-column"]);
    let pretrain = "pretrain --table no.biom --output-dir run";
    for (settings, words) in [
        ("", "--tree is missing: name it, or --unifrac-matrix"),
        (
            "--unifrac-metric jaccard --best-metric unifrac_r2",
            "there is no such metric",
        ),
        (
            "--unifrac-weight 0 --nucleotide-weight 0",
            "nothing to pre-train on",
        ),
    ] {
        refused(&aam, &format!("{pretrain} {settings}")).says(&[words]);
    }
}

/// The run itself rejects a metric that only it knows, and keeps what it has.
#[test]
fn metrics_that_components_have_are_known_to_the_run_alone() {
    let aam = aam!().with(aam_tests::STUDY);
    let data = "--table study/table.biom --metadata study/metadata.tsv --metadata-column ph";
    let run = format!("train {data} --epochs 1 --baseline-trees 0 --output-dir run");
    aam.refuses(&format!("{run} --best-metric train_penalty"))
        .says(&["there is no such metric"]);
}
