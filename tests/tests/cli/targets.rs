//! Target transforms, a loss per target, and category weights, each up to a prediction by the saved
//! model; and the errors where they do not apply.

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

/// The training command for `metadata` with `flags`.
fn train(metadata: &str, flags: &str) -> String {
    format!(
        "train --test-size 0.2 --members network --table study/table.biom --metadata {metadata} --max-bp 30 --embedding-dim 16 \
         --epochs 2 --output-dir run {flags}"
    )
}

fn predict(flags: &str) -> String {
    format!(
        "predict --model run/checkpoints/last --table study/table.biom --output p.tsv \
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

/// Trains, predicts the validation samples with the saved model, and checks that these predictions
/// equal those written by the training.
fn trained_and_predicted(aam: &Aam, metadata: &str, flags: &str) -> (Ran, Ran) {
    let trained = aam.ok(&train(metadata, flags));
    let predicted = aam.ok(&predict(&format!("--overwrite --metadata {metadata}")));
    let (written, again) = (cells(aam, "run/predictions.tsv"), cells(aam, "p.tsv"));
    assert!(again.len() >= 8, "{flags}: {again:?}");
    // Columns that only predictions of new samples have.
    let of_new = ["unseen_reads", "distance", "unlike"];
    let in_both = again
        .iter()
        .filter(|((_, name), _)| !of_new.contains(&&**name));
    for (key, cell) in in_both {
        let expected = &written[key];
        let close = match (cell.parse::<f64>(), expected.parse::<f64>()) {
            (Ok(a), Ok(b)) => (a - b).abs() <= 1e-4 * (1.0 + b.abs()),
            _ => cell == expected,
        };
        assert!(close, "{flags}: {key:?} is {cell} and was {expected}");
    }
    (trained, predicted)
}

/// Writes the study's metadata with additional columns, which `more` gives for each row and the
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

/// A quantity whose magnitude differs between habitats.
fn mass(row: usize, habitat: &str) -> f64 {
    10f64.powi(habitat.len() as i32 % 4) * (10.0 + (row % 7) as f64)
}

#[test]
fn a_scale_in_each_category_is_inverted_by_the_saved_model() {
    let aam = study();
    metadata(&aam, "mass\tseason", |row, habitat| {
        let season = ["dry", "wet"][row % 2];
        format!("{}\t{season}", mass(row, habitat))
    });
    let flags =
        "--metadata-column mass,ph --normalize-by habitat,season --lr 0.0001 --loss gaussian-nll";
    let (trained, _) = trained_and_predicted(&aam, "m.tsv", flags);
    trained.says(&[
        "'mass' has a separate scale in each of ",
        "categories; the smallest is habitat=",
    ]);
    let config = aam.read("run/config.toml");
    assert!(
        config.contains("[target-transform]\nname = \"zscore-category\""),
        "{config}"
    );
    // Two epochs train next to nothing, so it is the scale that separates large from small.
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
        "--metadata is missing: 'mass' was scaled separately for each category of 'habitat' and \
         'season'",
    ]);
    aam.run(&predict(&format!("--overwrite --metadata {METADATA}")))
        .ends_with_code(3)
        .says(&["study/metadata.tsv: has no column 'season'"]);
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
        "m.tsv: column 'low': sample S001 has -3 (2 more are invalid, too), which --target-transform \
         log-zscore cannot take: ln(y + 1) exists only above -1",
        "choose another transform",
    ]);
    aam.refuses(&train(
        "m.tsv",
        "--metadata-column ph --target-transform zscore-category",
    ))
    .says(&["needs --normalize-by"]);
    let log = "--metadata-column ph --log-transform-targets --normalize-targets-by habitat";
    aam.refuses(&train("m.tsv", log))
        .says(&["log-minmax, applies to the whole target"]);
    aam.run(&train(
        "m.tsv",
        "--metadata-column ph --normalize-by habitt",
    ))
    .ends_with_code(3)
    .says(&["m.tsv: has no column 'habitt'", "did you mean 'habitat'?"]);
    assert!(!aam.path("run").exists());
}

#[test]
fn each_target_has_its_own_loss() {
    let aam = study();
    aam.write(
        "losses.toml",
        "ph = { name = \"quantile\", levels = [0.1, 0.5, 0.9] }\ngradient = \"mae\"\n",
    );
    let targets = "--metadata-column ph,gradient,size";
    metadata(&aam, "size", |row, habitat| {
        format!("{}", mass(row, habitat))
    });
    trained_and_predicted(
        &aam,
        "m.tsv",
        &format!("{targets} --loss-config losses.toml"),
    );
    let header = aam.read("p.tsv");
    let header = header.lines().next().expect("a header");
    assert_eq!(
        header,
        "sample-id\tprediction ph\tlower ph\tupper ph\tprediction gradient\tprediction size\t\
         unseen_reads\tdistance\tunlike"
    );
    let manifest = aam.read("run/checkpoints/best/manifest.json");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let losses = manifest["predictor"]["targets"]
        .as_array()
        .expect("targets");
    let losses: Vec<&str> = losses
        .iter()
        .filter_map(|t| t["loss"]["name"].as_str())
        .collect();
    assert_eq!(losses, ["quantile", "mae", "huber"]);
    // The recorded settings contain the losses themselves, and need no file.
    std::fs::remove_file(aam.path("losses.toml")).expect("the file");
    aam.ok("train --config run/config.toml --output-dir again");
    assert_eq!(
        aam.read("again/predictions.tsv"),
        aam.read("run/predictions.tsv")
    );
    // The same as JSON, with one of the targets given by its number.
    let json = r#"{"0":{"name":"quantile","levels":[0.1,0.5,0.9]},"gradient":"mae"}"#;
    let overwrite = train(
        "m.tsv",
        &format!("{targets} --overwrite --loss-config {json} --categorical-loss-weights none"),
    );
    aam.ok(&overwrite);
    assert_eq!(aam.read("again/metrics.tsv"), aam.read("run/metrics.tsv"));
}

#[test]
fn losses_of_every_kind_can_be_combined_and_weighted() {
    let aam = study();
    metadata(&aam, "size\tmass", |row, habitat| {
        let mass = mass(row, habitat);
        format!("{}\t{mass}", mass.ln())
    });
    let losses = r#"{"ph":{"name":"asymmetric","over-penalty":3},"gradient":"gaussian-nll","size":"quantile"}"#;
    let flags = format!(
        "--metadata-column ph,gradient,size,mass --loss-config {losses} --loss mse \
         --target-transform quantile-normal --categorical-loss-weights effective \
         --categorical-loss-weight-column habitat --categorical-loss-weight-beta 0.9"
    );
    trained_and_predicted(&aam, "m.tsv", &flags);
    let predictions = cells(&aam, "p.tsv");
    let intervals = ["gradient", "size"].map(|target| format!("lower {target}"));
    for ((id, column), cell) in &predictions {
        if intervals.contains(column) {
            let upper = &predictions[&(id.clone(), column.replace("lower", "upper"))];
            let (low, high): (f64, f64) =
                (cell.parse().expect("low"), upper.parse().expect("high"));
            assert!(low <= high, "{id}, {column}: {low} to {high}");
        }
    }
    let columns = predictions
        .keys()
        .filter(|(_, column)| intervals.contains(column));
    assert_eq!(columns.count(), 16, "{predictions:?}");
}

#[test]
fn impossible_losses_are_refused() {
    let aam = study();
    let refuses = |config: &str, words: &[&str]| {
        let flags = format!("--metadata-column ph,gradient --loss-config {config}");
        aam.refuses(&train(METADATA, &flags)).says(words);
    };
    refuses(
        r#"{"pH":"mae"}"#,
        &["--loss-config: the run has no target 'pH' (did you mean 'ph'?); targets: ph, gradient"],
    );
    refuses(r#"{"2":"mae"}"#, &["the run has no target '2'"]);
    refuses(
        r#"{"ph":"hubber"}"#,
        &["--loss-config: target 'ph': unknown loss 'hubber' (did you mean 'huber'?)"],
    );
    refuses(
        r#"{"ph":{"name":"huber","dleta":2}}"#,
        &["target 'ph': loss 'huber' has no option 'dleta' (did you mean 'delta'?)"],
    );
    refuses(
        r#"{"ph":{"name":"quantile","levels":[0.9,0.1]}}"#,
        &["target 'ph': loss 'quantile', option 'levels': expected numbers above 0"],
    );
    refuses(
        r#"{"ph":"cross-entropy"}"#,
        &["target 'ph': loss 'cross-entropy' needs a categorical target"],
    );
    refuses(
        r#"{"ph":"mae","0":"mse"}"#,
        &["the target 'ph' has two losses"],
    );
    refuses(
        r#"{"ph":{"delta":2}}"#,
        &["expected the name of the loss as 'name'"],
    );
    refuses(
        "mae",
        &["expected a JSON object or the path of a .json or .toml file, found 'mae'"],
    );
    aam.run(&train(
        METADATA,
        "--metadata-column ph --loss-config losses.json",
    ))
    .ends_with_code(3)
    .says(&["losses.json: cannot be read"]);
    assert!(!aam.path("run").exists());
}

#[test]
fn categories_have_the_requested_weights() {
    let aam = study();
    let numbers =
        "--metadata-column ph --categorical-columns habitat --loss-config {\"ph\":\"mse\"}";
    let flags = format!("{numbers} --categorical-loss-weights auto");
    let (trained, _) = trained_and_predicted(&aam, METADATA, &flags);
    trained.says(&[
        "weights in the training loss by habitat, 1 on average:",
        "  habitat=gut (",
    ]);
    let weighted = aam.read("run/metrics.tsv");
    let config = aam.read("run/config.toml");
    assert!(
        config.contains("categorical-loss-weights = \"auto\""),
        "{config}"
    );
    assert!(
        config.contains("categorical-loss-weight-column = [\"habitat\"]"),
        "{config}"
    );

    // Equal weights for all have no effect.
    aam.ok(&train(METADATA, &format!("{numbers} --overwrite")));
    let plain = aam.read("run/metrics.tsv");
    assert_ne!(plain, weighted);
    aam.write(
        "weights.json",
        r#"{"gut": 2, "soil": 2, "habitat=water": 2}"#,
    );
    let same = format!("{numbers} --overwrite --categorical-loss-weights weights.json");
    aam.ok(&train(METADATA, &same));
    assert_eq!(aam.read("run/metrics.tsv"), plain);

    aam.write("weights.json", r#"{"gut": 0.1, "habitat=water": 2}"#);
    let flags = format!("{numbers} --overwrite --categorical-loss-weights weights.json");
    trained_and_predicted(&aam, METADATA, &flags);
    assert_ne!(aam.read("run/metrics.tsv"), plain);
    let config = aam.read("run/config.toml");
    assert!(config.contains("[categorical-loss-weights]"), "{config}");
    assert!(config.contains("gut = 0.1"), "{config}");

    let classes = "--overwrite --metadata-column habitat --classifier --categorical-loss-weights \
                   effective --categorical-loss-weight-column habitat";
    trained_and_predicted(&aam, METADATA, classes);

    let guts = "--overwrite --metadata-column ph --categorical-loss-weight-column habitat \
                --categorical-loss-weights {\"guts\":2}";
    aam.refuses(&train(METADATA, guts)).says(&[
        "--categorical-loss-weights: no sample of study/metadata.tsv has the category 'guts' \
         (did you mean 'gut'?); categories: habitat=gut,",
    ]);
    aam.refuses(&train(METADATA, &guts.replace("guts\":2", "gut\":0")))
        .says(&["'gut': expected a number above 0 (and at most 10⁹), found 0"]);
}
