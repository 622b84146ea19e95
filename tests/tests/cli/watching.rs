//! Files for monitoring a run: metrics, event files, the record and the page.

use std::path::{Path, PathBuf};
use std::process::Command;

use aam_runtime::evaluation::metrics::Metric;
use aam_runtime::report::watch::tensorboard::TensorBoard;
use aam_runtime::run::events::{Event, Observer};
use aam_tests::{Aam, aam};
use serde_json::Value;

const STUDY: &str = "simulate --samples 40 --asvs 40 --sequence-length 30 --richness 12 \
                     --depth 300 --output-dir study";
const TRAIN: &str = "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv --max-bp 30 \
                     --embedding-dim 16 --epochs 3 --baseline-trees 20 --metadata-column";
const PRETRAIN: &str = "pretrain --table study/table.biom --tree study/tree.nwk --max-bp 30 \
                        --embedding-dim 16 --epochs 3 --nucleotide-steps 4 --output-dir";

fn study() -> Aam {
    aam!().with(STUDY)
}

/// The lines of a text as JSON objects.
fn objects(text: &str) -> Vec<Value> {
    let object = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
    text.lines().map(object).collect()
}

fn json(aam: &Aam, file: &str) -> Value {
    serde_json::from_str(&aam.read(file)).expect("JSON")
}

/// A column of a table.
fn column(table: &str, name: &str) -> Vec<f64> {
    let mut lines = table.lines();
    let header = lines.next().expect("a header");
    let place = header.split('\t').position(|cell| cell == name);
    let place = place.unwrap_or_else(|| panic!("no {name} in {header}"));
    let cells = lines.map(|line| line.split('\t').nth(place).expect("a cell"));
    cells.map(|cell| cell.parse().unwrap_or(f64::NAN)).collect()
}

#[test]
fn metrics_are_written_to_two_files_that_agree() {
    let aam = study();
    aam.ok(&format!("{TRAIN} ph --output-dir run"));
    let lines = objects(&aam.read("run/metrics.jsonl"));
    let table = aam.read("run/metrics.tsv");
    for name in ["epoch", "step", "r2", "train_loss"] {
        let of_lines: Vec<f64> = lines
            .iter()
            .map(|line| line[name].as_f64().expect("a number"))
            .collect();
        assert_eq!(of_lines, column(&table, name), "{name}");
    }
    assert!(
        lines
            .iter()
            .all(|line| line["seconds"].as_f64() > Some(0.0))
    );
    assert!(lines.iter().all(|line| line["best"].is_boolean()));
}

#[test]
fn the_record_has_the_inputs_and_results_of_a_run() {
    let aam = study();
    aam.ok(&format!("{TRAIN} ph --output-dir run"));
    let record = json(&aam, "run/run.json");
    assert_eq!(record["outcome"], "finished");
    assert_eq!(
        (&record["command"], &record["epochs"]),
        (&"train".into(), &3.into())
    );
    assert_eq!(record["samples"], serde_json::json!([32, 8]));
    assert_eq!(record["study"]["samples"], 40);
    let asvs = record["study"]["asvs"].as_u64();
    assert!(asvs.is_some_and(|asvs| (1..=40).contains(&asvs)));
    let held_out = &record["held_out"];
    assert_eq!(
        (
            &held_out["samples"],
            &held_out["folds"],
            &held_out["groups"]
        ),
        (&8.into(), &Value::Null, &Value::Null)
    );
    assert_eq!(held_out["targets"][0]["name"], "ph");
    assert!(held_out["targets"][0]["numbers"][1].is_number());
    let files = record["files"].as_array().expect("a list");
    let settings: Vec<&Value> = files.iter().map(|file| &file["setting"]).collect();
    assert_eq!(settings, ["table", "metadata"]);
    assert!(
        files
            .iter()
            .all(|file| file["sha256"].as_str().is_some_and(|hash| hash.len() == 64))
    );
    let figures = record["figures"].as_array().expect("a list");
    assert!(figures.iter().any(|figure| figure["name"] == "r2"
        && figure["others"]["random_forest"].is_number()
        && figure["lower"].is_number()));
    // A run that fails after it started records this.
    aam.run(&format!(
        "{TRAIN} ph --lr 1e30 --max-grad-norm none --output-dir bad"
    ))
    .ends_with_code(1);
    let record = json(&aam, "bad/run.json");
    assert_eq!(record["outcome"], "failed");
    assert!(
        record["error"]
            .as_str()
            .is_some_and(|error| error.contains("loss"))
    );
}

#[test]
fn disabled_outputs_are_not_written_and_overwriting_removes_them() {
    let aam = study();
    aam.ok(&format!("{TRAIN} ph --output-dir run"));
    let exists = |name: &str| aam.path(&format!("run/{name}")).exists();
    assert!(exists("tensorboard") && exists("report.html"));
    aam.ok(&format!(
        "{TRAIN} ph --no-tensorboard --no-report --overwrite --output-dir run"
    ));
    assert!(!exists("tensorboard") && !exists("report.html") && exists("metrics.jsonl"));
    assert!(aam.read("run/config.toml").contains("report = false"));
}

#[test]
fn runs_are_listed_and_compared() {
    let aam = study();
    aam.ok(&format!("{TRAIN} ph --output-dir results/first"));
    aam.ok(&format!("{TRAIN} ph --lr 0.01 --output-dir results/second"));
    let list = aam.ok("runs results");
    assert_eq!(list.stdout.lines().count(), 3, "{}", list.stdout);
    list.prints(&[
        "first", "second", "finished", "32+8", "lr=0.003", "lr=0.01", "r2 ",
    ]);
    let compared = aam.ok("runs results --compare first second");
    compared.prints(&["lr", "0.003", "0.01", "r2", "outcome"]);
    let all: Value = serde_json::from_str(&aam.ok("runs results --json").stdout).expect("JSON");
    assert_eq!(all[1]["settings_that_differ"]["lr"], 0.01);
    assert_eq!(all[0]["files"][0]["setting"], "table");
    let both = aam
        .ok("runs results --compare first results/second --json")
        .stdout;
    let both: Value = serde_json::from_str(&both).expect("JSON");
    assert_eq!(both["differences"]["lr"], serde_json::json!([0.003, 0.01]));
    aam.refuses("runs results --compare first secnd")
        .says(&["did you mean second?"]);
    aam.refuses("runs nowhere")
        .says(&["nowhere: there is no such folder"]);
    aam.refuses("runs study").says(&["there is no run below"]);
}

#[test]
fn everything_is_reported_in_json() {
    let aam = study();
    let ran = aam.ok(&format!("{TRAIN} ph --output-dir run --json"));
    assert_eq!(ran.stdout, "");
    let events = objects(&ran.stderr);
    for kind in [
        "note",
        "started",
        "batch",
        "step",
        "epoch",
        "evaluated",
        "result",
        "saved",
    ] {
        assert!(
            events.iter().any(|event| event["event"] == kind),
            "no {kind}"
        );
    }
    let epochs = events.iter().filter(|event| event["event"] == "epoch");
    assert_eq!(epochs.clone().count(), 3);
    assert!(
        epochs
            .clone()
            .all(|epoch| epoch["metrics"]["r2"].is_number())
    );
    let always = ["warning", "result", "evaluated", "saved"];
    let quiet = aam.ok(&format!("{TRAIN} ph --output-dir quiet --json --quiet"));
    assert!(
        objects(&quiet.stderr)
            .iter()
            .all(|event| always.contains(&event["event"].as_str().expect("a word")))
    );
    let refused = aam.refuses(&format!("{TRAIN} ph --output-dir run --json"));
    let events = objects(&refused.stderr);
    let last = events.last().expect("an event");
    assert_eq!(
        (&last["event"], &last["exit"]),
        (&"error".into(), &2.into())
    );
    assert!(
        last["message"]
            .as_str()
            .is_some_and(|text| text.contains("there is a run"))
    );
}

/// A Python with the package `tensorboard`.
fn python() -> Option<PathBuf> {
    let named = std::env::var_os("AAM_TENSORBOARD_PYTHON").map(PathBuf::from);
    let python = named.clone().unwrap_or_else(|| "python3".into());
    let has = Command::new(&python)
        .args(["-c", "import tensorboard"])
        .output();
    match has.is_ok_and(|output| output.status.success()) {
        true => Some(python),
        false if named.is_some() => panic!("AAM_TENSORBOARD_PYTHON has no package tensorboard"),
        false => {
            println!(
                "skipped: python3 has no package tensorboard, and AAM_TENSORBOARD_PYTHON is not set"
            );
            None
        }
    }
}

/// The contents of a folder of event files, as read by TensorBoard.
fn read_events(python: &Path, folder: &Path) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/read_tensorboard.py");
    let output = Command::new(python).arg(script).arg(folder).output();
    let output = output.expect("Python starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn a_resumed_run_replaces_what_it_repeats() {
    let Some(python) = python() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let started = Event::Started {
        epochs: 4,
        batches: 2,
        parameters: (1, 1),
    };
    let epoch = |board: &mut TensorBoard, epoch: usize, value: f64| {
        let metrics = [Metric {
            name: "r2".to_owned(),
            value,
        }];
        let event = Event::Epoch {
            epoch,
            step: 2 * epoch,
            metrics: &metrics,
            best: false,
            chosen_by: Some("r2"),
            seconds: 1.0,
        };
        board.observe(&event).expect("a file");
    };
    let mut first = TensorBoard::new(folder.path().to_owned());
    first.observe(&started).expect("a file");
    (1..=3).for_each(|number| epoch(&mut first, number, 0.25));
    let mut second = TensorBoard::new(folder.path().to_owned());
    second.cut_back(2, 4).expect("a file");
    second.observe(&started).expect("a file");
    (3..=4).for_each(|number| epoch(&mut second, number, 0.5));
    let events = read_events(&python, folder.path());
    let expected = serde_json::json!([[2, 0.25], [4, 0.25], [6, 0.5], [8, 0.5]]);
    assert_eq!(events["scalars"]["val/r2"], expected);
}

#[test]
fn tensorboard_reads_what_was_written() {
    let Some(python) = python() else {
        return;
    };
    let aam = study();
    aam.ok(&format!("{TRAIN} ph --output-dir run"));
    aam.ok(&format!("{PRETRAIN} base"));
    let read = |run: &str| read_events(&python, &aam.path(run).join("tensorboard"));
    let events = read("run");
    let table = aam.read("run/metrics.tsv");
    let steps = column(&table, "step");
    let pairs = [
        ("val/r2", "r2"),
        ("val/mae", "mae"),
        ("val/total_loss", "loss"),
        ("train/total_loss", "train_loss"),
        ("TotalLoss/val", "loss"),
        ("TargetLoss/train", "train_target_loss"),
        ("train/learning_rate", "learning_rate"),
        ("checkpoint/best_model_saved", "best"),
    ];
    for (tag, name) in pairs {
        let read = events["scalars"][tag]
            .as_array()
            .unwrap_or_else(|| panic!("no {tag}"));
        let expected = steps.iter().zip(column(&table, name));
        assert_eq!(read.len(), steps.len(), "{tag}");
        for (event, (step, value)) in read.iter().zip(expected) {
            assert_eq!(event[0].as_f64(), Some(*step), "{tag}");
            let close = (event[1].as_f64().expect("a number") - value).abs();
            assert!(close <= 1e-6 * value.abs(), "{tag}: {event} is not {value}");
        }
    }
    // One update per epoch.
    assert_eq!(
        events["scalars"]["train/grad_norm"]
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    assert!(events["scalars"]["model/total_params"][0][1].as_f64() > Some(100.0));
    let picture = &events["images"]["validation/prediction_plot"][0];
    assert_eq!(
        (&picture[1], &picture[3]),
        (&460.into(), &"image/png".into())
    );
    let histograms = events["histograms"].as_object().expect("an object");
    assert!(histograms.keys().all(|tag| tag.starts_with("weights/")) && histograms.len() > 5);
    assert!(
        events["charts"]
            .as_array()
            .is_some_and(|charts| charts.contains(&"TotalLoss".into()))
    );

    let events = read("base");
    for tag in [
        "val/unifrac_r2",
        "val/r2",
        "val/nuc_accuracy",
        "NucLoss/train",
        "UniFracLoss/val",
    ] {
        assert!(events["scalars"][tag].is_array(), "no {tag}");
    }
    assert_eq!(
        events["images"]["validation/unifrac_plot"][0][3],
        "image/png"
    );
}
