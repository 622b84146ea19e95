//! Evaluation of held-out samples: metrics of the whole set with intervals, alongside simpler
//! methods; and a Random Forest as good as scikit-learn's.

use aam_tests::{Aam, LARGER_STUDY, STUDY, aam, cells, data};

const TRAIN: &str = "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv --max-bp 30 \
                     --embedding-dim 16 --epochs 20 --output-dir run";

/// The metric `name` of `method` in the file.
fn figure(aam: &Aam, file: &str, name: &str, method: &str) -> f64 {
    let text = aam.read(file);
    let cells = cells(&text, method).into_iter();
    let found = cells.into_iter().find(|(metric, _)| *metric == name);
    let (_, cell) = found.unwrap_or_else(|| panic!("no {name} in {text}"));
    cell.parse()
        .unwrap_or_else(|_| panic!("{name} of {method}: '{cell}'"))
}

#[test]
fn metrics_of_numbers_match_the_predictions() {
    let aam = aam!().with(LARGER_STUDY);
    let ran = aam.ok(&format!("{TRAIN} --metadata-column gradient"));
    let ran = ran.prints(&["held out", "random forest", "trivial", "spearman"]);
    assert!(!ran.stdout.contains("epoch"), "progress is not a result");
    let file = "run/evaluation.tsv";
    for (table, method) in [
        ("run/predictions.tsv", "model"),
        ("run/predictions_random_forest.tsv", "random_forest"),
    ] {
        let predicted = aam.column(table, "prediction");
        let actual = aam.column(table, "actual");
        let pairs = || predicted.iter().zip(&actual);
        let mean = actual.iter().sum::<f64>() / actual.len() as f64;
        let errors: f64 = pairs().map(|(p, a)| (p - a).powi(2)).sum();
        let r2 = 1.0 - errors / actual.iter().map(|a| (a - mean).powi(2)).sum::<f64>();
        let found = figure(&aam, file, "r2", method);
        assert!((found - r2).abs() < 1e-5, "{method}: {found} {r2}");
        let mae = pairs().map(|(p, a)| (p - a).abs()).sum::<f64>() / actual.len() as f64;
        assert!((figure(&aam, file, "mae", method) - mae).abs() < 1e-5);
    }
    // The mean of the training samples explains nothing of the held-out samples.
    assert!(figure(&aam, file, "r2", "trivial") <= 0.0);
    assert!(figure(&aam, file, "r2", "random_forest") > 0.0);
    let (low, high) = (
        figure(&aam, file, "r2", "lower"),
        figure(&aam, file, "r2", "upper"),
    );
    let r2 = figure(&aam, file, "r2", "model");
    assert!(low < r2 && r2 < high && high <= 1.0, "{low} {r2} {high}");
}

#[test]
fn the_last_epoch_is_reported_and_not_the_one_chosen_on_held_out_samples() {
    let aam = aam!().with(LARGER_STUDY);
    aam.ok(&format!(
        "{TRAIN} --metadata-column gradient --baseline-trees 0"
    ));
    let metrics = aam.read("run/metrics.tsv");
    let best = cells(&metrics, "best");
    assert_eq!(best.last().map(|(_, best)| *best), Some("0"), "{metrics}");
    let last = aam.last("run", "spearman");
    let reported = figure(&aam, "run/evaluation.tsv", "spearman", "model");
    assert!((reported - last).abs() < 1e-12, "{reported} {last}");
}

#[test]
fn metrics_of_classes_have_a_confusion_matrix() {
    let aam = aam!().with(LARGER_STUDY);
    aam.ok(&format!(
        "{TRAIN} --metadata-column habitat --classifier --baseline-trees 50"
    ));
    let file = "run/evaluation.tsv";
    for name in ["accuracy", "balanced_accuracy", "f1", "auc", "log_loss"] {
        for method in ["model", "random_forest", "trivial", "lower", "upper"] {
            assert!(figure(&aam, file, name, method) >= 0.0);
        }
    }
    assert_eq!(figure(&aam, file, "auc", "trivial"), 0.5);
    // The accuracy of the training majority is its frequency among the held-out samples.
    let train = aam.read("run/samples_train.txt");
    let metadata = aam.read("study/metadata.tsv");
    let habitats = cells(&metadata, "habitat");
    let of = |id: &str| {
        habitats
            .iter()
            .find(|(other, _)| *other == id)
            .expect("a row")
            .1
    };
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    train
        .lines()
        .for_each(|id| *counts.entry(of(id)).or_default() += 1);
    let majority = counts
        .into_iter()
        .max_by_key(|(_, count)| *count)
        .expect("classes")
        .0;
    let held_out = aam.read("run/samples_val.txt");
    let right = held_out.lines().filter(|id| of(id) == majority).count() as f64;
    let share = right / held_out.lines().count() as f64;
    assert!((figure(&aam, file, "accuracy", "trivial") - share).abs() < 1e-12);

    let matrix = aam.read("run/confusion_matrix.tsv");
    let rows: Vec<Vec<u64>> = matrix
        .lines()
        .skip(1)
        .map(|line| {
            line.split('\t')
                .skip(1)
                .map(|cell| cell.parse().expect("a count"))
                .collect()
        })
        .collect();
    let all: u64 = rows.iter().flatten().sum();
    let hits: u64 = (0..rows.len()).map(|class| rows[class][class]).sum();
    assert_eq!(all as usize, held_out.lines().count());
    let accuracy = figure(&aam, file, "accuracy", "model");
    assert!((hits as f64 / all as f64 - accuracy).abs() < 1e-12);
}

#[test]
fn every_metric_chooses_the_best_by_its_direction() {
    let aam = aam!().with(STUDY);
    let numbers = [
        "r2",
        "mae",
        "rmse",
        "pearson",
        "spearman",
        "interval_coverage",
        "interval_width",
    ];
    let classes = ["accuracy", "balanced_accuracy", "f1", "auc", "log_loss"];
    let small = ["mae", "rmse", "log_loss", "interval_width"];
    let of_numbers = numbers.map(|name| (name, "--metadata-column ph --loss quantile"));
    let of_classes = classes.map(|name| (name, "--metadata-column habitat --classifier"));
    for (name, target) in of_numbers.into_iter().chain(of_classes) {
        aam.ok(&format!(
            "{TRAIN} --epochs 6 {target} --best-metric {name} --baseline-trees 0 --overwrite"
        )
        .replace("--epochs 20", ""));
        let values = aam.column("run/metrics.tsv", name);
        let best = aam.column("run/metrics.tsv", "best");
        let sign = if small.contains(&name) { -1.0 } else { 1.0 };
        let last = best
            .iter()
            .rposition(|best| *best == 1.0)
            .expect("a best epoch");
        let known = values.iter().filter(|value| value.is_finite());
        let most = known.fold(f64::NEG_INFINITY, |most, value| most.max(sign * value));
        assert_eq!(sign * values[last], most, "{name}: {values:?} {best:?}");
    }
}

#[test]
fn the_same_seed_grows_the_same_forest_on_any_number_of_threads() {
    let aam = aam!().with(STUDY);
    let command = "rf-baseline --table study/table.biom --metadata study/metadata.tsv --trees 23";
    for target in [
        "--metadata-column ph",
        "--metadata-column habitat --classifier",
    ] {
        for threads in [1, 2] {
            let flags = format!("--threads {threads} --output-dir forest-{threads} --overwrite");
            aam.ok(&format!("{command} {target} {flags}"));
        }
        for file in ["predictions.tsv", "evaluation.tsv"] {
            let of = |threads: usize| aam.read(&format!("forest-{threads}/{file}"));
            assert_eq!(of(1), of(2));
        }
        aam.ok("rf-baseline --config forest-1/config.toml --output-dir again --overwrite");
        assert_eq!(
            aam.read("again/predictions.tsv"),
            aam.read("forest-1/predictions.tsv")
        );
        let lists = "--train-samples forest-1/samples_train.txt \
                     --validation-samples forest-1/samples_val.txt";
        aam.ok(&format!(
            "{command} {target} {lists} --output-dir listed --overwrite"
        ));
        assert_eq!(
            aam.read("listed/predictions.tsv"),
            aam.read("forest-1/predictions.tsv")
        );
    }
    for (flags, word) in [
        ("--trees 0", "--trees"),
        ("--max-features many", "--max-features"),
    ] {
        aam.refuses(
            &format!("{command} --metadata-column ph {flags} --output-dir no").replacen(
                "--trees 23",
                "",
                1,
            ),
        )
        .says(&[word]);
    }
}

/// Metrics of scikit-learn's forests with 500 trees and five folds, from the studies' own READMEs.
/// The folds are drawn differently, so they agree only within the spread of the folds.
#[test]
fn forests_agree_with_scikit_learn_on_real_studies() {
    let Some(data) = data() else { return };
    let aam = aam!();
    for (study, flags, name, expected) in [
        ("sleep-apnea-mice", "--metadata-column age", "r2", 0.658),
        (
            "sleep-apnea-mice",
            "--metadata-column age --group-column mouse_number",
            "r2",
            0.588,
        ),
        (
            "sleep-apnea-mice",
            "--metadata-column exposure_type --classifier",
            "accuracy",
            0.929,
        ),
        (
            "glen-canyon-soil",
            "--metadata-column estimated_elevation",
            "r2",
            0.799,
        ),
        (
            "glen-canyon-soil",
            "--metadata-column Type --classifier",
            "accuracy",
            0.848,
        ),
    ] {
        let folder = data.join(study);
        aam.ok(&format!(
            "rf-baseline --table {0}/table.biom --metadata {0}/metadata.tsv {flags} --folds 5 \
             --trees 200 --min-prevalence 0.03 --output-dir forest --overwrite",
            folder.display()
        ));
        let table = aam.read("forest/folds.tsv");
        let column = cells(&table, name);
        let cell = |row: &str| -> f64 {
            let found = column.iter().find(|(name, _)| *name == row);
            found.expect("the row").1.parse().expect("a number")
        };
        let all = figure(&aam, "forest/evaluation.tsv", name, "random_forest");
        let spread = cell("sd").max(0.02);
        assert!(
            (all - expected).abs() < spread,
            "{study} {flags}: {all}, {expected} ± {spread}"
        );
    }
}

#[test]
fn a_metric_that_a_run_cannot_have_is_refused_before_a_file_is_opened() {
    let aam = aam!();
    let train = "train --test-size 0.2 --members network --table nowhere.biom --metadata nowhere.tsv --output-dir run";
    let numbers = format!("{train} --metadata-column ph");
    let two = format!("{train} --metadata-column ph,age");
    let pretrain = "pretrain --table nowhere.biom --tree nowhere.nwk --output-dir run".to_owned();
    let cases: [(&str, &str, &[&str]); 11] = [
        (
            &numbers,
            "r3",
            &[
                "--best-metric r3: there is no such metric",
                "this run has train_loss, train_target_loss, train_penalty, loss, r2, mae, rmse, \
                 pearson, spearman",
            ],
        ),
        (&numbers, "spaerman", &["did you mean spearman?"]),
        (&numbers, "accuracy", &["no such metric", "loss, r2, mae"]),
        (&numbers, "ph:r2", &["no such metric"]),
        (&numbers, "interval_width", &["no such metric"]),
        (&numbers, "unifrac_r2", &["no such metric"]),
        (&numbers, "learning_rate", &["does not rank epochs"]),
        (&two, "r2", &["no such metric", "loss, ph:r2, ph:mae"]),
        (&two, "age:accuracy", &["no such metric", "age:r2"]),
        (
            &pretrain,
            "r2",
            &[
                "--best-metric r2: there is no such metric",
                "this run has train_loss, train_unifrac_loss, loss, unifrac_r2, unifrac_mae, \
                 unifrac_rmse, unifrac_pearson, nucleotide_loss, nucleotide_accuracy",
            ],
        ),
        (&pretrain, "jaccard_r2", &["no such metric"]),
    ];
    for (job, metric, words) in cases {
        let ran = aam.run(&format!("{job} --best-metric {metric}"));
        ran.ends_with_code(2).says(words);
        assert!(!aam.path("run").exists(), "{job} {metric}");
    }
    // A metric that the run can have is not rejected.
    for (job, metric) in [
        (&numbers, "train_penalty"),
        (&two, "age:mae"),
        (&pretrain, "unifrac_rmse"),
    ] {
        aam.run(&format!("{job} --best-metric {metric}"))
            .ends_with_code(3)
            .says(&["nowhere"]);
    }
    let quantile = format!("{numbers} --loss quantile --best-metric interval_width");
    aam.run(&quantile).ends_with_code(3).says(&["nowhere"]);
}

#[test]
fn errors_of_subgroups_have_intervals_where_there_are_enough_samples() {
    let aam = aam!().with(LARGER_STUDY);
    let train = TRAIN
        .replace("--test-size 0.2", "--folds 3")
        .replace("--epochs 20", "--epochs 2");
    aam.ok(&format!(
        "{train} --metadata-column ph --categorical-columns habitat"
    ));
    let text = aam.read("run/errors_by.tsv");
    let column = |name: &str| -> Vec<&str> {
        let cells = cells(&text, name).into_iter();
        cells.map(|(_, cell)| cell).collect()
    };
    let (by, sizes, q) = (column("by"), column("samples"), column("q"));
    let errors = ["error", "lower", "upper"].map(&column);
    for name in ["fold", "habitat", "reads per sample"] {
        let sizes = by.iter().zip(&sizes).filter(|(by, _)| **by == name);
        let sizes: Vec<usize> = sizes
            .map(|(_, size)| size.parse().expect("a number"))
            .collect();
        assert!(sizes.len() > 1, "{name}: {text}");
        assert_eq!(sizes.iter().sum::<usize>(), 60, "{name}: {text}");
    }
    for (place, size) in sizes.iter().enumerate() {
        let size: usize = size.parse().expect("a number");
        let is_judged = !q[place].is_empty();
        assert_eq!(is_judged, (10..=50).contains(&size), "{text}");
        if is_judged {
            let [error, low, high] =
                [0, 1, 2].map(|at| errors[at][place].parse::<f64>().expect("a number"));
            assert!(low <= error && error <= high, "{text}");
            assert!((0.0..=1.0).contains(&q[place].parse::<f64>().expect("a number")));
        }
    }
    let page = aam.read("run/report.html");
    assert!(page.contains("Intervals are 95 % bootstrap intervals, of groups"));
    // Without the page there is no table either, and an older one is removed.
    aam.ok(&format!(
        "{train} --metadata-column ph --no-report --overwrite"
    ));
    assert!(!aam.path("run/errors_by.tsv").exists());
}

#[test]
fn each_of_several_targets_has_a_verdict_whose_interval_holds_the_difference() {
    let aam = aam!().with(LARGER_STUDY);
    let train = TRAIN
        .replace("--test-size 0.2", "--folds 2")
        .replace("--members network", "--members network,forest")
        .replace("--epochs 20", "--epochs 2");
    let ran = aam.ok(&format!("{train} --metadata-column ph,gradient"));
    for target in ["ph", "gradient"] {
        let start = format!("{target}: R² ");
        let mut lines = ran.stdout.lines();
        let verdict = lines
            .find(|line| line.starts_with(&start))
            .expect("a verdict");
        // As in "better than guessing by 0.757 (0.708 to 0.819)".
        let (_, rest) = verdict.split_once("guessing").expect("a difference");
        let is_of_number = |c: char| c.is_ascii_digit() || c == '.' || c == '-';
        let words = rest.split(|c: char| !is_of_number(c));
        let numbers: Vec<f64> = words.filter_map(|word| word.parse().ok()).collect();
        let [value, low, high] = numbers[..3] else {
            panic!("{verdict}");
        };
        assert!(low <= value && value <= high, "{verdict}");
    }
    // For classes, guessing has an AUC of 1/2, in whatever folds.
    let classes = "--metadata-column habitat --classifier --overwrite";
    aam.ok(&format!("{train} {classes}"));
    assert_eq!(figure(&aam, "run/evaluation.tsv", "auc", "trivial"), 0.5);
    let twice = train.replace("--output-dir run", "--output-dir twice");
    aam.refuses(&format!("{twice} --metadata-column ph,ph"))
        .says(&["--metadata-column", "named twice"]);
}
