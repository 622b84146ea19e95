//! Ranks in threads learn the same as a single rank, whatever their number and the strategy.

use aam_tests::{Aam, JOBS, RANKS_STUDY, Runs, TINY, aam};

/// The distance of each strategy with 1 to 4 ranks from the run with one, for every training
/// configuration with the model `tiny`, as `(what, distance of the weights, distance of the metrics)`. The former is
/// relative to how far the weights `moved`, or to the weights.
fn apart(
    aam: &Aam,
    (jobs, tiny): (&[(&str, &str)], &str),
    optimization: &str,
    moved: bool,
) -> Vec<(String, f64, f64)> {
    let runs = Runs(aam);
    let mut found = Vec::new();
    for (name, job) in jobs {
        let run = |to: &str, more: &str| {
            aam.ok(&format!(
                "{job} {tiny} {more} --overwrite --output-dir {to}"
            ));
        };
        run("start", "--max-steps 1 --optimizer sgd --lr 1e-30");
        let mut start = runs.weights("start");
        if !moved {
            start.fill(0.0);
        }
        run("single", optimization);
        for strategy in ["ddp", "data-parallel", "fsdp"] {
            for ranks in 1..=4 {
                let ranks = format!("--strategy {strategy} --strategy.ranks {ranks}");
                run("several", &format!("{optimization} {ranks}"));
                found.push((
                    format!("{name} {ranks}"),
                    runs.apart(&start, "single", "several"),
                    runs.metrics_apart("single", "several"),
                ));
            }
        }
    }
    found
}

#[track_caller]
fn assert_close(found: &[(String, f64, f64)], weights: f64, metrics: f64) {
    for (what, weights_apart, metrics_apart) in found {
        println!("{what}: weights {weights_apart:.1e}, metrics {metrics_apart:.1e}");
    }
    for (what, weights_apart, metrics_apart) in found {
        assert!(
            *weights_apart <= weights && *metrics_apart <= metrics,
            "{what}: weights {weights_apart:e}, metrics {metrics_apart:e}"
        );
    }
}

/// One step of plain descent at a high learning rate moves the weights by the gradients.
#[test]
fn gradients_are_those_of_one_rank() {
    let aam = aam!().with(RANKS_STUDY);
    let step = "--optimizer sgd --lr 100 --max-steps 1 --weight-decay 0 --max-grad-norm none";
    assert_close(
        &apart(&aam, (&[JOBS[0], JOBS[1]], TINY), step, true),
        1e-5,
        1e-4,
    );
}

#[test]
fn weights_after_20_steps_of_descent_are_those_of_one_rank() {
    let aam = aam!().with(RANKS_STUDY);
    let steps = "--optimizer sgd --lr 0.02 --max-steps 20";
    assert_close(&apart(&aam, (&JOBS, TINY), steps, true), 1e-5, 3e-6);
}

/// AdamW makes full-size steps even for gradients that are 0 except for rounding, such as that of a
/// bias before a softmax; distances are therefore not relative to the movement. Metrics follow the
/// weights.
#[test]
fn weights_after_20_steps_of_adamw_are_those_of_one_rank() {
    let aam = aam!().with(RANKS_STUDY);
    let steps = "--optimizer adamw --lr 0.001 --max-steps 20";
    assert_close(
        &apart(&aam, (&[JOBS[0], JOBS[1]], TINY), steps, false),
        1e-3,
        1e-5,
    );
}

/// What is dropped is a function of the seed, the step, and the sample or ASV.
#[test]
fn gradients_with_dropout_are_those_of_one_rank() {
    let aam = aam!().with(RANKS_STUDY);
    let with_dropout = |text: &str| text.replace("dropout 0", "dropout 0.2");
    let (tiny, train) = (with_dropout(TINY), with_dropout(JOBS[1].1));
    let jobs = [JOBS[0], (JOBS[1].0, train.as_str())];
    let step = "--optimizer sgd --lr 100 --max-steps 1 --weight-decay 0 --max-grad-norm none";
    assert_close(
        &apart(&aam, (jobs.as_slice(), tiny.as_str()), step, true),
        1e-5,
        1e-4,
    );
    // Dropout does something: gradients are others without it.
    let runs = Runs(&aam);
    let run = |tiny: &str, to: &str, more: &str| {
        let job = JOBS[0].1;
        aam.ok(&format!("{job} {tiny} {more} --output-dir {to}"));
    };
    run(TINY, "begin", "--max-steps 1 --optimizer sgd --lr 1e-30");
    run(TINY, "without", step);
    run(&tiny, "with", step);
    let apart = runs.apart(&runs.weights("begin"), "without", "with");
    assert!(apart > 1e-2, "{apart}");
}

#[test]
fn names_of_the_reference_choose_a_strategy() {
    let aam = aam!().with(RANKS_STUDY);
    let job = format!("{} {TINY} --max-steps 2", JOBS[4].1);
    for (flag, strategy) in [
        ("--distributed", "ddp"),
        ("--data-parallel", "data-parallel"),
        ("--fsdp --fsdp-sharded-checkpoint", "fsdp"),
    ] {
        aam.ok(&format!(
            "{job} {flag} --strategy.ranks 2 --output-dir {strategy}"
        ));
        let config = aam.read(&format!("{strategy}/config.toml"));
        assert!(
            config.contains(&format!("name = \"{strategy}\"")),
            "{config}"
        );
        assert!(config.contains("ranks = 2"), "{config}");
    }
    aam.refuses(&format!(
        "{job} --strategy ddp --strategy.ranks 0 --output-dir none"
    ))
    .says(&["'ranks'", "from 1 to"]);
}

#[test]
fn a_failure_of_a_rank_ends_the_run_and_keeps_the_last_checkpoint() {
    let aam = aam!().with(RANKS_STUDY);
    let job = format!("{} {TINY} --strategy ddp --strategy.ranks 3", JOBS[0].1);
    aam.run(&format!(
        "{job} --epochs 3 --lr 1e36 --optimizer sgd --max-grad-norm none --output-dir diverged"
    ))
    .ends_with_code(1)
    .says(&["rank 0 of 3", "the loss of batch"]);
    // Whether the head has a penalty is only seen in training.
    let job = format!("{} {TINY} --strategy ddp --strategy.ranks 3", JOBS[2].1);
    aam.run(&format!(
        "{job} --max-steps 2 --best-metric train_penalty --output-dir named"
    ))
    .ends_with_code(2)
    .says(&["of 3", "there is no such metric"]);
}

#[test]
fn processes_need_a_program_that_can_connect_them() {
    let aam = aam!().with(RANKS_STUDY);
    if cfg!(feature = "mpi") {
        return;
    }
    let output = aam
        .command(&format!("{} {TINY} --output-dir run", JOBS[0].1))
        .env("OMPI_COMM_WORLD_SIZE", "4")
        .output()
        .expect("the program starts");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("4 processes were started"), "{text}");
    assert!(text.contains("--features aam-cli/mpi"), "{text}");
}
