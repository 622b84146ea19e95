//! State of a resumed run besides the weights: averages, adapters, every kind of optimizer, and one
//! shared among ranks.

use std::fs;

use aam_tests::{Aam, Runs, STUDY, aam};

/// Every epoch at the same learning rate, whatever their number.
const EVEN: &str = "--max-bp 30 --embedding-dim 16 --attention-heads 2 --attention-layers 1 \
                    --scheduler constant --warmup 0 --no-tensorboard --no-report";
const TRAIN: &str = "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv \
                     --metadata-column ph --batch-size 8 --baseline-trees 0";

fn weights(aam: &Aam, run: &str) -> [Vec<u8>; 2] {
    ["last", "best"].map(|name| {
        let file = format!("{run}/checkpoints/{name}/model.safetensors");
        fs::read(aam.path(&file)).expect("a checkpoint")
    })
}

/// Four epochs at once and two times two epochs give the same result.
fn check(aam: &Aam, flags: &str) {
    let train = format!("{TRAIN} {EVEN} {flags}");
    aam.ok(&format!(
        "{train} --epochs 4 --overwrite --output-dir whole"
    ));
    aam.ok(&format!(
        "{train} --epochs 2 --overwrite --output-dir parts"
    ));
    aam.ok("train --resume --epochs 4 --output-dir parts")
        .says(&["resuming after epoch 2"]);
    assert_eq!(weights(aam, "parts"), weights(aam, "whole"), "{flags}");
    let metrics = |run: &str| aam.read(&format!("{run}/metrics.tsv"));
    assert_eq!(metrics("parts"), metrics("whole"), "{flags}");
    let predictions = |run: &str| aam.read(&format!("{run}/predictions.tsv"));
    assert_eq!(predictions("parts"), predictions("whole"), "{flags}");
}

#[test]
fn optimizers_and_averages_resume() {
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
fn adapters_resume() {
    let aam = aam!().with(STUDY);
    aam.ok(&format!(
        "pretrain --table study/table.biom --unifrac-metric bray-curtis --nucleotide-steps 4 \
         --max-steps 4 {EVEN} --output-dir base"
    ));
    let base = "--pretrained-encoder base/checkpoints/best --lora-rank 2";
    check(&aam, base);
    check(&aam, &format!("{base} --ema-decay 0.5"));
}

const ATTENTION: &str = "--pooling attention --dropout 0";

#[test]
fn an_optimizer_shared_among_ranks_resumes() {
    let aam = aam!().with(STUDY);
    let shared = format!("{ATTENTION} --strategy fsdp --strategy.ranks 2");
    check(&aam, &shared);
    check(&aam, &format!("{shared} --fsdp-sharded-checkpoint"));
}

/// The scale of distances is fitted before the first step of a run, and trained throughout it.
#[test]
fn distances_resume() {
    let aam = aam!().with(STUDY);
    let pretrain = format!(
        "pretrain --table study/table.biom --tree study/tree.nwk {EVEN} --pooling attention \
         --nucleotide-weight 0 --batch-size 8"
    );
    aam.ok(&format!("{pretrain} --epochs 4 --output-dir whole"));
    aam.ok(&format!("{pretrain} --epochs 2 --output-dir parts"));
    aam.ok("pretrain --resume --epochs 4 --output-dir parts");
    assert_eq!(weights(&aam, "parts"), weights(&aam, "whole"));
    let factor = |run: &str| Runs(&aam).tensor(run, "unifrac.log_factor")[0];
    aam.ok(&format!(
        "{pretrain} --max-steps 1 --lr 1e-30 --output-dir start"
    ));
    assert_ne!(factor("whole"), factor("start"));
}

/// The optimizer has running averages, without which it would take another path. Several ranks add
/// in a different order than one, and differ in the last digits.
#[test]
fn any_strategy_resumes_from_any_other() {
    let aam = aam!().with(STUDY);
    let train = format!("{TRAIN} {EVEN} {ATTENTION} --optimizer sgd --lr 0.01");
    let runs = Runs(&aam);
    let two = |to: &str, more: &str| {
        aam.ok(&format!(
            "{train} --epochs 2 {more} --overwrite --output-dir {to}"
        ));
    };
    two("start", "");
    let start = runs.weights("start");
    aam.ok(&format!("{train} --epochs 4 --output-dir whole"));
    for (before, files, after) in [
        (
            "--strategy fsdp --strategy.ranks 3",
            1,
            "--strategy fsdp --strategy.ranks 2",
        ),
        (
            "--fsdp --fsdp-sharded-checkpoint --strategy.ranks 3",
            3,
            "--strategy single",
        ),
        (
            "--fsdp --fsdp-sharded-checkpoint --strategy.ranks 2",
            2,
            "--strategy data-parallel --strategy.ranks 2",
        ),
        (
            "--strategy data-parallel --strategy.ranks 2",
            1,
            "--strategy ddp --strategy.ranks 3",
        ),
        ("--strategy single", 1, "--strategy fsdp --strategy.ranks 4"),
    ] {
        two("parts", before);
        let saved = fs::read_dir(aam.path("parts/checkpoints/last")).unwrap();
        let saved = saved.filter(|file| {
            let name = file.as_ref().unwrap().file_name();
            name.to_string_lossy().starts_with("optimizer")
        });
        assert_eq!(saved.count(), files, "{before}");
        aam.ok(&format!(
            "train --resume --epochs 4 {after} --output-dir parts"
        ));
        let apart = runs.apart(&start, "whole", "parts");
        println!("{before}, then {after}: {apart:.1e}");
        assert!(apart < 1e-5, "{before}, then {after}: {apart:e}");
    }
}
