//! Matrix products in 16 bits: training and prediction differ from 32 bits, but are as good. A CPU
//! performs the same operations as a GPU, only more slowly.

use std::collections::HashMap;
use std::fs;

use aam_tests::{Aam, RANKS_STUDY, Runs, STUDY, TINY, aam, cells};
use serde_json::Value;

const SMALL: &str = "--max-bp 30 --embedding-dim 16 --attention-heads 2 --attention-layers 1 \
                     --scheduler constant --warmup 0 --no-tensorboard --no-report";
const TRAIN: &str = "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv \
                     --metadata-column ph --batch-size 8 --baseline-trees 0";
const PRETRAIN: &str = "pretrain --table study/table.biom --tree study/tree.nwk --batch-size 8";

/// A column of `metrics.tsv` by epoch.
fn column(aam: &Aam, run: &str, name: &str) -> Vec<f64> {
    let text = aam.read(&format!("{run}/metrics.tsv"));
    let mut lines = text.lines().map(|line| line.split('\t'));
    let header = lines.next().expect("a header");
    let place = header.enumerate().find(|(_, column)| *column == name);
    let (place, _) = place.unwrap_or_else(|| panic!("no {name} in {run}"));
    let cell = |mut line: std::str::Split<'_, char>| line.nth(place)?.parse().ok();
    lines.map(|line| cell(line).expect("a number")).collect()
}

fn predictions(aam: &Aam, file: &str) -> HashMap<String, f64> {
    let text = aam.read(file);
    let cells = cells(&text, "prediction").into_iter();
    cells
        .map(|(id, cell)| (id.to_owned(), cell.parse().expect("a number")))
        .collect()
}

/// The largest and the mean difference between two predictions, relative to the spread of the
/// values.
fn apart(one: &HashMap<String, f64>, other: &HashMap<String, f64>) -> (f64, f64) {
    assert_eq!(one.len(), other.len());
    let count = one.len() as f64;
    let mean = one.values().sum::<f64>() / count;
    let squares: f64 = one.values().map(|value| (value - mean).powi(2)).sum();
    let spread = (squares / count).sqrt();
    let apart = one.iter().map(|(id, value)| (value - other[id]).abs());
    let largest = apart.clone().fold(0.0, f64::max);
    (largest / spread, apart.sum::<f64>() / count / spread)
}

fn state(aam: &Aam, run: &str) -> Value {
    let text = aam.read(&format!("{run}/checkpoints/last/trainer.json"));
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn it_is_a_setting_like_any_other_and_a_cpu_warns_of_it() {
    let aam = aam!().with(STUDY);
    let train = format!("{TRAIN} {SMALL} --max-steps 1 --output-dir run");
    let ran = aam.ok(&format!("{train} --mixed-precision bf16"));
    let warnings = ran.stderr.matches("--mixed-precision bf16 has no benefit");
    assert_eq!(warnings.count(), 1, "{}", ran.stderr);
    let config = aam.read("run/config.toml");
    assert!(config.contains("mixed-precision = \"bf16\"\n"), "{config}");
    aam.ok("train --mixed-precision none --print-config")
        .prints(&["mixed-precision = \"none\"\n"]);
    let ran = aam.refuses(&format!("{train} --mixed-precision fp32"));
    ran.says(&["--mixed-precision", "none", "bf16", "fp16"]);
    // The precision may change when a run resumes.
    aam.ok("train --resume --max-steps 2 --mixed-precision fp16 --output-dir run")
        .says(&["changed: mixed-precision bf16 → fp16"]);
    assert_eq!(state(&aam, "run")["loss_scale"]["factor"], 65536.0);
}

/// Losses of `command` in 32 bits and in both 16-bit formats, in directories of those names. They
/// must differ and decrease by the same amount.
fn falling_alike(aam: &Aam, command: &str) -> [Vec<f64>; 3] {
    let losses = ["none", "bf16", "fp16"].map(|precision| {
        aam.ok(&format!(
            "{command} --mixed-precision {precision} --output-dir {precision}"
        ));
        column(aam, precision, "train_loss")
    });
    println!("{command}: {losses:?}");
    let [single, mixed @ ..] = &losses;
    let fall = |losses: &[f64]| losses[0] - losses[losses.len() - 1];
    assert!(fall(single) > 0.2 * single[0], "{single:?}");
    for losses in mixed {
        assert_ne!(losses, single);
        let rate = fall(losses) / fall(single);
        assert!((0.9..1.1).contains(&rate), "{losses:?} {single:?}");
    }
    losses
}

/// Pre-training of a base on nucleotides and distances with transformers throughout, and on
/// nucleotides before pooling by abundance.
#[test]
fn pretraining_learns_as_it_does_with_32_bits() {
    let aam = aam!().with(RANKS_STUDY);
    for what in [
        "--pooling attention --epochs 8",
        "--unifrac-weight 0 --nucleotide-steps 60 --nucleotide-batch-size 8",
    ] {
        let pretrain = format!("{PRETRAIN} {SMALL} {what} --dropout 0 --overwrite");
        let [single, mixed @ ..] = falling_alike(&aam, &pretrain);
        for losses in mixed {
            // The first epoch has not diverged yet.
            let first = (losses[0] / single[0] - 1.0).abs();
            assert!(first > 1e-7 && first < 2e-2, "{losses:?} {single:?}");
        }
    }
}

/// Training of all parameters with every term of the loss.
#[test]
fn training_learns_as_it_does_with_32_bits_and_so_does_prediction() {
    let aam = aam!().with(RANKS_STUDY);
    falling_alike(
        &aam,
        &format!(
            "{TRAIN} {SMALL} --pooling attention --lr 0.005 --tree study/tree.nwk --no-freeze-base \
             --unifrac-weight 0.5 --nucleotide-weight 0.3 --count-weight 0.4 --dropout 0 \
             --epochs 12 --overwrite"
        ),
    );
    // The same model, with predictions in each precision.
    let predict = |precision: &str| {
        aam.ok(&format!(
            "predict --model none/checkpoints/last --table study/table.biom \
             --mixed-precision {precision} --overwrite --output {precision}.tsv"
        ));
        predictions(&aam, &format!("{precision}.tsv"))
    };
    let single = predict("none");
    for (precision, allowed) in [("bf16", 0.02), ("fp16", 0.005)] {
        let (largest, mean) = apart(&single, &predict(precision));
        println!("{precision}: {largest:.1e}, mean {mean:.1e} of the spread");
        assert!(mean > 1e-7 && largest < allowed, "{largest} {mean}");
    }
}

/// A loss so large that its scaled gradients overflow half precision.
#[test]
fn updates_beyond_half_precision_are_skipped_and_a_resumed_run_remembers() {
    let aam = aam!().with(STUDY);
    let train = format!(
        "{TRAIN} {SMALL} --pooling attention --no-freeze-base --dropout 0.1 \
         --gradient-accumulation-steps 2 --ema-decay 0.5 --mixed-precision fp16 \
         --target-weight 3000"
    );
    let ran = aam.ok(&format!("{train} --epochs 12 --output-dir whole"));
    ran.says(&["updates were skipped, because gradients exceeded the range of half precision"]);
    aam.ok(&format!("{train} --epochs 5 --output-dir parts"));
    aam.ok("train --resume --epochs 12 --output-dir parts")
        .says(&["resuming after epoch 5"]);
    let scale = &state(&aam, "whole")["loss_scale"];
    println!("{scale}");
    let (factor, skipped) = (scale["factor"].as_f64(), scale["skipped"].as_u64());
    assert!(skipped.is_some_and(|skipped| skipped > 0), "{scale}");
    assert!(factor.is_some_and(|factor| factor < 65536.0), "{scale}");
    assert_eq!(*scale, state(&aam, "parts")["loss_scale"]);
    for file in [
        "metrics.tsv",
        "predictions.tsv",
        "checkpoints/last/model.safetensors",
        "checkpoints/best/model.safetensors",
    ] {
        let read = |run: &str| fs::read(aam.path(&format!("{run}/{file}"))).expect("a file");
        assert!(read("parts") == read("whole"), "{file} is another");
    }
    // Without loss scaling, none of this happens.
    let losses = column(&aam, "whole", "train_loss");
    assert!(losses[losses.len() - 1] < losses[0], "{losses:?}");
    let bf16 = train.replace("fp16", "bf16");
    aam.ok(&format!("{bf16} --epochs 1 --output-dir bf16"));
    assert_eq!(state(&aam, "bf16")["loss_scale"], Value::Null);
}

/// Steps of plain gradient descent are as long as the gradients, so unscaled gradients would
/// diverge.
#[test]
fn gradient_descent_takes_the_same_path_as_with_32_bits() {
    let aam = aam!().with(RANKS_STUDY);
    let runs = Runs(&aam);
    let job = format!(
        "pretrain --table study/table.biom --tree study/tree.nwk --pooling attention {TINY} \
         --optimizer sgd --scheduler constant --max-grad-norm none --gradient-accumulation-steps 2"
    );
    aam.ok(&format!(
        "{job} --max-steps 1 --lr 1e-30 --output-dir start"
    ));
    let start = runs.weights("start");
    let steps = format!("{job} --lr 0.02 --max-steps 6");
    aam.ok(&format!("{steps} --output-dir none"));
    for (precision, allowed) in [("bf16", 3e-2), ("fp16", 4e-3)] {
        aam.ok(&format!(
            "{steps} --mixed-precision {precision} --output-dir {precision}"
        ));
        let apart = runs.apart(&start, "none", precision);
        println!("{precision}: {apart:.1e} of the way");
        assert!(apart > 1e-6 && apart < allowed, "{precision}: {apart}");
    }
    assert_eq!(state(&aam, "fp16")["loss_scale"]["skipped"], 0);
    aam.run(&format!(
        "{job} --max-steps 9 --lr 1e36 --mixed-precision fp16 --output-dir diverged"
    ))
    .ends_with_code(1)
    .says(&[
        "the loss of batch",
        "--mixed-precision bf16 has a larger range",
    ]);
}

/// Ranks round their shares of a sum separately, so runs are not identical to the last bit.
#[test]
fn several_ranks_learn_the_same_as_one() {
    let aam = aam!().with(RANKS_STUDY);
    let runs = Runs(&aam);
    let job = format!(
        "pretrain --table study/table.biom --tree study/tree.nwk --pooling attention {TINY} \
         --optimizer sgd --scheduler constant"
    );
    aam.ok(&format!(
        "{job} --max-steps 1 --lr 1e-30 --output-dir start"
    ));
    let start = runs.weights("start");
    for precision in ["bf16", "fp16"] {
        let job = format!("{job} --lr 0.02 --max-steps 10 --mixed-precision {precision}");
        aam.ok(&format!("{job} --overwrite --output-dir single"));
        for strategy in ["ddp", "fsdp"] {
            aam.ok(&format!(
                "{job} --strategy {strategy} --strategy.ranks 2 --overwrite --output-dir several"
            ));
            let weights = runs.apart(&start, "single", "several");
            let metrics = runs.metrics_apart("single", "several");
            println!("{precision} {strategy}: weights {weights:.1e}, metrics {metrics:.1e}");
            assert!(weights < 2e-2, "{precision} {strategy}: {weights}");
            assert!(metrics < 1e-2, "{precision} {strategy}: {metrics}");
        }
    }
}

#[test]
fn memory_is_measured_and_rates_are_tried_in_half_precision() {
    let aam = aam!().with(STUDY);
    let train = TRAIN.replace(" --batch-size 8", "");
    aam.ok(&format!(
        "{train} {SMALL} --auto-batch-size --memory-profile --mixed-precision fp16 \
         --epochs 1 --output-dir run"
    ))
    .says(&["optimizer and update"]);
    let find = TRAIN.replacen("train", "lr-find", 1);
    aam.ok(&format!(
        "{find} --max-bp 30 --embedding-dim 16 --attention-heads 2 --attention-layers 1 \
         --pooling attention --lr-steps 12 --mixed-precision fp16 --output-dir found"
    ));
}
