//! An output directory has one writer; a second one gets an error that names the first.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use aam_tests::{Aam, STUDY, aam};

const TRAIN: &str = "train --test-size 0.2 --members network --table study/table.biom --metadata \
                     study/metadata.tsv --metadata-column ph --max-bp 30 --embedding-dim 16 \
                     --attention-layers 1 --baseline-trees 0";

/// A command that runs until it is killed.
struct Live(Child);

impl Live {
    /// Starts the command and waits for the file it creates.
    fn begin(aam: &Aam, arguments: &str, file: &str) -> Self {
        let mut command = aam.command(arguments);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut live = Self(child.expect("the program starts"));
        let begun = Instant::now();
        while !aam.path(file).exists() {
            let ended = live.0.try_wait().expect("its state");
            assert_eq!(ended, None, "aam {arguments}");
            assert!(begun.elapsed() < Duration::from_secs(120), "{arguments}");
            std::thread::sleep(Duration::from_millis(20));
        }
        live
    }

    /// The message that a second writer gets.
    fn told(&self) -> String {
        format!("another run of aam (process {}", self.0.id())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn has_lock(directory: &Path) -> bool {
    directory.join(".aam.lock").exists()
}

#[test]
fn nobody_writes_to_the_directory_of_a_live_run() {
    let aam = aam!().with(STUDY);
    let live = format!("{TRAIN} --output-dir run --epochs 100000000");
    let live = Live::begin(&aam, &live, "run/checkpoints/last");
    let told = live.told();
    for second in [
        format!("{TRAIN} --output-dir run --epochs 1 --overwrite"),
        format!("{TRAIN} --output-dir run --epochs 1 --resume"),
        "train --output-dir ../x/../run --resume".replace("../x/..", "./."),
        "rf-baseline --table study/table.biom --metadata study/metadata.tsv --metadata-column ph \
         --output-dir run --overwrite"
            .to_owned(),
        "pretrain --table study/table.biom --tree study/tree.nwk --max-bp 30 --output-dir run \
         --overwrite"
            .to_owned(),
        format!("lr-find {} --output-dir run --overwrite", &TRAIN[6..]),
    ] {
        let ran = aam.run(&second).ends_with_code(2);
        ran.says(&["--output-dir ", "run: ", &told, "choose another directory"]);
    }
    // The first writer is unaffected.
    let epochs = || aam.read("run/metrics.jsonl").lines().count();
    let before = epochs();
    let begun = Instant::now();
    while epochs() == before {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
    // The lock of a killed process can be taken over.
    drop(live);
    assert!(has_lock(&aam.path("run")));
    aam.ok("train --output-dir run --resume --epochs 1");
    aam.ok(&format!("{TRAIN} --output-dir run --epochs 1 --overwrite"));
    assert!(!has_lock(&aam.path("run")));
}

#[test]
fn of_two_that_begin_at_once_one_is_refused() {
    let aam = aam!().with(STUDY);
    for round in 0..3 {
        let begin = |seed: u64| {
            let line = format!("{TRAIN} --epochs 3 --seed {seed} --output-dir run-{round}");
            let mut command = aam.command(&line);
            let piped = command.stdout(Stdio::null()).stderr(Stdio::piped());
            piped.spawn().expect("the program starts")
        };
        let both = [begin(1), begin(2)].map(|child| child.wait_with_output().expect("it ends"));
        let codes: Vec<_> = both.iter().map(|ran| ran.status.code()).collect();
        let seed = match codes[..] {
            [Some(0), Some(2)] => 1,
            [Some(2), Some(0)] => 2,
            _ => panic!("{both:?}"),
        };
        let refused = String::from_utf8_lossy(&both[2 - seed].stderr).into_owned();
        // The other process may just have ended.
        let known = [
            "another run of aam",
            "there is a run in this directory",
            "the directory exists and is not empty",
        ];
        assert!(
            known.iter().any(|words| refused.contains(words)),
            "{refused}"
        );
        let config = aam.read(&format!("run-{round}/config.toml"));
        assert!(config.contains(&format!("seed = {seed}\n")), "{config}");
        assert!(!has_lock(&aam.path(&format!("run-{round}"))));
    }
}

#[test]
fn comparisons_and_folds_have_one_writer() {
    let aam = aam!().with(STUDY);
    let folds = format!("{} --folds 2", TRAIN.replace("--test-size 0.2 ", ""));
    let options = format!("{} --epochs 100000000", &folds[6..]);
    for (command, file) in [
        (format!("train {options}"), "fold-1/checkpoints/last"),
        (format!("compare {options}"), "comparison.json"),
        (format!("tune {options} --trials 2"), "comparison.json"),
    ] {
        let name = command.split(' ').next().expect("a command");
        let line = format!("{command} --output-dir {name}");
        let live = Live::begin(&aam, &line, &format!("{name}/{file}"));
        for second in [line.clone(), format!("{line} --overwrite")] {
            let ran = aam.run(&second).ends_with_code(2);
            ran.says(&[&live.told()]);
        }
    }
}

#[test]
fn a_study_and_a_refused_run_leave_no_lock() {
    let aam = aam!().with(STUDY);
    aam.ok(&format!("{STUDY} --overwrite"));
    let names = std::fs::read_dir(aam.path("")).expect("a folder");
    let names: Vec<_> = names.map(|entry| entry.expect("it").file_name()).collect();
    assert_eq!(names, ["study"]);
    let lost = TRAIN.replace("study/metadata", "study/lost");
    let refused = aam.run(&format!("{lost} --output-dir a/b/run"));
    assert_ne!(refused.code, Some(0));
    assert!(!aam.path("a").exists());
}
