//! Batches that fit into memory, and memory use by part.

#[cfg(target_os = "linux")]
use std::io::{BufRead, BufReader};
#[cfg(target_os = "linux")]
use std::process::Stdio;

use aam_tests::{Aam, STUDY, aam, cells};

const TRAIN: &str = "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv \
                     --metadata-column ph --max-bp 30 --embedding-dim 16 --epochs 2 \
                     --baseline-trees 0 --overwrite --output-dir run";

const PRETRAIN: &str = "pretrain --table study/table.biom --tree study/tree.nwk --test-size 0.2 --max-bp 30 \
                        --embedding-dim 16 --epochs 2 --nucleotide-steps 4 --overwrite \
                        --output-dir pre";

fn study() -> Aam {
    aam!().with(STUDY)
}

#[cfg(target_os = "linux")]
#[test]
fn the_largest_batch_that_fits_is_found() {
    let aam = study();
    // A limit asks for it, too.
    aam.ok(&format!("{TRAIN} --max-memory-gb 4"))
        .says(&["measuring the memory of batches of 2\n", "of the 4.00 GB"]);
    // All training samples.
    let config = aam.read("run/config.toml");
    assert!(config.contains("batch-size = 19"), "{config}");
    assert!(config.contains("auto-batch-size = false"), "{config}");
    aam.ok("train --config run/config.toml --output-dir again");
    assert_eq!(
        aam.column("run/metrics.tsv", "train_loss"),
        aam.column("again/metrics.tsv", "train_loss")
    );
    aam.ok(&format!(
        "{TRAIN} --auto-batch-size --max-memory-fraction 0.9 --target-effective-batch-size 8"
    ))
    .says(&["updates of 1 batch of 8 samples"]);
    aam.run(&format!("{TRAIN} --auto-batch-size --max-memory-gb 0.01"))
        .ends_with_code(1)
        .says(&["not even batches of 2 samples fit", "--max-memory-gb"]);
}

#[cfg(target_os = "linux")]
#[test]
fn the_memory_of_each_phase_is_reported() {
    let aam = study();
    aam.ok(&format!("{TRAIN} --memory-profile")).says(&[
        "memory with batches of 19",
        "reading the study",
        "encoding ASVs",
        "gradients of a batch",
        "optimizer and update",
        "validation",
    ]);
    // Other errors of training are reported as usual.
    aam.run(&format!(
        "{TRAIN} --memory-profile --head film --head.columns nothing"
    ))
    .says(&["head 'film' needs categorical columns"]);
}

#[cfg(target_os = "linux")]
#[test]
fn pretraining_finds_the_largest_batch_too() {
    let aam = study();
    aam.ok(&format!("{PRETRAIN} --max-memory-gb 4"))
        .says(&["measuring the memory of batches of 2\n", "of the 4.00 GB"]);
    let config = aam.read("pre/config.toml");
    assert!(config.contains("batch-size = 19"), "{config}");
    assert!(config.contains("auto-batch-size = false"), "{config}");
    aam.ok("pretrain --config pre/config.toml --output-dir again");
    assert_eq!(
        aam.last("pre", "train_loss"),
        aam.last("again", "train_loss")
    );
    aam.ok(&format!(
        "{PRETRAIN} --auto-batch-size --target-effective-batch-size 8 --strategy ddp --strategy.ranks 2"
    ))
    .says(&["updates of 1 batch of 8 samples"]);
    aam.run(&format!("{PRETRAIN} --max-memory-gb 0.01"))
        .ends_with_code(1)
        .says(&["not even batches of 2 samples fit", "--max-memory-gb"]);
    aam.refuses(&format!(
        "{PRETRAIN} --max-memory-fraction 0.5 --batch-size 2"
    ))
    .says(&["--max-memory-fraction", "--batch-size is given, too"]);
}

#[cfg(target_os = "linux")]
#[test]
fn the_memory_of_each_stage_of_pretraining_is_reported() {
    let aam = study();
    let said = aam.ok(&format!("{PRETRAIN} --memory-profile")).says(&[
        "memory with batches of 19",
        "reading the study",
        "masked nucleotides: gradients of a batch",
        "masked nucleotides: optimizer and update",
        "encoding ASVs",
        "validation",
    ]);
    // The phases of the second stage have no stage in their names.
    assert!(
        said.stderr.contains("GB  gradients of a batch"),
        "{}",
        said.stderr
    );
    aam.ok(&format!(
        "{PRETRAIN} --sample-encoder attention --memory-profile"
    ))
    .says(&["memory with batches of 8", "GB  gradients of a batch"]);
}

#[test]
fn updates_of_several_batches_have_the_requested_samples() {
    let aam = study();
    aam.ok(&format!(
        "{TRAIN} --batch-size 4 --target-effective-batch-size 11"
    ))
    .says(&["updates of 2 batches of 4 samples"]);
    assert!(
        aam.read("run/config.toml")
            .contains("gradient-accumulation-steps = 2")
    );
    let refused = |flags: &str, words: &[&str]| {
        aam.refuses(&format!("{TRAIN} {flags}")).says(words);
    };
    refused(
        "--target-effective-batch-size 8",
        &["--batch-size or --auto-batch-size"],
    );
    refused(
        "--max-memory-gb 2 --batch-size 2",
        &["--batch-size is given, too"],
    );
    refused(
        "--auto-batch-size --batch-size 2",
        &["--batch-size is given, too"],
    );
    refused(
        "--auto-batch-size --max-memory-gb 0",
        &["number above 0 or none, found '0'"],
    );
    refused(
        "--auto-batch-size --max-memory-fraction 2",
        &["at most 1 or none, found '2'"],
    );
    aam.refuses(&format!(
        "{} --auto-batch-size",
        TRAIN.replacen("train", "compare", 1)
    ))
    .says(&["it applies to a single model"]);
}

/// A learning encoder encodes the ASVs of 64 validation batches at a time; here there are 70.
#[test]
fn validation_in_parts_predicts_every_held_out_sample() {
    let aam = aam!().with(
        "simulate --samples 350 --asvs 30 --sequence-length 20 --richness 6 --depth 50 \
         --output-dir study",
    );
    let train = "train --test-size 0.2 --members network --table study/table.biom \
                 --metadata study/metadata.tsv --metadata-column ph --sample-encoder attention \
                 --batch-size 1 --max-steps 2 --max-bp 20 --embedding-dim 16 --attention-layers 1 \
                 --baseline-trees 0";
    aam.ok(&format!("{train} --output-dir run"));
    aam.ok("predict --model run/checkpoints/last --table study/table.biom --output all.tsv");
    let (held_out, all) = (aam.read("run/predictions.tsv"), aam.read("all.tsv"));
    let (held_out, all) = (cells(&held_out, "prediction"), cells(&all, "prediction"));
    assert_eq!((held_out.len(), all.len()), (70, 350));
    let number = |cell: &str| -> f64 { cell.parse().expect("a number") };
    for (id, cell) in held_out {
        let (_, other) = all.iter().find(|(other, _)| *other == id).expect(id);
        let apart = (number(cell) - number(other)).abs();
        assert!(apart < 1e-4, "{id}: {cell} {other}");
    }
}

#[test]
fn plots_have_the_requested_number_of_points_and_metrics_do_not_change() {
    let aam = study();
    // Metrics, and the number of points (and other circles) in the charts of the report.
    let run = |flags: &str| {
        aam.ok(&format!("{PRETRAIN} {flags}"));
        let page = aam.read("pre/report.html");
        (
            aam.read("pre/metrics.tsv"),
            page.matches("<circle ").count(),
        )
    };
    let (all, few) = (run(""), run("--validation-plot-samples 3"));
    assert_eq!(all.0, few.0);
    // Of the 10 pairs of 5 held-out samples, every fourth.
    assert_eq!(all.1, few.1 + 10 - 3);
    aam.refuses(&format!("{PRETRAIN} --validation-plot-samples 0"))
        .says(&["--validation-plot-samples", "found '0'"]);
}

/// The process that trains for the program with the id `parent`, once there is one.
#[cfg(target_os = "linux")]
fn process_that_trains(parent: u32) -> String {
    let children = format!("/proc/{parent}/task/{parent}/children");
    loop {
        let ids = std::fs::read_to_string(&children).expect("the program runs");
        let trains = ids.split_whitespace().find(|id| {
            let arguments = std::fs::read_to_string(format!("/proc/{id}/cmdline"));
            arguments.is_ok_and(|arguments| arguments.split('\0').any(|word| word == "train-step"))
        });
        if let Some(id) = trains {
            return id.to_owned();
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// Starts `command` with the largest batch that fits, and sends `signal` to the process that trains
/// after `lines` lines that start with `with`; if it resumes, Ctrl-C after the next `epoch`. Returns what
/// was said.
#[cfg(target_os = "linux")]
fn with_signal_while_training(
    aam: &Aam,
    command: &str,
    (lines, with): (usize, &str),
    signal: &str,
) -> (Vec<String>, Option<i32>) {
    let send = |signal: &str, id: &str| {
        let sent = std::process::Command::new("kill")
            .args([signal, id])
            .status();
        assert!(sent.expect("kill").success());
    };
    let mut program = aam
        .command(command)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let output = BufReader::new(program.stderr.take().expect("a pipe")).lines();
    let (mut said, mut seen, mut resumed) = (Vec::<String>::new(), 0, 0);
    for line in output.map_while(Result::ok) {
        if line.starts_with(with) {
            seen += 1;
            if seen == lines {
                send(signal, &process_that_trains(program.id()));
            }
        }
        if line.starts_with("epoch ") && said.iter().any(|line| line.contains("resuming")) {
            resumed += 1;
            if resumed == 1 {
                send("-INT", &program.id().to_string());
            }
        }
        said.push(line);
    }
    (said, program.wait().expect("the program ends").code())
}

/// A training that does not end by itself.
#[cfg(target_os = "linux")]
fn endless() -> String {
    TRAIN.replace("--epochs 2", "--epochs 100000 --auto-batch-size")
}

#[cfg(target_os = "linux")]
#[test]
fn a_training_that_runs_out_of_memory_resumes_with_half_the_batch() {
    let aam = study();
    // Rust aborts a process for which there is no memory.
    let (said, code) = with_signal_while_training(&aam, &endless(), (2, "epoch "), "-ABRT");
    let warning = "memory ran out with batches of 19: resuming from the last checkpoint \
                   with updates of 2 batches of 10 samples";
    assert!(said.iter().any(|line| line.contains(warning)), "{said:#?}");
    assert_eq!(code, Some(5), "{said:#?}");
    let config = aam.read("run/config.toml");
    assert!(config.contains("batch-size = 10"), "{config}");
    assert!(
        config.contains("gradient-accumulation-steps = 2"),
        "{config}"
    );
    // No epoch is lost or done twice.
    let epochs = aam.column("run/metrics.tsv", "epoch");
    let all: Vec<f64> = (1..=epochs.len()).map(|epoch| epoch as f64).collect();
    assert_eq!(epochs, all);
    assert!(all.len() >= 2, "{epochs:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_training_that_somebody_kills_is_not_taken_for_one_without_memory() {
    let aam = study();
    let (said, code) = with_signal_while_training(&aam, &endless(), (2, "epoch "), "-KILL");
    assert_eq!(code, Some(1), "{said:#?}");
    let error = "error: the process that trains was killed";
    assert!(said.iter().any(|line| line.contains(error)), "{said:#?}");
    assert!(
        said.iter().any(|line| line.contains("--resume")),
        "{said:#?}"
    );
    assert!(aam.path("run/checkpoints/last/manifest.json").is_file());
}

#[cfg(target_os = "linux")]
#[test]
fn folds_that_run_out_of_memory_resume_with_half_the_batch() {
    let aam = study();
    let folds = TRAIN
        .replace("--test-size 0.2", "--folds 2")
        .replace("--epochs 2", "--epochs 300 --auto-batch-size");
    // While the second fold is trained.
    let (said, code) = with_signal_while_training(&aam, &folds, (1, "run 1 of 2"), "-ABRT");
    assert!(
        said.iter().any(|line| line.contains("memory ran out")),
        "{said:#?}"
    );
    assert_eq!(code, Some(0), "{said:#?}");
    let first = said.iter().filter(|line| line.starts_with("run 1 of 2"));
    assert_eq!(first.count(), 1, "the first fold is not trained again");
    assert_eq!(aam.read("run/predictions.tsv").lines().count(), 25);
}
