//! `aam runs`: comparisons and searches among the runs, and how many ranks a run has.

use aam_tests::{STUDY, aam};
use serde_json::Value;

const STUDIED: &str = "--table study/table.biom --metadata study/metadata.tsv --metadata-column ph \
                       --max-bp 30 --embedding-dim 16";
const ONCE: &str = "--test-size 0.2 --members network --epochs 1";

#[test]
fn a_comparison_or_a_search_is_one_row_with_its_outcome() {
    let aam = aam!().with(STUDY);
    aam.ok(&format!(
        "compare {STUDIED} --head linear,mlp --folds 2 --epochs 1 --output-dir all/compared"
    ));
    aam.ok(&format!(
        "lr-find {STUDIED} --lr-steps 60 --output-dir all/rates"
    ));
    aam.ok(&format!(
        "tune {STUDIED} --search lr --trials 2 --folds 2 --epochs 1 --output-dir all/tuned"
    ));
    for (run, flags) in [("a", ""), ("b", "--lr 0.01 --seed 7"), ("c", "")] {
        aam.ok(&format!(
            "train {STUDIED} {ONCE} {flags} --output-dir all/{run}"
        ));
    }
    let list = aam.ok("runs all").stdout;
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 7, "{list}");
    let has = |name: &str, words: &[&str]| {
        let line = lines
            .iter()
            .find(|line| line.starts_with(&format!("{name} ")));
        let line = line.unwrap_or_else(|| panic!("no {name} in {list}"));
        for word in words {
            assert!(line.contains(word), "no {word:?} in {line}");
        }
    };
    has(
        "compared",
        &["compare ", " finished ", " r2 ", "best of 2: head "],
    );
    has("rates", &["lr-find ", " finished ", "suggests --lr "]);
    has("tuned", &["tune ", " finished ", " r2 ", "best of 2: lr "]);
    has("b", &["train ", "lr=0.01", "seed=7"]);
    // What most runs share is not repeated.
    let usual = lines.iter().filter(|line| line.contains("seed="));
    assert_eq!(usual.count(), 1, "{list}");
    let all: Value = serde_json::from_str(&aam.ok("runs all --json").stdout).expect("JSON");
    let summaries: Vec<bool> = all
        .as_array()
        .expect("a list")
        .iter()
        .map(|run| run["summary"].is_string())
        .collect();
    assert_eq!(summaries, [false, false, false, true, true, true]);
    // Starting over removes the record, too.
    std::fs::write(aam.path("all/compared/notes.txt"), "mine").expect("a file");
    aam.ok(&format!(
        "compare {STUDIED} --head mlp --folds 2 --epochs 1 --overwrite --output-dir all/compared"
    ));
    let record = aam.read("all/compared/run.json");
    assert!(!record.contains("best of"), "{record}");
}

#[test]
fn a_cross_validation_has_samples_and_epochs() {
    let aam = aam!().with(STUDY);
    let folds = "--folds 2 --members network --epochs 3 --baseline-trees 0";
    aam.ok(&format!("train {STUDIED} {folds} --output-dir all/folds"));
    aam.ok(&format!("train {STUDIED} {ONCE} --output-dir all/once"));
    let cells = |run: &str| -> Vec<String> {
        let list = aam.ok("runs all").stdout;
        let line = list
            .lines()
            .find(|line| line.starts_with(run))
            .expect("a run");
        line.split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (folds, once) = (cells("folds"), cells("once"));
    assert_eq!(
        (&*folds[4], &*folds[6]),
        ("24 in 2 folds", "3"),
        "{folds:?}"
    );
    assert_eq!((&*once[4], &*once[6]), ("19+5", "1"), "{once:?}");
    let json: Value = serde_json::from_str(&aam.ok("runs all --json").stdout).expect("JSON");
    assert_eq!(
        json[0]["samples"],
        serde_json::json!({"held_out": 24, "folds": 2})
    );
    assert_eq!(json[0]["epochs"], 3);
    // An unfinished run has what its folds have.
    std::fs::remove_file(aam.path("all/folds/run.json")).expect("a record");
    assert_eq!(cells("folds")[4], "24 in 2 folds");
    // The words are those of the command.
    aam.refuses(&format!(
        "train {STUDIED} --folds 2 --members network --epochs 4 --output-dir all/folds"
    ))
    .says(&["the run in this directory has different settings: "]);
}

#[test]
fn the_number_of_ranks_is_reported_and_recorded() {
    let aam = aam!().with(STUDY);
    let train = format!("train {STUDIED} {ONCE}");
    let ranks = |run: &str| -> Value {
        let record = aam.read(&format!("{run}/run.json"));
        serde_json::from_str::<Value>(&record).expect("JSON")["ranks"].clone()
    };
    aam.ok(&format!(
        "{train} --device cpu --data-parallel --output-dir one"
    ))
    .says(&["warning: --strategy data-parallel: 1 rank; --strategy.ranks N"]);
    assert_eq!(ranks("one"), 1);
    let two = "--strategy ddp --strategy.ranks 2 --threads 2";
    aam.ok(&format!("{train} {two} --output-dir two"))
        .says(&["--strategy ddp: 2 ranks\n"]);
    assert_eq!(ranks("two"), 2);
    let folds = train.replace("--test-size 0.2", "--folds 2");
    let ran = aam.ok(&format!("{folds} {two} --output-dir folds"));
    assert_eq!(
        ran.stderr.matches("each run has 2 ranks").count(),
        1,
        "{}",
        ran.stderr
    );
    assert_eq!(ranks("folds/fold-2"), 2);
    aam.ok(&format!("{train} --output-dir none"));
    assert_eq!(ranks("none"), Value::Null);
}

#[test]
fn a_fusion_that_is_not_worthwhile_is_named_before_training() {
    let aam = aam!().with(STUDY);
    let fusion = "--fusion perceiver --categorical-columns habitat";
    aam.run(&format!(
        "train {STUDIED} {ONCE} {fusion} --max-steps 1 --output-dir run"
    ))
    .says(&[
        "warning: --fusion perceiver is made for many ASVs",
        "choose --fusion concat",
    ]);
}
