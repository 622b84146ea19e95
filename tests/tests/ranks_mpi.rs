//! Ranks in processes started by `mpirun`. Needs a program built with MPI: `cargo test --release
//! --features aam-tests/mpi --test ranks_mpi`.
#![cfg(feature = "mpi")]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aam_tests::{Aam, JOBS, RANKS_STUDY, Runs, TINY, aam};

/// Runs the program with `arguments` in `processes` processes.
fn mpirun(aam: &Aam, processes: usize, arguments: &str) -> Command {
    let inner = aam.command(arguments);
    let mut command = Command::new("mpirun");
    command
        .args(["-n", &processes.to_string()])
        .arg(inner.get_program())
        .args(inner.get_args())
        .current_dir(aam.path(""))
        .stdin(Stdio::null())
        // Allows more processes than cores, for any user, in a container.
        .env("OMPI_MCA_rmaps_base_oversubscribe", "1")
        .env("OMPI_MCA_mpi_yield_when_idle", "1")
        .env("OMPI_MCA_btl_vader_single_copy_mechanism", "none")
        .env("OMPI_ALLOW_RUN_AS_ROOT", "1")
        .env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
    command
}

fn ends(aam: &Aam, processes: usize, arguments: &str) -> (Option<i32>, String) {
    let output = mpirun(aam, processes, arguments)
        .output()
        .expect("mpirun is installed");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), text)
}

fn ok(aam: &Aam, processes: usize, arguments: &str) {
    let (code, text) = ends(aam, processes, arguments);
    assert_eq!(code, Some(0), "{processes} × aam {arguments}:\n{text}");
}

#[test]
fn several_processes_learn_the_same_as_one() {
    let aam = aam!().with(RANKS_STUDY);
    let runs = Runs(&aam);
    let step = "--optimizer sgd --lr 100 --max-steps 1 --weight-decay 0 --max-grad-norm none";
    let descent = "--optimizer sgd --lr 0.02 --max-steps 20";
    let adamw = "--optimizer adamw --lr 0.001 --max-steps 20";
    for (name, job) in &JOBS[..2] {
        let job = format!("{job} {TINY} --overwrite");
        aam.ok(&format!(
            "{job} --max-steps 1 --optimizer sgd --lr 1e-30 --output-dir start"
        ));
        let start = runs.weights("start");
        let zero = vec![0.0; start.len()];
        let cases = [
            (step, &start, 1e-5, 1e-4),
            (descent, &start, 1e-5, 1e-6),
            // Weights may differ more here, and metrics follow them.
            (adamw, &zero, 1e-3, 1e-5),
        ];
        for (optimization, start, most_weights, most_metrics) in cases {
            aam.ok(&format!("{job} {optimization} --output-dir single"));
            for strategy in ["ddp", "data-parallel", "fsdp"] {
                for processes in 1..=4 {
                    let run = format!("{job} {optimization} --strategy {strategy}");
                    ok(&aam, processes, &format!("{run} --output-dir several"));
                    let weights = runs.apart(start, "single", "several");
                    let metrics = runs.metrics_apart("single", "several");
                    let what = format!("{processes} × {name} {optimization} {strategy}");
                    println!("{what}: weights {weights:.1e}, metrics {metrics:.1e}");
                    assert!(
                        weights <= most_weights && metrics <= most_metrics,
                        "{what}: weights {weights:e}, metrics {metrics:e}"
                    );
                }
            }
        }
    }
    assert!(aam.read("several/predictions.tsv").lines().count() > 12);
    assert_eq!(
        aam.read("single/samples_val.txt"),
        aam.read("several/samples_val.txt")
    );
}

#[test]
fn a_run_resumes_with_another_number_of_processes() {
    let aam = aam!().with(RANKS_STUDY);
    let runs = Runs(&aam);
    let descent = "--optimizer sgd --lr 0.01 --scheduler constant --warmup 0";
    let job = format!("{} {TINY} {descent}", JOBS[0].1);
    aam.ok(&format!("{job} --epochs 2 --output-dir start"));
    aam.ok(&format!("{job} --epochs 4 --output-dir single"));
    let start = runs.weights("start");
    ok(
        &aam,
        3,
        &format!("{job} --epochs 2 --strategy fsdp --output-dir run"),
    );
    ok(&aam, 2, "pretrain --resume --epochs 4 --output-dir run");
    let apart = runs.apart(&start, "single", "run");
    assert!(apart < 1e-5, "{apart:e}");
}

#[test]
fn conflicts_are_reported_once() {
    let aam = aam!().with(RANKS_STUDY);
    let job = format!("{} {TINY}", JOBS[1].1);
    let said = |arguments: &str, words: &str| {
        let job = match arguments.contains("--folds") {
            true => job.replace("--test-size 0.2 ", ""),
            false => job.clone(),
        };
        let (code, text) = ends(&aam, 2, &format!("{job} {arguments}"));
        assert_eq!(code, Some(2), "{text}");
        let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(words), "{text}");
        assert_eq!(text.matches("error:").count(), 1, "{text}");
    };
    said(
        "--output-dir a",
        "rank 0 of 2: strategy 'single' needs one process, but 2 were started",
    );
    said(
        "--strategy ddp --strategy.ranks 2 --output-dir a",
        "--strategy.ranks 2: 2 processes were",
    );
    said(
        "--strategy ddp --folds 3 --output-dir a",
        "runs in one process, but 2 were started",
    );
    said(
        "--strategy ddp --best-metric x --output-dir b",
        "there is no such metric",
    );
}

/// Kills what is left of a run.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_process_that_dies_ends_the_others_and_the_last_checkpoint_stands() {
    let aam = aam!().with(RANKS_STUDY);
    let job = format!("{} {TINY}", JOBS[0].1);
    let run = format!("{job} --epochs 100000 --strategy ddp --output-dir run");
    let mut command = mpirun(&aam, 3, &run);
    let mut running = Running(command.stderr(Stdio::null()).spawn().expect("mpirun"));
    let soon = Instant::now() + Duration::from_secs(120);
    while !aam.path("run/checkpoints/last/manifest.json").exists() {
        assert!(Instant::now() < soon, "no checkpoint");
        std::thread::sleep(Duration::from_millis(100));
    }
    let number = running.0.id();
    let children = std::fs::read_to_string(format!("/proc/{number}/task/{number}/children"));
    let children = children.expect("a process has children");
    let last = children.split_whitespace().last().expect("a rank");
    let killed = Command::new("kill").args(["-KILL", last]).status();
    assert!(killed.is_ok_and(|status| status.success()));
    let started = Instant::now();
    let status = loop {
        if let Some(status) = running.0.try_wait().expect("mpirun") {
            break status;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "it continues");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(!status.success());
    println!("ended after {:.1} s", started.elapsed().as_secs_f64());
    aam.ok(&format!(
        "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv --metadata-column ph \
         --pretrained-encoder run/checkpoints/last --max-steps 2 --threads 2 --baseline-trees 0 \
         --output-dir after"
    ));
}
