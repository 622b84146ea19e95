//! A run that is repeatedly killed and resumed is bit-identical to one that was never killed.

#![cfg(unix)]

use std::fs;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use aam_runtime::random::stream;
use aam_tests::{Aam, STUDY, aam};
use rand::RngExt;
use serde_json::Value;

const TRAIN: &str = "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv \
                     --metadata-column ph --max-bp 30 --embedding-dim 16 --attention-heads 2 \
                     --attention-layers 1 --baseline-trees 5 --threads 1";

fn study() -> Aam {
    aam!().with(STUDY)
}

fn spawn(aam: &Aam, arguments: &str) -> Child {
    let mut command = aam.command(arguments);
    command.stderr(Stdio::null()).stdout(Stdio::null());
    command.spawn().expect("the program starts")
}

fn signal(child: &Child, name: &str) {
    let kill = std::process::Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .stderr(Stdio::null())
        .status();
    assert!(kill.expect("kill").success());
}

/// Waits until the run has saved something new, and then for a random part of the time until the
/// next save; or until it ends.
fn wait_for_progress(aam: &Aam, child: &mut Child, before: &str, pause: Duration) -> bool {
    let started = Instant::now();
    while child.try_wait().expect("a process").is_none() {
        assert!(started.elapsed() < Duration::from_secs(120), "it hangs");
        if state_text(aam) != before {
            sleep(pause);
            return child.try_wait().expect("a process").is_none();
        }
        sleep(Duration::from_millis(1));
    }
    false
}

fn state_text(aam: &Aam) -> String {
    fs::read_to_string(aam.path("killed/checkpoints/last/trainer.json")).unwrap_or_default()
}

fn state(aam: &Aam) -> Value {
    serde_json::from_str(&state_text(aam)).unwrap_or_default()
}

/// The files that must be identical.
fn outcome(aam: &Aam, run: &str) -> Vec<(&'static str, Vec<u8>)> {
    let files = [
        "metrics.tsv",
        "samples_train.txt",
        "samples_val.txt",
        "predictions.tsv",
        "evaluation.tsv",
        "checkpoints/best/model.safetensors",
        "checkpoints/last/model.safetensors",
    ];
    let read = |file| fs::read(aam.path(run).join(file)).unwrap_or_default();
    files.map(|file| (file, read(file))).into()
}

/// Runs `command` to its end, and again with `kills` kills by the signal `name` at random moments.
/// Returns how far into an epoch the run was after each.
fn killed(command: &str, name: &str, kills: usize) -> Vec<u64> {
    let aam = study();
    aam.ok(&format!("{command} --output-dir whole"));
    let resume = format!("{command} --output-dir killed --resume");
    let mut rng = stream(7, &format!("kills of {command} by {name}"));
    let mut places = Vec::new();
    for _ in 0..kills {
        let mut child = spawn(&aam, &resume);
        let pause = Duration::from_micros(rng.random_range(0..20_000));
        let before = state_text(&aam);
        assert!(
            wait_for_progress(&aam, &mut child, &before, pause),
            "{command} was too short for {kills} kills: it ended after {}",
            places.len()
        );
        signal(&child, name);
        let code = child.wait().expect("a process").code();
        assert!(code.is_none() || code == Some(5), "{code:?}");
        places.push(state(&aam)["place"]["rows"].as_u64().unwrap_or_default());
    }
    aam.ok(&resume);
    for ((file, expected), (_, found)) in outcome(&aam, "whole")
        .into_iter()
        .zip(outcome(&aam, "killed"))
    {
        assert!(expected == found, "{command}: {file} is another");
    }
    assert!(!aam.read("killed/metrics.tsv").is_empty());
    let left = fs::read_dir(aam.path("killed/checkpoints")).expect("checkpoints");
    let names = left.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = names
        .map(|name| name.into_string().expect("a name"))
        .collect();
    names.sort();
    assert_eq!(names, ["best", "last"], "what kills left is gone");
    places
}

#[test]
fn training_with_abundance_pooling() {
    let command = format!("{TRAIN} --epochs 60 --batch-size 4 --save-every 2");
    killed(&command, "KILL", 10);
}

#[test]
fn training_with_augmentation() {
    let command = format!(
        "{TRAIN} --epochs 30 --batch-size 4 --save-every 2 --augmentation mixup,rarefaction"
    );
    killed(&command, "KILL", 4);
}

#[test]
fn training_transformers_with_dropout_and_all_that_changes_on_the_way() {
    let command = format!(
        "{TRAIN} --pooling attention --dropout 0.2 --no-freeze-base --epochs 8 --batch-size 4 \
         --gradient-accumulation-steps 2 --scheduler plateau --scheduler-patience 0 \
         --max-grad-norm 0.5 --save-every 1 --categorical-columns habitat --fusion concat \
         --categorical-lr 0.01 --unifrac-weight 0.5 --tree study/tree.nwk --nucleotide-weight 0.1"
    );
    killed(&command, "KILL", 10);
}

#[test]
fn pretraining_in_stages() {
    let command = "pretrain --table study/table.biom --tree study/tree.nwk --max-bp 30 \
                   --embedding-dim 16 --attention-heads 2 --attention-layers 1 --threads 1 \
                   --nucleotide-steps 20 --nucleotide-batch-size 8 --epochs 10 --batch-size 6 \
                   --save-every 1";
    killed(command, "KILL", 10);
}

#[test]
fn pretraining_on_several_objectives() {
    let command = "pretrain --table study/table.biom --tree study/tree.nwk --max-bp 30 \
                   --objective unifrac,bray-curtis:weight=0.5,faith-pd:weight=0.1 \
                   --embedding-dim 16 --attention-heads 2 --attention-layers 1 --threads 1 \
                   --nucleotide-steps 20 --nucleotide-batch-size 8 --epochs 10 --batch-size 6 \
                   --save-every 1";
    killed(command, "KILL", 4);
}

#[test]
fn signals_save_in_the_middle_of_an_epoch() {
    let command = format!("{TRAIN} --epochs 12 --batch-size 2 --save-every 1");
    for name in ["TERM", "USR1"] {
        let places = killed(&command, name, 4);
        assert!(places.iter().any(|&rows| rows > 0), "{places:?}");
    }
}
