//! Categorical columns and bounded outputs, through the program.

use aam_tests::{Aam, STUDY, aam};

const TRAIN: &str = "train --test-size 0.2 --members network --table study/table.biom --epochs 4 --max-bp 30 --embedding-dim 16 \
                     --overwrite --output-dir run";
const PREDICT: &str = "predict --model run/checkpoints/last --table study/table.biom --overwrite";

/// A study whose metadata also contain a `city` in a `state` in a `country` for each sample.
fn study() -> Aam {
    let aam = aam!().with(STUDY);
    aam.write(
        "metadata.tsv",
        &with_places(&aam, |city| format!("city{city}")),
    );
    aam
}

/// The metadata with six cities, named by `name`, in three states of two countries.
fn with_places(aam: &Aam, name: impl Fn(usize) -> String) -> String {
    let metadata = aam.read("study/metadata.tsv");
    let mut sample = 0;
    let lines = metadata.lines().map(|line| {
        if line.starts_with("sample-id") {
            return format!("{line}\tcity\tstate\tcountry");
        }
        if line.starts_with('#') {
            return format!("{line}\tcategorical\tcategorical\tcategorical");
        }
        let city = sample % 6;
        sample += 1;
        let (state, country) = (city / 2, city / 4);
        format!("{line}\t{}\tstate{state}\tcountry{country}", name(city))
    });
    lines.map(|line| line + "\n").collect()
}

const HIERARCHY: &str = "--metadata-column ph --metadata metadata.tsv --categorical-columns city,state,country \
                         --categorical-hierarchy city=state,state=country";

#[test]
fn a_new_city_is_its_state() {
    let aam = study();
    aam.ok(&format!("{TRAIN} {HIERARCHY} --categorical-embed-dim 4"));
    for (file, city) in [("new", "Atlantis"), ("other", "Avalon"), ("missing", "")] {
        let metadata = with_places(&aam, |_| city.to_owned());
        aam.write(&format!("{file}.tsv"), &metadata);
    }
    let predict = |metadata: &str| {
        aam.ok(&format!(
            "{PREDICT} --metadata {metadata}.tsv --output {metadata}-predictions.tsv"
        ))
    };
    predict("metadata");
    let told = predict("new").says(&["warning", "treated as unknown: city: Atlantis"]);
    assert_eq!(
        told.stderr.matches("Atlantis").count(),
        1,
        "{}",
        told.stderr
    );
    predict("other");
    predict("missing");
    let of = |metadata: &str| aam.column(&format!("{metadata}-predictions.tsv"), "prediction");
    assert_eq!(of("new"), of("other"));
    assert_eq!(of("new"), of("missing"));
    assert_ne!(of("new"), of("metadata"));
    // If the cities are known, their states follow from training.
    let metadata = with_places(&aam, |city| format!("city{city}"));
    let without = (0..3).fold(metadata, |text, state| {
        text.replace(&format!("\tstate{state}\t"), "\t\t")
    });
    aam.write("stateless.tsv", &without);
    predict("stateless");
    assert_eq!(of("stateless"), of("metadata"));
}

#[test]
fn rare_levels_are_pooled_and_widths_differ() {
    let aam = study();
    let metadata = with_places(&aam, |city| format!("city{city}"));
    // A single sample of its own kind.
    aam.write(
        "metadata.tsv",
        &metadata.replacen("\tcity0\t", "\tvillage\t", 1),
    );
    let train = TRAIN.replace("--test-size 0.2", "--test-size 0.1");
    aam.ok(&format!(
        "{train} --metadata-column ph --metadata metadata.tsv --categorical-columns city,habitat --min-category-count 3 \
         --categorical-embed-dims habitat=3 --categorical-dropout 0.2 --seed 1"
    ));
    let manifest = aam.read("run/checkpoints/last/manifest.json");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let columns = &manifest["predictor"]["categories"]["columns"];
    assert_eq!(columns[0]["column"], "city");
    assert_eq!(
        (&columns[0]["width"], &columns[1]["width"]),
        (&16.into(), &3.into())
    );
    assert_eq!(columns[0]["pooled"], serde_json::json!(["village"]));
    aam.ok(&format!("{PREDICT} --metadata metadata.tsv --output p.tsv"));
}

#[test]
fn a_pretrained_encoder_without_categories_takes_them() {
    let aam = study();
    aam.ok(
        "pretrain --table study/table.biom --tree study/tree.nwk --epochs 1 --nucleotide-steps 2 \
         --embedding-dim 16 --max-bp 30 --output-dir pretrained",
    );
    let pretrained = "--pretrained-encoder pretrained/checkpoints/best";
    aam.ok(&format!("{TRAIN} {HIERARCHY} {pretrained}"));
    aam.ok(&format!("{PREDICT} --metadata metadata.tsv --output p.tsv"));
    assert_eq!(aam.column("p.tsv", "prediction").len(), 24);
}

#[test]
fn invalid_hierarchies() {
    let aam = study();
    let refused = |flags: &str, words: &[&str]| {
        let run = aam.run(&format!(
            "{TRAIN} --metadata-column ph --metadata metadata.tsv {flags}"
        ));
        assert!(matches!(run.code, Some(2 | 3)), "{flags}: {run:?}");
        run.says(words);
    };
    let columns = "--categorical-columns city,state,country --categorical-hierarchy";
    refused(
        &format!("{columns} city=state,state=city"),
        &["city → state → city is a cycle"],
    );
    refused(
        &format!("{columns} city=state,city=country"),
        &["'city' has two parents, 'state' and 'country'"],
    );
    refused(&format!("{columns} city=stat"), &["did you mean 'state'?"]);
    refused(
        "--categorical-columns city --categorical-hierarchy city=state",
        &["expected a column of --categorical-columns (city), found 'state'"],
    );
    refused(
        &format!("{columns} city=state --categorical-embed-dims city=3"),
        &["widths must be equal, found 3 and 16"],
    );
    refused(
        &format!("{columns} state=city"),
        &[
            "metadata.tsv: 'state0' of the column 'state' has two parents in 'city'",
            "'city0' (sample",
        ],
    );
    refused(
        "--categorical-columns city --categorical-embed-dims city=0",
        &["a width of at least 1"],
    );
    refused(
        "--categorical-columns city --categorical-dropout 1",
        &["categorical-dropout"],
    );
}

#[test]
fn outputs_are_scaled_and_bounded() {
    let aam = study();
    let train = |flags: &str| {
        aam.ok(&format!(
            "{TRAIN} --metadata-column ph --metadata metadata.tsv {flags}"
        ));
        aam.ok(&format!("{PREDICT} --metadata metadata.tsv --output p.tsv"));
        aam.column("p.tsv", "prediction")
    };
    let habitats = "--categorical-columns habitat --conditional-output-scaling habitat";
    let scaled = train(&format!(
        "{habitats} --learnable-output-scale --target-layer-norm"
    ));
    assert_ne!(scaled, train("--categorical-columns habitat"));
    let ph = aam.column("metadata.tsv", "ph");
    let largest = ph.iter().copied().fold(0.0, f64::max);
    let least = ph.iter().copied().fold(largest, f64::min);
    let above = [0.0, f64::INFINITY];
    for (flags, [low, high]) in [
        ("--output-activation softplus", above),
        ("--output-activation exp", above),
        ("--output-activation sigmoid", [least, largest]),
        ("--target-transform none --output-activation relu", above),
        (
            "--target-transform minmax --bounded-targets",
            [least, largest],
        ),
    ] {
        let predicted = train(&format!("--categorical-columns habitat {flags} --lr 0.01"));
        let inside = |value: &f64| (low - 1e-6..=high + 1e-6).contains(value);
        assert!(predicted.iter().all(inside), "{flags}: {predicted:?}");
    }
}

#[test]
fn output_settings_that_conflict_with_the_target() {
    let aam = study();
    let run = |flags: &str| aam.refuses(&format!("{TRAIN} --metadata metadata.tsv {flags}"));
    run("--metadata-column ph --target-transform zscore --output-activation softplus").says(&[
        "--output-activation softplus: it gives outputs of 0 and above",
        "--target-transform zscore puts values on both sides of 0",
        "--target-transform scale or minmax",
    ]);
    run("--metadata-column ph --target-transform none --output-activation sigmoid")
        .says(&["between 0 and 1"]);
    run("--metadata-column ph --bounded-targets --output-activation exp")
        .says(&["contradict each other"]);
    run("--metadata-column habitat --classifier --learnable-output-scale")
        .says(&["--learnable-output-scale", "--loss cross-entropy"]);
    run("--metadata-column ph --loss quantile --output-activation softplus")
        .says(&["--loss quantile"]);
    run("--metadata-column ph --categorical-columns habitat --conditional-output-scaling site")
        .says(&["expected one of the categorical columns (habitat)"]);
}
