//! `aam compare`: every combination on the same folds, in one table, resumable.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use aam_tests::{Aam, STUDY, aam};

const COMPARE: &str = "compare --table study/table.biom --metadata study/metadata.tsv \
                       --metadata-column ph --max-bp 30 --embedding-dim 16 --folds 2 \
                       --output-dir out";
const GRID: &str = "--head linear,mlp --loss huber,mse --epochs 2";
const FOLDERS: [&str; 4] = [
    "linear+none+huber+single",
    "linear+none+mse+single",
    "mlp+none+huber+single",
    "mlp+none+mse+single",
];

fn study() -> Aam {
    aam!().with(STUDY)
}

fn lines(aam: &Aam, name: &str) -> BTreeSet<String> {
    aam.read(name).lines().map(str::to_owned).collect()
}

/// `comparison.tsv` without the seconds, which vary.
fn comparison_rows(aam: &Aam) -> Vec<Vec<String>> {
    let text = aam.read("out/comparison.tsv");
    let cells = |line: &str| -> Vec<String> { line.split('\t').map(str::to_owned).collect() };
    let mut rows: Vec<Vec<String>> = text.lines().map(cells).collect();
    let seconds = rows[0].iter().position(|name| name == "seconds");
    let seconds = seconds.expect("a column of seconds");
    for row in &mut rows {
        row.remove(seconds);
    }
    rows
}

fn written(path: &Path) -> SystemTime {
    let metadata = fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    metadata.modified().expect("a time")
}

#[test]
fn runs_can_learn_distances_of_a_tree_or_of_the_table() {
    let aam = study();
    let command = format!("{COMPARE} --epochs 1 --unifrac-weight 1 --no-freeze-base");
    for (source, loss) in [
        ("--tree study/tree.nwk", "train_unifrac_loss"),
        ("--unifrac-metric jaccard", "train_jaccard_loss"),
    ] {
        aam.ok(&format!("{command} --overwrite {source}"));
        let metrics = aam.read("out/linear+none+huber+single/fold-2/metrics.tsv");
        assert!(metrics.contains(loss), "{metrics}");
    }
}

#[test]
fn a_grid_is_trained_on_the_same_folds_and_never_twice() {
    let aam = study();
    let command = format!("{COMPARE} {GRID}");
    let first = aam.ok(&command).says(&["8 runs", "run 8 of 8"]);
    let table: Vec<Vec<&str>> = first
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        table[0],
        ["head", "loss", "r2", "mae", "seconds", "parameters"]
    );
    let rows: Vec<[&str; 2]> = table[1..5].iter().map(|row| [row[0], row[1]]).collect();
    let expected = [
        ["linear", "huber"],
        ["linear", "mse"],
        ["mlp", "huber"],
        ["mlp", "mse"],
    ];
    assert_eq!(rows, expected);
    assert_eq!(comparison_rows(&aam).len(), 5);
    assert_eq!(aam.read("out/comparison-folds.tsv").lines().count(), 9);

    // Folds are disjoint, cover all samples and are the same for every combination.
    let held_out = [1, 2].map(|fold| lines(&aam, &format!("out/folds/fold-{fold}-validation.txt")));
    assert!(held_out[0].is_disjoint(&held_out[1]));
    assert_eq!(held_out[0].len() + held_out[1].len(), 24);
    for folder in FOLDERS {
        for fold in [1, 2] {
            let run = format!("out/{folder}/fold-{fold}");
            let validated = lines(&aam, &format!("{run}/samples_val.txt"));
            assert_eq!(validated, held_out[fold - 1], "{run}");
            let trained = lines(&aam, &format!("{run}/samples_train.txt"));
            assert_eq!(trained, held_out[2 - fold], "{run}");
            let epochs = aam.read(&format!("{run}/metrics.tsv"));
            assert_eq!(epochs.lines().count(), 3, "the budget of {run}");
        }
    }

    let times =
        || FOLDERS.map(|folder| written(&aam.path(&format!("out/{folder}/fold-2/metrics.tsv"))));
    let before = times();
    let second = aam.ok(&command).says(&["8 already completed"]);
    assert_eq!(second.stdout, first.stdout);
    assert!(!second.stderr.contains("run 1 of"), "{}", second.stderr);
    assert_eq!(times(), before, "nothing is trained again");

    // Each of its runs can be repeated by `aam train`.
    aam.ok("train --config out/mlp+none+mse+single/fold-2/config.toml --output-dir again");
    assert_eq!(
        aam.read("again/metrics.tsv"),
        aam.read("out/mlp+none+mse+single/fold-2/metrics.tsv")
    );
}

#[test]
fn metrics_are_the_mean_of_the_last_epochs() {
    let aam = study();
    aam.ok(&format!("{COMPARE} --head mlp --epochs 3"));
    let last_r2 = |fold| aam.last(&format!("out/mlp+none+huber+single/fold-{fold}"), "r2");
    let (a, b) = (last_r2(1), last_r2(2));
    let rows = comparison_rows(&aam);
    let cell = |name: &str| -> f64 {
        let place = rows[0].iter().position(|column| column == name);
        rows[1][place.expect("the column")]
            .parse()
            .expect("a number")
    };
    assert!((cell("r2") - (a + b) / 2.0).abs() < 1e-12);
    assert!((cell("r2_sd") - (a - b).abs() / 2.0).abs() < 1e-12);
}

#[test]
fn the_best_is_scored_on_folds_that_did_not_choose_it() {
    let aam = study();
    let command = COMPARE.replace("--folds 2", "--folds 3") + " --head linear,mlp --epochs 3";
    let ran = aam.ok(&command);
    ran.prints(&[
        "\n\nbest by r2: head ",
        " on folds that did not choose it (each fold scored by the choice of the other folds)",
    ]);
    let r2 = |head: &str, fold: usize| {
        aam.last(&format!("out/{head}+none+huber+single/fold-{fold}"), "r2")
    };
    let text = aam.read("out/choice.tsv");
    let lines: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    assert_eq!(lines[0], ["fold", "chosen", "r2"]);
    let mut sum = 0.0;
    for (fold, line) in lines.iter().enumerate().skip(1).take(3) {
        let of_others = |head: &str| -> f64 {
            let others = (1..=3).filter(|other| *other != fold);
            others.map(|other| r2(head, other)).sum()
        };
        let best = match of_others("linear") > of_others("mlp") {
            true => "linear",
            false => "mlp",
        };
        assert!(line[1].contains(&format!("head {best}")), "{text}");
        sum += r2(best, fold);
        assert_eq!(line[2], r2(best, fold).to_string());
    }
    let mean: f64 = lines[4][2].parse().unwrap();
    assert!((mean - sum / 3.0).abs() < 1e-12, "{text}");
    // With a single combination, there is no choice.
    let one = command.replace("linear,mlp", "mlp") + " --json";
    aam.ok(&one);
    assert!(!aam.path("out/choice.tsv").exists());
}

#[test]
fn runs_left_unfinished_by_a_kill_are_trained_again() {
    let aam = study();
    let command = format!("{COMPARE} {GRID}");
    aam.ok(&command);
    let before = comparison_rows(&aam);
    // A run killed before its end, one that never started, and tables that were not written.
    let run = |folder: usize, fold: usize| format!("out/{}/fold-{fold}", FOLDERS[folder]);
    fs::remove_file(aam.path(&format!("{}/result.json", run(0, 2)))).expect("a result");
    fs::remove_file(aam.path(&format!("{}/predictions.tsv", run(0, 2)))).expect("predictions");
    fs::remove_dir_all(aam.path(&run(3, 1))).expect("a run");
    fs::remove_file(aam.path("out/comparison.tsv")).expect("a table");
    let kept = aam.path(&format!("{}/metrics.tsv", run(1, 1)));
    let time = written(&kept);
    aam.ok(&command).says(&["6 already completed"]);
    assert_eq!(comparison_rows(&aam), before);
    assert_eq!(written(&kept), time);
    assert!(aam.path(&format!("{}/predictions.tsv", run(0, 2))).exists());
}

#[test]
fn an_impossible_combination_is_a_row_and_the_others_continue() {
    let aam = study();
    let ran = aam
        .run(&format!(
            "{COMPARE} --fusion none,concat --loss huber,cross-entropy --epochs 2"
        ))
        .ends_with_code(1)
        .says(&["3 of 4 combinations could not be trained"])
        .prints(&[
            "concat         huber          failed: fusion 'concat' needs categorical columns",
            "none           cross-entropy  failed: loss 'cross-entropy' needs a categorical target",
        ]);
    assert_eq!(ran.stdout.lines().count(), 8, "a table and its file");
    let rows = comparison_rows(&aam);
    let status = rows[0].iter().position(|name| name == "status");
    let status = status.expect("a column of the status");
    let found: Vec<&str> = rows[1..].iter().map(|row| row[status].as_str()).collect();
    assert_eq!(found, ["finished", "failed", "failed", "failed"]);
    // With the columns it needs, the fusion can be trained; as the settings differ, it is another
    // comparison.
    let categories = "--fusion none,concat --epochs 2 --categorical-columns habitat";
    aam.refuses(&format!("{COMPARE} {categories}"))
        .says(&["--categorical-columns was not given and is now [\"habitat\"]"]);
    let other = COMPARE.replace("--output-dir out", "--output-dir other");
    aam.ok(&format!("{other} {categories}"));
}

#[test]
fn other_settings_or_data_are_refused_until_the_comparison_is_replaced() {
    let aam = study();
    aam.ok(&format!("{COMPARE} --head mlp --head.hidden 8 --epochs 2"));
    let mlp = format!("{COMPARE} --head mlp");
    aam.refuses(&format!("{mlp} --head.hidden 8 --epochs 3"))
        .says(&["--epochs was 2 and is now 3", "--overwrite"]);
    aam.refuses(&format!("{mlp} --head.hidden 8 --epochs 2 --seed 7"))
        .says(&["--seed was 42 and is now 7"]);
    aam.refuses(&format!("{mlp} --head.hidden 16 --epochs 2"))
        .says(&["--head.hidden was [8] and is now [16]"]);
    // Further components are not different settings, and neither is the same file in another place.
    fs::rename(aam.path("study/table.biom"), aam.path("moved.biom")).expect("a table");
    let moved = COMPARE.replace("study/table.biom", "moved.biom");
    aam.ok(&format!(
        "{moved} --head linear,mlp --head.hidden 8 --epochs 2"
    ))
    .says(&["2 already completed"]);
    let metadata = aam.read("study/metadata.tsv");
    aam.write("study/metadata.tsv", &format!("{metadata}# a remark\n"));
    aam.refuses(&format!("{moved} --head mlp --head.hidden 8 --epochs 2"))
        .says(&["--metadata has different contents"]);
    aam.write("out/notes.txt", "mine");
    aam.ok(&format!("{moved} --head mlp --epochs 3 --overwrite"))
        .says(&["run 1 of 2", "run 2 of 2"]);
    assert!(aam.path("out/notes.txt").exists());
    assert!(!aam.path("out/linear+none+huber+single").exists());
    // Folders that are not comparisons are left alone.
    aam.refuses(&format!("{moved} --epochs 1").replace("--output-dir out", "--output-dir study"))
        .says(&["--output-dir study", "no run to resume"]);
}

#[test]
fn options_go_to_the_components_that_have_them() {
    let aam = study();
    let command = format!("{COMPARE} --head linear,mlp,residual --epochs 1");
    aam.ok(&format!("{command} --head.hidden 8 --print-config"))
        .prints(&["name = [\"linear\", \"mlp\", \"residual\"]\nhidden = [8]\n"]);
    aam.refuses(&format!("{command} --head.hiden 8")).says(&[
        "linear, mlp, residual",
        "'hiden'",
        "'hidden'",
    ]);
    aam.refuses(&format!("{COMPARE} --head linear,lniear --epochs 1"))
        .says(&["unknown head 'lniear'", "linear"]);
    aam.refuses(&format!("{COMPARE} --head mlp,mlp --epochs 1"))
        .says(&["'mlp' is named twice"]);
    let config = format!("{COMPARE} --head linear,mlp --head.hidden 8 --epochs 1 --print-config");
    let first = aam.ok(&config).stdout;
    aam.write("grid.toml", &first);
    let second = aam.ok("compare --config grid.toml --print-config").stdout;
    assert_eq!(first, second);
    let json = aam.ok("compare --config grid.toml --json").stdout;
    let rows: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(rows[1]["components"]["head"]["hidden"][0], 8);
    assert!(rows[1]["metrics"]["r2"]["mean"].is_number());
    assert!(rows[0]["components"]["head"].get("hidden").is_none());
}

#[test]
fn any_setting_can_have_several_values() {
    let aam = study();
    let flags = "--head linear,mlp --head.hidden 8|16,4 --lr 0.001,0.01 --epochs 1";
    let command = format!("{COMPARE} {flags}");
    let ran = aam.ok(&command).says(&["6 combinations", "12 runs"]);
    let starts: Vec<&str> = ran.stdout.lines().skip(1).take(8).collect();
    for (line, start) in starts.iter().zip([
        "linear ",
        "linear ",
        "mlp hidden=8 ",
        "mlp hidden=8 ",
        "mlp hidden=16,4 ",
        "mlp hidden=16,4 ",
        "random forest ",
        "trivial guess ",
    ]) {
        assert!(line.starts_with(start), "{start}: {}", ran.stdout);
    }
    let config = aam.read("out/mlp-hidden=8+none+huber+single+lr=0.01/fold-2/config.toml");
    assert!(config.contains("lr = 0.01\n"), "{config}");
    let rows: serde_json::Value =
        serde_json::from_str(&aam.ok(&format!("{command} --json")).stdout).expect("JSON");
    assert_eq!(rows.as_array().map(Vec::len), Some(6));
    assert_eq!(rows[3]["settings"]["lr"], 0.01);
    assert_eq!(rows[3]["components"]["head"]["hidden"][0], 8);
    // A configuration file has the values as lists.
    let first = aam.ok(&format!("{command} --print-config")).stdout;
    assert!(
        first.contains("lr = [0.001, 0.01]\n") && first.contains("hidden = [[8], [16, 4]]\n"),
        "{first}"
    );
    aam.write("grid.toml", &first);
    assert_eq!(
        aam.ok("compare --config grid.toml --print-config").stdout,
        first
    );
    aam.refuses(&format!("{COMPARE} --rarefy-depth 100,200"))
        .says(&["--rarefy-depth: the runs of a comparison share this setting"]);
    aam.refuses(&format!("{COMPARE} --lr 0.1,0.1"))
        .says(&["--lr: 0.1 is given twice"]);
}

#[test]
fn lists_of_samples_are_the_only_split() {
    let aam = study();
    let ids: Vec<String> = aam
        .read("study/metadata.tsv")
        .lines()
        .skip(1)
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| Some(line.split('\t').next()?.to_owned()))
        .collect();
    aam.write("val.txt", &ids[..6].join("\n"));
    let command = format!("{COMPARE} --validation-samples val.txt --epochs 1");
    aam.refuses(&command).says(&["--folds", "lists"]);
    let ran = aam.ok(&command.replace("--folds 2 ", ""));
    assert!(!ran.stdout.contains('±'), "{}", ran.stdout);
    assert_eq!(lines(&aam, "out/folds/fold-1-validation.txt").len(), 6);
    aam.refuses(&format!("{COMPARE} --epochs 1").replace("--folds 2", "--folds 0"))
        .says(&["--folds", "from 1 to", "found '0'"]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_comparison_resumes_where_it_stopped() {
    let aam = study();
    let command = format!("{COMPARE} --head linear,mlp --epochs 40");
    let mut child = aam
        .command(&command)
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("the program starts");
    // The second run has started.
    let metrics = aam.path("out/mlp+none+huber+single/fold-1/metrics.tsv");
    let started = Instant::now();
    while !metrics.exists() && started.elapsed() < Duration::from_secs(300) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill");
    assert!(killed.success());
    let status = child.wait().expect("the program ends");
    assert_eq!(status.code(), Some(5));
    assert!(
        !aam.path("out/mlp+none+huber+single/fold-1/result.json")
            .exists()
    );
    let table = aam.read("out/comparison.tsv");
    assert!(table.contains("unfinished\t1\t"), "{table}");
    aam.ok(&command).says(&["4 runs, 1 already completed"]);
    assert_eq!(comparison_rows(&aam).len(), 3);
}
