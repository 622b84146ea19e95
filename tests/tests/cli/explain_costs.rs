//! `aam explain`: what shuffling costs, on samples that the models of folds did not see.

use aam_tests::{Aam, STUDY, aam, cells};

use super::explain::{CLEAR_STUDY, EXPLAIN, TRAIN, shuffle_values};

/// The costs of the groups of a kind in a file.
fn costs(aam: &Aam, file: &str, kind: &str) -> Vec<f64> {
    let text = aam.read(file);
    let name = text.split('\t').find(|name| name.ends_with(" worse by"));
    let all = cells(&text, name.expect("costs")).into_iter();
    let kinds = cells(&text, "kind");
    all.zip(kinds)
        .filter(|(_, (_, own))| *own == kind)
        .map(|((_, cost), _)| cost.parse().expect("a number"))
        .collect()
}

/// The metric of a run, of the combination of all members.
fn metric(aam: &Aam, run: &str, name: &str) -> f64 {
    let text = aam.read(&format!("{run}/evaluation.tsv"));
    let values = cells(&text, "model").into_iter();
    let mut values = values.filter(|(metric, _)| *metric == name);
    let (_, value) = values.next().expect("the metric");
    value.parse().expect("a number")
}

fn only(aam: &Aam, file: &str, column: &str) -> String {
    let text = aam.read(file);
    let mut all: Vec<&str> = cells(&text, column).iter().map(|cell| cell.1).collect();
    all.dedup();
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].to_owned()
}

#[test]
fn costs_are_on_held_out_samples_and_those_of_chance_are_around_zero() {
    let aam = aam!().with(CLEAR_STUDY);
    aam.ok(&format!(
        "{TRAIN} --members forest,kernel --metadata-column gradient --output-dir run"
    ));
    let explain = format!("{EXPLAIN} --evaluations 48000 --repeats 3 --overwrite");
    aam.ok(&format!(
        "{explain} --model run --metadata study/metadata.tsv --tree study/tree.nwk --output-dir e"
    ))
    .says(&["costs of shuffling are on held-out samples, each predicted by the one of 5 models that did not see it"]);
    // Unshuffled, the metric is that of the out-of-fold predictions of the run.
    let whole: f64 = only(&aam, "e/shuffled.tsv", "r2")
        .parse()
        .expect("a number");
    let of_run = metric(&aam, "run", "r2");
    assert!((whole - of_run).abs() < 1e-3, "{whole} {of_run}");
    for (column, value) in [("held out", "yes"), ("samples", "120")] {
        assert_eq!(only(&aam, "e/shuffled.tsv", column), value);
    }
    let page = aam.read("e/explain.html");
    assert!(page.contains("Held-out samples."));
    // The largest error is that of the out-of-fold predictions, not one of training samples.
    let predictions = aam.read("run/predictions.tsv");
    let number = |cell: &str| cell.parse::<f64>().expect("a number");
    let errors = cells(&predictions, "prediction")
        .into_iter()
        .zip(cells(&predictions, "actual"))
        .map(|((id, predicted), (_, actual))| (number(predicted) - number(actual), id));
    let worst = errors.max_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
    let (_, worst) = worst.expect("a sample");
    let (_, section) = page
        .split_once("What drove the largest errors")
        .expect("the largest errors");
    let first = section.split_once("<tbody>").expect("a table").1;
    let first = first.split_once("</tr>").expect("a row").0;
    assert!(first.contains(worst), "{worst}: {first}");
    let (asvs, clades) = (
        costs(&aam, "e/shuffled.tsv", "ASV"),
        costs(&aam, "e/shuffled.tsv", "clade"),
    );
    assert!(asvs.len() == 20 && clades.len() > 2, "{asvs:?} {clades:?}");
    let text = aam.read("e/shuffled.tsv");
    let stable = |text: &str| {
        cells(text, "stable")
            .iter()
            .filter(|of| of.1 == "yes")
            .count()
    };
    assert!(stable(&text) >= 3, "{text}");
    let spread = aam.column("e/shuffled.tsv", "sd over folds");
    assert!(spread.iter().all(|sd| *sd > 0.0), "{spread:?}");
    let exchanged = aam.read("e/inputs.tsv");
    assert!(
        cells(&exchanged, "held out")
            .iter()
            .all(|cell| cell.1 == "yes")
    );

    // A model of shuffled values gains nothing from any ASV, which only held-out samples show.
    shuffle_values(&aam, "study/metadata.tsv", "chance.tsv");
    let train = TRAIN.replace("study/metadata.tsv", "chance.tsv");
    aam.ok(&format!(
        "{train} --members forest,kernel --metadata-column gradient --output-dir chance"
    ));
    let explain = format!("{explain} --model chance --metadata chance.tsv --output-dir c");
    aam.ok(&explain);
    let held_out: f64 = costs(&aam, "c/shuffled.tsv", "ASV").iter().sum();
    let chance = aam.read("c/shuffled.tsv");
    assert!(stable(&chance) <= 2, "{chance}");
    for fold in 1..=5 {
        std::fs::remove_dir_all(aam.path(&format!("chance/checkpoints/fold-{fold}"))).unwrap();
    }
    aam.ok(&explain)
        .says(&["fewer than 10 samples can be predicted by a model that did not see them"]);
    assert_eq!(only(&aam, "c/shuffled.tsv", "held out"), "no");
    let trained_on: f64 = costs(&aam, "c/shuffled.tsv", "ASV").iter().sum();
    let real: f64 = asvs.iter().sum();
    assert!(
        held_out.abs() < 0.1 * real.min(trained_on),
        "{held_out} {trained_on} {real}"
    );
}

#[test]
fn models_of_folds_predict_what_the_run_reports_and_are_replaced_with_it() {
    let aam = aam!().with(STUDY);
    for target in ["ph", "habitat --classifier"] {
        aam.ok(&format!(
            "{TRAIN} --metadata-column {target} --folds 3 --output-dir run --overwrite"
        ));
        let reported = aam.read("run/predictions.tsv");
        let header = reported.lines().next().expect("a header");
        let starts = ["upper", "probability "];
        let is_shown = |name: &&str| starts.iter().any(|start| name.starts_with(start));
        let name = header
            .split('\t')
            .find(is_shown)
            .expect("intervals or probabilities");
        let folds = cells(&reported, "fold");
        let reported = cells(&reported, name);
        for fold in ["1", "2", "3"] {
            aam.ok(&format!(
                "predict --model run/checkpoints/fold-{fold} --table study/table.biom --output p.tsv --overwrite"
            ));
            let predicted = aam.read("p.tsv");
            let predicted: std::collections::HashMap<&str, &str> =
                cells(&predicted, name).into_iter().collect();
            let own = reported.iter().zip(&folds);
            let own: Vec<_> = own.filter(|(_, of)| of.1 == fold).collect();
            assert!(own.len() > 2);
            for ((sample, value), _) in own {
                let numbers =
                    [value, predicted[sample]].map(|cell| cell.parse::<f64>().expect("a number"));
                assert!(
                    (numbers[0] - numbers[1]).abs() < 1e-3,
                    "{sample} {numbers:?}"
                );
            }
        }
        assert!(!aam.path("run/checkpoints/fold-4").exists());
    }
    aam.ok(&format!(
        "{TRAIN} --metadata-column ph --folds 2 --members forest --output-dir run --overwrite"
    ));
    assert!(aam.path("run/checkpoints/fold-2").is_dir());
    assert!(!aam.path("run/checkpoints/fold-3").exists());
}

#[test]
fn the_held_out_samples_of_a_single_split_are_predicted_by_its_last_epoch() {
    let aam = aam!().with(STUDY);
    aam.ok(&format!(
        "{TRAIN} --metadata-column ph --test-size 0.5 --output-dir run"
    ));
    let explain = format!(
        "{EXPLAIN} --metadata study/metadata.tsv --evaluations 8000 --repeats 2 --overwrite"
    );
    aam.ok(&format!("{explain} --model run --output-dir e"))
        .says(&[
            "each predicted by a model that did not see it",
            "are not shuffled",
        ]);
    let held_out = aam.read("run/samples_val.txt").lines().count();
    assert_eq!(
        only(&aam, "e/shuffled.tsv", "samples"),
        held_out.to_string()
    );
    let whole: f64 = only(&aam, "e/shuffled.tsv", "r2")
        .parse()
        .expect("a number");
    let of_run = metric(&aam, "run", "r2");
    assert!((whole - of_run).abs() < 1e-3, "{whole} {of_run}");
}
