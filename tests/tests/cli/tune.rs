//! `aam lr-find` and `aam tune`: search for settings before training.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use aam_tests::{Aam, STUDY, aam};

const STUDIED: &str = "--table study/table.biom --metadata study/metadata.tsv --metadata-column ph \
                       --max-bp 30 --embedding-dim 16";
const SEARCH: &str = "--search lr=1e-4..1e-2log;head=linear|mlp;head.dropout=0..0.5";

fn study() -> Aam {
    aam!().with(STUDY)
}

fn tune(flags: &str) -> String {
    format!("tune {STUDIED} --folds 3 --epochs 2 --output-dir out {flags}")
}

/// `trials.tsv` without the seconds, which vary.
fn trials(aam: &Aam) -> Vec<Vec<String>> {
    let text = aam.read("out/trials.tsv");
    let cells = |line: &str| -> Vec<String> { line.split('\t').map(str::to_owned).collect() };
    let mut rows: Vec<Vec<String>> = text.lines().map(cells).collect();
    let seconds = rows[0].iter().position(|name| name == "seconds").unwrap();
    for row in &mut rows {
        row.remove(seconds);
    }
    rows
}

/// The results of runs with their modification times.
fn results(aam: &Aam) -> Vec<(String, SystemTime)> {
    let folders = |path: &Path| {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let mut all = Vec::new();
    for trial in folders(&aam.path("out")) {
        for fold in folders(&trial) {
            let result = fold.join("result.json");
            if let Ok(metadata) = fs::metadata(&result) {
                all.push((result.display().to_string(), metadata.modified().unwrap()));
                assert!(!fold.join("checkpoints").exists());
            }
        }
    }
    all.sort();
    all
}

#[test]
fn most_trials_end_early_and_the_best_is_a_configuration() {
    let aam = study();
    let ran = aam.ok(&tune(&format!("--trials 4 {SEARCH}")));
    ran.says(&[
        "searching lr, head, head.dropout on 3 folds",
        "aam train --config out/best.toml",
    ])
    .prints(&[
        "trial",
        "head.dropout",
        "r2",
        "best by r2: trial ",
        "(each fold but the first scored by the choice of the earlier folds)",
    ]);
    let json = aam.ok(&tune(&format!("--trials 4 {SEARCH} --json"))).stdout;
    let rows: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(rows.as_array().map(Vec::len), Some(4));
    assert!(rows[0]["settings"]["lr"].is_string() && rows[0]["metrics"]["r2"]["mean"].is_number());
    // The second fold is that of the best on the first, the third that of the best on both.
    let choice = aam.read("out/choice.tsv");
    let folds: Vec<&str> = choice
        .lines()
        .filter_map(|l| l.split('\t').next())
        .collect();
    assert_eq!(folds, ["fold", "2", "3", "mean", "sd"]);
    // Four on the first fold, two on the second, one on the third.
    assert_eq!(results(&aam).len(), 7);
    let rows = trials(&aam);
    assert_eq!(rows.len(), 5);
    let folds: Vec<&str> = rows[1..].iter().map(|row| &*row[2]).collect();
    assert_eq!(folds, ["3", "2", "1", "1"]);
    for row in &rows[1..] {
        let (rate, head, dropout) = (row[3].parse::<f64>().unwrap(), &row[4], &row[5]);
        assert!((1e-4..=1e-2).contains(&rate));
        assert_eq!(head == "mlp", !dropout.is_empty(), "{row:?}");
    }
    let best = aam.read("out/best.toml");
    assert!(best.contains(&format!("lr = {}", rows[1][3])), "{best}");
    aam.ok("train --config out/best.toml --output-dir trained");
    assert!(
        aam.read("trained/config.toml")
            .contains(&format!("name = \"{}\"", rows[1][4]))
    );
}

#[test]
fn a_search_resumes_where_it_stopped() {
    let aam = study();
    let command = tune(&format!("--trials 4 {SEARCH}"));
    aam.ok(&command);
    let (rows, before) = (trials(&aam), results(&aam));
    aam.ok(&command);
    assert_eq!((&rows, &before), (&trials(&aam), &results(&aam)));
    // A lost run is repeated, and nothing else.
    fs::remove_dir_all(aam.path("out/trial-002/fold-1")).unwrap();
    aam.ok(&command);
    assert_eq!(rows, trials(&aam));
    let again = results(&aam);
    let same = again.iter().filter(|result| before.contains(result));
    assert_eq!(
        (again.len(), same.count()),
        (before.len(), before.len() - 1)
    );
    // More trials keep the existing ones.
    aam.ok(&tune(&format!("--trials 6 {SEARCH}")));
    assert!(
        before
            .iter()
            .all(|(name, _)| results(&aam).iter().any(|(other, _)| other == name))
    );
    assert_eq!(trials(&aam).len(), 7);
    aam.refuses(&tune("--trials 4 --search lr"))
        .says(&["--search was", "and is now lr"]);
    let all = "--trials 2 --halving 1 --search lr --overwrite --sampler";
    aam.ok(&tune(&format!("{all} random")))
        .prints(&["(each fold scored by the choice of the other folds)"]);
    assert_eq!(results(&aam).len(), 6);
    assert_eq!(aam.read("out/choice.tsv").lines().count(), 6);
    aam.ok(&tune(&format!("{all} tpe")))
        .says(&["proposed by scores on all folds"]);
}

#[test]
fn a_search_says_what_it_cannot_do() {
    let aam = study();
    let refused = |flags: &str, words: &[&str]| {
        aam.refuses(&tune(flags)).says(words);
    };
    refused("--search lrr", &["--search lrr", "did you mean 'lr'?"]);
    refused("--search head=linaer|mlp", &["did you mean 'linear'?"]);
    refused(
        "--search head.levels=1|2",
        &["no head of this search (linear) has it"],
    );
    refused(
        "--search lr --best-metric r3",
        &["--best-metric r3: there is no such metric"],
    );
    refused("--search lr --trials 0", &["from 1 to"]);
    // Trials that cannot be trained are in the table, and the others continue.
    let ran = aam.ok(&tune(
        "--search head=linear|film;lr --trials 5 --sampler random --overwrite",
    ));
    assert!(ran.stdout.contains("failed: "), "{}", ran.stdout);
}

#[test]
fn a_rate_is_found_and_nothing_is_trained() {
    let aam = study();
    let command = format!("lr-find {STUDIED} --output-dir rates --lr-steps 60");
    let ran = aam
        .ok(&command)
        .says(&["the loss falls fastest", "lr_find.svg"]);
    let rate: f64 = ran
        .stdout
        .trim()
        .parse()
        .expect("a number and nothing else");
    assert!((1e-5..1.0).contains(&rate), "{rate}");
    let rates = aam.column("rates/lr_find.tsv", "learning_rate");
    assert!(rates.windows(2).all(|pair| pair[0] < pair[1]) && rates[0] == 1e-7);
    assert!(aam.read("rates/lr_find.svg").contains("suggested"));
    assert!(!aam.path("rates/checkpoints").exists());
    assert_eq!(aam.ok(&format!("{command} --overwrite")).stdout, ran.stdout);
    aam.ok(&format!(
        "train --test-size 0.2 --members network {STUDIED} --lr {rate} --epochs 2 --output-dir run"
    ));
    aam.ok("lr-find --config run/config.toml --lr none --output-dir again --lr-steps 20");
    // It would overwrite files of the run.
    aam.run("lr-find --resume --output-dir run")
        .ends_with_code(2)
        .says(&["--resume: the test starts from the initial weights"]);
    aam.refuses(&format!("{command} --overwrite --start-lr 1 --end-lr 0.1"))
        .says(&["--end-lr 0.1: expected a number above --start-lr 1"]);
    aam.refuses(&format!("{command} --overwrite --folds 3"))
        .says(&["leave out --folds"]);
    aam.refuses(&format!("{command} --overwrite --auto-batch-size"))
        .says(&["the batch size that it found"]);
}
