//! Every file operation of saving fails, or is the last one before a kill. The directory then
//! contains a checkpoint that loads, and the run resumes to the same result.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aam_cli::Exit;
use aam_plugins as _;
use aam_runtime::file_operations::set_hook;
use aam_runtime::train::checkpoint::directory;
use aam_tests::{Aam, STUDY, aam};

const TRAIN: &str = "train --quiet --table {}/study/table.biom --metadata {}/study/metadata.tsv \
                     --metadata-column ph --max-bp 30 --embedding-dim 8 --attention-heads 2 \
                     --attention-layers 1 --asv-encoder transformer --pooling attention --token-limit 8 --epochs 2 \
                     --members network,linear --batch-size 10 --baseline-trees 0 --save-every 1 --keep-checkpoints 1 \
                     --resume --output-dir {}/";

/// Runs the program on this thread, whose hook it calls.
fn run(aam: &Aam, directory: &str) -> bool {
    let folder = aam.path("");
    let line = TRAIN.replace("{}", folder.to_str().expect("a path").trim_end_matches('/'));
    let line = format!("aam {line}{directory}");
    let arguments = line.split_whitespace().map(OsString::from);
    matches!(aam_cli::run(arguments), Ok(Exit::Done))
}

fn outcome(run: &Path) -> Vec<Vec<u8>> {
    let files = [
        "metrics.tsv",
        "predictions.tsv",
        "checkpoints/best/model.safetensors",
        "checkpoints/last/model.safetensors",
        "checkpoints/epoch-0002/model.safetensors",
    ];
    let read = |file| fs::read(run.join(file)).expect("a file of the run");
    files.map(read).into()
}

/// Whether `work` completed, and its operations. They succeed except for those that `fails` selects
/// by number and name.
fn with_faults(
    fails: impl Fn(usize, &str) -> bool + 'static,
    work: impl FnOnce() -> bool,
) -> (bool, Vec<&'static str>) {
    let done = Rc::new(RefCell::new(Vec::new()));
    let reported = Rc::clone(&done);
    set_hook(Some(Box::new(move |operation, _| {
        let mut reported = reported.borrow_mut();
        reported.push(operation);
        match fails(reported.len() - 1, operation) {
            true => Err(io::Error::other("a fault of the test")),
            false => Ok(()),
        }
    })));
    let finished = work();
    set_hook(None);
    (finished, done.take())
}

/// Checks that each checkpoint of the run loads, and that there is one if one was ever complete.
fn check(run: &Path, case: &str) {
    for name in ["last", "best"] {
        let path = run.join("checkpoints").join(name);
        if directory::exists(&path) {
            directory::load(&path).unwrap_or_else(|error| panic!("{case}: {error}"));
        }
    }
}

/// Runs with the fault, checks what is left, and resumes without the fault.
fn broken(
    aam: &Aam,
    expected: &[Vec<u8>],
    case: &str,
    fault: impl Fn(usize, &str) -> bool + 'static,
) {
    let path = aam.path("run");
    let _ = fs::remove_dir_all(&path);
    with_faults(fault, || run(aam, "run"));
    check(&path, case);
    assert!(run(aam, "run"), "{case}: it does not resume");
    assert!(outcome(&path) == expected, "{case}: it ends differently");
}

/// The random state of a device is global, so only one run may draw at a time.
fn alone() -> MutexGuard<'static, ()> {
    static RUNNING: Mutex<()> = Mutex::new(());
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn every_operation_may_fail_or_be_the_last() {
    let _alone = alone();
    let aam = aam!().with(STUDY);
    let (finished, operations) = with_faults(|_, _| false, || run(&aam, "whole"));
    assert!(finished && operations.len() > 100, "{operations:?}");
    let expected = outcome(&aam.path("whole"));
    for (at, operation) in operations.iter().enumerate() {
        // A failure is a kill whose run tidies up, so two in five of them are enough.
        if at % 5 == 0 || at % 5 == 3 {
            let case = format!("operation {at}, {operation}, fails");
            broken(&aam, &expected, &case, move |now, _| now == at);
        }
        let case = format!("operation {at}, {operation}, does not happen, nor any later one");
        broken(&aam, &expected, &case, move |now, _| now >= at);
    }
}

#[test]
fn directories_that_cannot_be_exchanged_are_renamed() {
    let _alone = alone();
    let aam = aam!().with(STUDY);
    let no_exchange = |_, operation: &str| operation == "exchange";
    let (finished, operations) = with_faults(no_exchange, || run(&aam, "whole"));
    assert!(finished);
    let expected = outcome(&aam.path("whole"));
    let mut cases = 0;
    for (at, operation) in operations.iter().enumerate() {
        if ["rename", "remove a directory"].contains(operation) {
            cases += 1;
            let case = format!("operation {at}, {operation}, does not happen, nor any later one");
            let fault = move |now, operation: &str| now >= at || operation == "exchange";
            broken(&aam, &expected, &case, fault);
        }
    }
    assert!(cases > 10, "{operations:?}");
}
