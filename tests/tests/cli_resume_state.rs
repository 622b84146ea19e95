//! What a run that goes on has besides weights: averages, adapters, an optimizer of every kind, and
//! one that ranks share.

use std::fs;

use aam_tests::{Aam, STUDY, aam};

/// Every epoch at the same rate, whatever their number.
const EVEN: &str = "--max-bp 30 --embedding-dim 16 --attention-heads 2 --attention-layers 1 \
                    --scheduler constant --warmup 0 --no-tensorboard --no-report";
const TRAIN: &str = "train --table study/table.biom --metadata study/metadata.tsv \
                     --metadata-column ph --batch-size 8 --baseline-trees 0";

fn weights(aam: &Aam, run: &str) -> [Vec<u8>; 2] {
    ["last", "best"].map(|name| {
        let file = format!("{run}/checkpoints/{name}/model.safetensors");
        fs::read(aam.path(&file)).expect("a checkpoint")
    })
}

/// Four epochs at once and two times two are the same.
fn check(aam: &Aam, flags: &str) {
    let train = format!("{TRAIN} {EVEN} {flags}");
    aam.ok(&format!(
        "{train} --epochs 4 --overwrite --output-dir whole"
    ));
    aam.ok(&format!(
        "{train} --epochs 2 --overwrite --output-dir parts"
    ));
    aam.ok("train --resume --epochs 4 --output-dir parts")
        .says(&["going on after epoch 2"]);
    assert_eq!(weights(aam, "parts"), weights(aam, "whole"), "{flags}");
    let metrics = |run: &str| aam.read(&format!("{run}/metrics.tsv"));
    assert_eq!(metrics("parts"), metrics("whole"), "{flags}");
    let predictions = |run: &str| aam.read(&format!("{run}/predictions.tsv"));
    assert_eq!(predictions("parts"), predictions("whole"), "{flags}");
}

#[test]
fn optimizers_and_averages_go_on() {
    let aam = aam!().with(STUDY);
    for flags in [
        "--optimizer lion --lr 0.001",
        "--optimizer muon",
        "--optimizer sgd --lr 0.03",
        "--ema-decay 0.5",
    ] {
        check(&aam, flags);
    }
}

#[test]
fn adapters_go_on() {
    let aam = aam!().with(STUDY);
    aam.ok(&format!(
        "pretrain --table study/table.biom --unifrac-metric bray-curtis --nucleotide-steps 4 \
         --max-steps 4 {EVEN} --output-dir base"
    ));
    let base = "--pretrained-encoder base/checkpoints/best --lora-rank 2";
    check(&aam, base);
    check(&aam, &format!("{base} --ema-decay 0.5"));
}

#[test]
fn an_optimizer_that_ranks_share_goes_on_with_as_many() {
    let aam = aam!().with(STUDY);
    let attention = "--pooling attention --dropout 0 --strategy fsdp --strategy.ranks 2";
    check(&aam, attention);
    aam.run("train --resume --epochs 5 --strategy single --output-dir parts")
        .ends_with_code(2)
        .says(&["--strategy: the state of the optimizer was saved in 2 parts"]);
}
