//! Scales of targets, a loss per target, and weights of categories, each to a prediction by the
//! saved model; and what is said where they cannot be had.

use std::collections::HashMap;

use aam_tests::{Aam, Ran, aam};

const STUDY: &str = "simulate --samples 40 --asvs 40 --sequence-length 30 --richness 12 \
                     --depth 300 --output-dir study";
const METADATA: &str = "study/metadata.tsv";

fn study() -> Aam {
    let aam = aam!();
    aam.ok(STUDY);
    aam
}

/// The command that trains on `metadata` with `flags`.
fn train(metadata: &str, flags: &str) -> String {
    format!(
        "train --table study/table.biom --metadata {metadata} --max-bp 30 --embedding-dim 16 \
         --epochs 2 --output-dir run {flags}"
    )
}

fn predict(flags: &str) -> String {
    format!(
        "predict --model run/checkpoints/best --table study/table.biom --output p.tsv \
         --samples run/samples_val.txt {flags}"
    )
}

/// Cells of a file by sample and column.
fn cells(aam: &Aam, name: &str) -> HashMap<(String, String), String> {
    let text = aam.read(name);
    let mut lines = text.lines().map(|line| line.split('\t'));
    let header: Vec<&str> = lines.next().expect("a header").collect();
    let of_line = |cells: std::str::Split<'_, char>| {
        let cells: Vec<&str> = cells.collect();
        let named = header.iter().zip(&cells).skip(1);
        let id = cells[0].to_owned();
        let keyed =
            named.map(|(name, cell)| ((id.clone(), (*name).to_owned()), (*cell).to_owned()));
        keyed.collect::<Vec<_>>()
    };
    lines.flat_map(of_line).collect()
}

/// Trains, predicts the validation samples with the saved model, and checks that these are the
/// predictions that the training wrote.
fn trained_and_predicted(aam: &Aam, metadata: &str, flags: &str) -> (Ran, Ran) {
    let trained = aam.ok(&train(metadata, flags));
    let predicted = aam.ok(&predict(&format!("--metadata {metadata}")));
    let (written, again) = (cells(aam, "run/predictions.tsv"), cells(aam, "p.tsv"));
    assert!(again.len() >= 8, "{flags}: {again:?}");
    for (key, cell) in &again {
        let expected = &written[key];
        let close = match (cell.parse::<f64>(), expected.parse::<f64>()) {
            (Ok(a), Ok(b)) => (a - b).abs() <= 1e-4 * (1.0 + b.abs()),
            _ => cell == expected,
        };
        assert!(close, "{flags}: {key:?} is {cell} and was {expected}");
    }
    (trained, predicted)
}

/// Writes the study's metadata with further columns, which `more` gives for each row and the
/// sample's habitat.
fn metadata(aam: &Aam, names: &str, more: impl Fn(usize, &str) -> String) {
    let text = aam.read(METADATA);
    let mut changed = format!("sample-id\tgradient\tph\thabitat\t{names}\n");
    for (row, line) in text.lines().skip(2).enumerate() {
        let habitat = line.rsplit('\t').next().expect("a cell");
        changed.push_str(&format!("{line}\t{}\n", more(row, habitat)));
    }
    aam.write("m.tsv", &changed);
}

/// A quantity of quite another size in each habitat.
fn mass(row: usize, habitat: &str) -> f64 {
    10f64.powi(habitat.len() as i32 % 4) * (10.0 + (row % 7) as f64)
}

#[test]
fn a_scale_in_each_category_is_undone_by_the_saved_model() {
    let aam = study();
    metadata(&aam, "mass\tseason", |row, habitat| {
        let season = ["dry", "wet"][row % 2];
        format!("{}\t{season}", mass(row, habitat))
    });
    let flags = "--metadata-column mass,ph --normalize-by habitat,season";
    let (trained, _) = trained_and_predicted(&aam, "m.tsv", flags);
    trained.says(&[
        "'mass' has a scale in each of ",
        "categories; the smallest, habitat=",
    ]);
    let config = aam.read("run/config.toml");
    assert!(
        config.contains("target-transform = \"zscore-category\""),
        "{config}"
    );
    // Two epochs teach next to nothing: it is the scale that tells large from small.
    let masses = |what: &str| -> HashMap<String, f64> {
        let all = cells(&aam, "run/predictions.tsv").into_iter();
        let of = all.filter(|((_, column), _)| *column == format!("{what} mass"));
        of.map(|((id, _), cell)| (id, cell.parse().expect("a number")))
            .collect()
    };
    let (predicted, actual) = (masses("prediction"), masses("actual"));
    let mut pairs = 0;
    for (large, y) in &actual {
        for (small, _) in actual.iter().filter(|(_, other)| **other * 5.0 < *y) {
            pairs += 1;
            assert!(predicted[large] > predicted[small], "{large} and {small}");
        }
    }
    assert!(pairs > 0, "{actual:?}");
    aam.refuses(&predict("--overwrite")).says(&[
        "--metadata is missing: 'mass' was learnt on a scale for each category of 'habitat' and \
         'season'",
    ]);
    aam.run(&predict(&format!("--overwrite --metadata {METADATA}")))
        .ends_with_code(3)
        .says(&["study/metadata.tsv: has no column `season`"]);
}

#[test]
fn unseen_and_missing_categories_are_named_once() {
    let aam = study();
    metadata(&aam, "mass\tsite", |row, habitat| {
        let site = match row {
            3 => "",
            _ => habitat,
        };
        format!("{}\t{site}", mass(row, habitat))
    });
    aam.ok(&train(
        "m.tsv",
        "--metadata-column mass --normalize-targets-by site",
    ))
    .says(&[
        "warning: these categories have no statistics of their own",
        "no site",
    ]);
    let text = aam.read("m.tsv");
    let elsewhere = text.lines().enumerate().map(|(row, line)| match row {
        0 => format!("{line}\n"),
        _ => format!(
            "{}\tmoon{}\n",
            line.rsplit_once('\t').expect("a cell").0,
            row % 2
        ),
    });
    aam.write("moon.tsv", &elsewhere.collect::<String>());
    let told = aam.ok(&predict("--metadata moon.tsv")).stderr;
    let warnings: Vec<&str> = told.lines().filter(|l| l.starts_with("warning:")).collect();
    assert_eq!(warnings.len(), 1, "{told}");
    assert!(warnings[0].ends_with("site=moon0, site=moon1"), "{told}");
}

#[test]
fn ranks_become_normal_quantiles_and_numbers_again() {
    let aam = study();
    metadata(&aam, "skewed", |row, _| {
        format!("{}", 1.5f64.powi(row as i32))
    });
    let flags = "--metadata-column skewed --target-transform quantile-normal --loss quantile";
    trained_and_predicted(&aam, "m.tsv", flags);
    let predictions = cells(&aam, "p.tsv");
    for ((id, column), cell) in &predictions {
        if column == "lower" {
            let upper = &predictions[&(id.clone(), "upper".to_owned())];
            let (low, high): (f64, f64) =
                (cell.parse().expect("low"), upper.parse().expect("high"));
            assert!(low <= high, "{id}: {low} to {high}");
        }
    }
}

#[test]
fn transforms_that_do_not_fit_are_refused() {
    let aam = study();
    metadata(&aam, "low", |row, _| format!("{}", row as f64 - 3.0));
    let log = "--metadata-column low --target-transform log-zscore";
    aam.run(&train("m.tsv", log)).ends_with_code(3).says(&[
        "m.tsv: column 'low': sample S001 has -3 (2 more are as low), and ln(y + 1)",
        "zscore or quantile-normal",
    ]);
    aam.refuses(&train(
        "m.tsv",
        "--metadata-column ph --target-transform zscore-category",
    ))
    .says(&["needs --normalize-by"]);
    let log = "--metadata-column ph --log-transform-targets --normalize-targets-by habitat";
    aam.refuses(&train("m.tsv", log))
        .says(&["log-minmax, is of the whole target"]);
    aam.run(&train(
        "m.tsv",
        "--metadata-column ph --normalize-by habitt",
    ))
    .ends_with_code(3)
    .says(&["m.tsv: has no column `habitt`", "did you mean `habitat`?"]);
    assert!(!aam.path("run").exists());
}
