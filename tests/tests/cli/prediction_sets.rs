//! Prediction sets of classes and intervals of numbers, at several levels and by group.

use aam_tests::{Aam, LARGER_STUDY, aam, cells};

const TRAIN: &str = "train --table study/table.biom --metadata subjects.tsv --max-bp 30 \
                     --embedding-dim 16 --epochs 2 --members network,linear,forest \
                     --group-column subject --interval 0.7,0.95 --output-dir run";

/// A study in which every five samples are from one subject.
fn study() -> Aam {
    let aam = aam!().with(LARGER_STUDY);
    let text = aam.read("study/metadata.tsv");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let with_subjects = lines.enumerate().map(|(row, line)| match row {
        0 => format!("{line}\tsubject\n"),
        _ => format!("{line}\tmouse {}\n", row % 12),
    });
    aam.write("subjects.tsv", &with_subjects.collect::<String>());
    aam
}

/// The cells of a column, in line order.
fn column(aam: &Aam, file: &str, name: &str) -> Vec<String> {
    let text = aam.read(file);
    let cells = cells(&text, name).into_iter();
    cells.map(|(_, cell)| cell.to_owned()).collect()
}

/// The prediction sets of a column.
fn sets(aam: &Aam, file: &str, name: &str) -> Vec<Vec<String>> {
    let names = |set: &String| set.split('|').map(str::to_owned).collect();
    column(aam, file, name).iter().map(names).collect()
}

/// A metric of the model in `run/evaluation.tsv`.
fn metric(aam: &Aam, name: &str) -> f64 {
    let text = aam.read("run/evaluation.tsv");
    let all = cells(&text, "model");
    let found = all.iter().find(|(metric, _)| *metric == name);
    found.and_then(|(_, value)| value.parse().ok()).unwrap()
}

fn assert_close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6, "{found}, {expected}");
}

#[test]
fn classes_have_sets_that_contain_the_true_one() {
    let aam = study();
    aam.ok(&format!("{TRAIN} --metadata-column habitat --classifier"));
    let file = "run/predictions.tsv";
    let actual = column(&aam, file, "actual");
    let predicted = column(&aam, file, "prediction");
    let [narrow, wide] =
        ["prediction_set", "prediction_set_0.95"].map(|name| sets(&aam, file, name));
    for (sample, set) in narrow.iter().enumerate() {
        assert_eq!(set[0], predicted[sample], "the most probable class first");
        assert!(set.iter().all(|class| wide[sample].contains(class)));
    }
    let samples = actual.len() as f64;
    let held = |sets: &[Vec<String>]| {
        let held = sets
            .iter()
            .zip(&actual)
            .filter(|(set, is)| set.contains(is));
        held.count() as f64 / samples
    };
    assert_close(metric(&aam, "set_coverage"), held(&narrow));
    let sizes: usize = narrow.iter().map(Vec::len).sum();
    assert_close(metric(&aam, "set_size"), sizes as f64 / samples);
    // 60 samples from 12 subjects.
    assert!(held(&narrow) > 0.5 && held(&wide) > 0.8);

    let coverage = aam.read("run/coverage.tsv");
    let of_all = coverage.lines().filter(|line| line.contains("\t\t"));
    let shares: Vec<f64> = of_all
        .map(|line| line.split('\t').nth(5).unwrap().parse().unwrap())
        .collect();
    assert_eq!(shares.len(), 2, "{coverage}");
    assert_close(shares[0], held(&narrow));
    assert_close(shares[1], held(&wide));
    assert_eq!(coverage.lines().count(), 1 + 2 * 13);

    let page = aam.read("run/report.html");
    for words in [
        "Expected calibration error",
        "70 % prediction sets",
        "mouse 11",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let error = metric(&aam, "calibration_error");
    assert!((0.0..0.5).contains(&error), "{error}");

    // A model of all samples, calibrated on those that were held out.
    let predict = "predict --model run/checkpoints/best --table study/table.biom --output";
    aam.ok(&format!("{predict} p.tsv"));
    assert_eq!(sets(&aam, "p.tsv", "prediction_set_0.95").len(), 60);
    aam.ok(&format!("{predict} q.tsv --interval 0.3"));
    let size = |file: &str| -> usize {
        let sets = sets(&aam, file, "prediction_set");
        sets.iter().map(Vec::len).sum()
    };
    assert!(size("q.tsv") <= size("p.tsv"));
    assert!(!aam.read("q.tsv").contains("prediction_set_0.95"));
}

#[test]
fn numbers_have_an_interval_for_each_level() {
    let aam = study();
    aam.ok(&format!("{TRAIN} --metadata-column gradient"));
    let ends = |name: &str| aam.column("run/predictions.tsv", name);
    let (actual, low, high) = (ends("actual"), ends("lower"), ends("upper"));
    let (lower, higher) = (ends("lower_0.95"), ends("upper_0.95"));
    for sample in 0..actual.len() {
        assert!(lower[sample] <= low[sample] && high[sample] <= higher[sample]);
    }
    let inside = (0..actual.len()).filter(|&s| low[s] <= actual[s] && actual[s] <= high[s]);
    let share = inside.count() as f64 / actual.len() as f64;
    assert_close(metric(&aam, "interval_coverage"), share);
    let page = aam.read("run/report.html");
    assert!(page.contains("95 % intervals") && page.contains("mouse 11"));
    let coverage = aam.read("run/coverage.tsv");
    let first = coverage.lines().nth(1).unwrap_or_default();
    assert!(first.starts_with("gradient\t0.7\t\t60\t"), "{coverage}");
}

#[test]
fn levels_are_probabilities() {
    let aam = study();
    let with = |levels: &str| {
        let train = TRAIN.replace("0.7,0.95", levels);
        format!("{train} --metadata-column gradient")
    };
    for levels in ["0.8,1", "0", "80", "x"] {
        let refused = aam.refuses(&with(levels));
        refused.says(&["--interval: expected a list of numbers between 0 and 1"]);
    }
    aam.refuses(&with(","))
        .says(&["--interval", "at least one"]);
    // As in files of older versions.
    aam.write("one.toml", "command = \"train\"\ninterval = 0.6\n");
    let config = with("0.9").replace("--interval 0.9", "--config one.toml --print-config");
    aam.ok(&config).prints(&["interval = [0.6]"]);
}
