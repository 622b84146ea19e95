//! A run started by an older version, in which optimizer, schedule and transform were settings and
//! not components, can resume.

use std::fs;

use aam_runtime::train::checkpoint::sealed;
use aam_tests::{Aam, STUDY, aam};
use serde_json::Value;
use sha2::{Digest, Sha256};

const TRAIN: &str = "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv \
                     --metadata-column ph --max-bp 30 --embedding-dim 16 --no-tensorboard \
                     --no-report --baseline-trees 0 --lr 0.01 --batch-size 8";
const PLATEAU: &str = "--scheduler plateau --scheduler-patience 0 --scheduler-factor 0.5";
/// Settings that the older version recorded in place of the component tables.
const SETTINGS: &str = "scheduler = \"plateau\"\nwarmup = 0.1\nscheduler-t-mult = 2\n\
                        scheduler-eta-min = 0.0\nscheduler-patience = 0\nscheduler-factor = 0.5\n\
                        scheduler-min-lr = 0.0\noptimizer = \"adamw\"\n\
                        target-transform = \"zscore\"\n";

/// Makes the run in `run` look like one of an older version.
fn make_old(aam: &Aam) {
    let config = aam.read("run/config.toml");
    let mut parts = config.split("\n[");
    let mut old = parts.next().expect("settings").to_owned() + "\n" + SETTINGS;
    let replaced = ["schedule]", "optimizer]", "target-transform]"];
    for table in parts {
        if !replaced.iter().any(|name| table.starts_with(name)) {
            old.push_str(&format!("\n[{table}"));
        }
    }
    aam.write("run/config.toml", &old);
    for checkpoint in ["best", "last"] {
        let path = |name: &str| aam.path(&format!("run/checkpoints/{checkpoint}/{name}"));
        let json = |name: &str| -> Value {
            let text = fs::read_to_string(path(name)).expect("a file");
            serde_json::from_str(&text).expect("JSON")
        };
        let mut manifest = json("manifest.json");
        let numbers = &mut manifest["predictor"]["targets"][0]["values"]["numbers"];
        let numbers = numbers.as_object_mut().expect("a transform");
        assert!(numbers.shift_remove("provider").is_some());
        assert!(numbers.shift_remove("version").is_some());
        let names: Vec<&String> = numbers.keys().collect();
        assert_eq!(names, ["transform", "shift", "scale"]);
        if checkpoint == "last" {
            let mut state = json("trainer.json");
            let state = state.as_object_mut().expect("a state");
            assert_eq!(state.shift_remove("schedule"), Some("plateau".into()));
            let plateau = state.shift_remove("schedule_state").expect("its state");
            assert!(plateau["rate"].is_string() && plateau["best"].is_string());
            state.insert("plateau".to_owned(), plateau);
            state.insert("optimizer".to_owned(), "adamw".into());
            let text = serde_json::to_string_pretty(state).expect("JSON");
            fs::write(path("trainer.json"), &text).expect("a file");
            let digest = Sha256::digest(text.as_bytes());
            let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            manifest["files"]["trainer.json"] = digest.into();
        }
        let text = serde_json::to_string_pretty(&sealed(manifest)).expect("JSON");
        fs::write(path("manifest.json"), text).expect("a file");
    }
}

#[test]
fn a_run_of_an_older_version_resumes_as_if_it_had_not_stopped() {
    let aam = aam!().with(STUDY);
    aam.ok(&format!("{TRAIN} {PLATEAU} --epochs 9 --output-dir whole"));
    aam.ok(&format!("{TRAIN} {PLATEAU} --epochs 5 --output-dir run"));
    make_old(&aam);
    let rates = aam.column("whole/metrics.tsv", "learning_rate");
    assert!(rates[4] < 0.01, "the state matters: {rates:?}");
    let resumed = aam.ok("train --output-dir run --resume --epochs 9");
    let resumed = resumed.says(&["changed: epochs 5 → 9"]);
    assert!(
        !resumed.stderr.contains("changed: schedule"),
        "{}",
        resumed.stderr
    );
    assert_eq!(aam.read("run/metrics.tsv"), aam.read("whole/metrics.tsv"));
    let weights = |run: &str| {
        let file = format!("{run}/checkpoints/last/model.safetensors");
        fs::read(aam.path(&file)).expect("weights")
    };
    assert!(weights("run") == weights("whole"), "the weights differ");
    // It can read the settings that it now records.
    let config = aam.read("run/config.toml");
    assert!(
        config.contains("[schedule]\nname = \"plateau\"\n"),
        "{config}"
    );
    aam.ok("train --config run/config.toml --print-config")
        .prints(&["[schedule]\nname = \"plateau\"\npatience = 0\nfactor = 0.5\n"]);
}

#[test]
fn former_settings_of_the_command_belong_to_components() {
    let aam = aam!();
    aam.write("old.toml", SETTINGS);
    let old = aam.ok("train --config old.toml --print-config");
    let old = old.prints(&[
        "[schedule]\nname = \"plateau\"\npatience = 0\nfactor = 0.5\nmin-lr = 0.0\n",
        "[optimizer]\nname = \"adamw\"\n",
        "[target-transform]\nname = \"zscore\"\n",
    ]);
    // Every file contains them, whatever the schedule.
    assert!(!old.stderr.contains("no effect"), "{}", old.stderr);
    aam.ok("train --config old.toml --scheduler cosine --print-config")
        .prints(&["[schedule]\nname = \"cosine\"\neta-min = 0.0\n"])
        .says(&["old.toml: key 'scheduler-factor' has no effect with the schedule 'cosine'"]);
    aam.ok("train --warmup 5 --scheduler plateau --print-config")
        .says(&["--warmup has no effect with the schedule 'plateau'"]);
    aam.refuses("train --scheduler-t0 4 --print-config")
        .says(&["--scheduler-t0", "it belongs to schedule cosine-restarts"]);
    aam.write("old.toml", "warmup = \"long\"\n");
    aam.refuses("train --config old.toml --print-config")
        .says(&["key 'warmup': expected a number of at least 0, found 'long'"]);
}
