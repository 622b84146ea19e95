//! Every head, fusion and loss through the program: after training, saving and loading, predictions
//! are unchanged.

use std::collections::HashMap;

use aam_tests::{Aam, STUDY, aam};

const TRAIN: &str = "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv --max-bp 30 --epochs 3";

fn study() -> Aam {
    aam!().with(STUDY)
}

/// Cells of each sample by column name.
fn cells(text: &str) -> HashMap<String, HashMap<String, String>> {
    let mut lines = text.lines().map(|line| line.split('\t'));
    let header: Vec<&str> = lines.next().expect("a header").collect();
    let named = |line: std::str::Split<'_, char>| {
        let pairs = header.iter().zip(line);
        let mut cells: HashMap<String, String> = pairs
            .map(|(&name, cell)| (name.to_owned(), cell.to_owned()))
            .collect();
        (cells.remove("sample-id").expect("an id"), cells)
    };
    lines.map(named).collect()
}

/// Trains with `flags` and whatever the component says it needs, predicts from the checkpoint, and
/// compares with the run's own predictions for its validation samples.
fn train_and_predict(aam: &Aam, run: &str, flags: &str) -> String {
    let with = |more: &str| {
        let target = match more.contains("--classifier") {
            true => "habitat",
            false => "ph",
        };
        format!("{TRAIN} --metadata-column {target} {flags} {more} --output-dir {run}")
    };
    let mut more = String::new();
    let mut trained = aam.run(&with(""));
    if trained.code == Some(2) && trained.stderr.contains("needs categorical columns") {
        more.push_str("--categorical-columns habitat");
        trained = aam.run(&with(&more));
    }
    if trained.code == Some(2) && trained.stderr.contains("needs a categorical target") {
        more.push_str("--classifier");
        trained = aam.run(&with(&more));
    }
    trained.ends_with_code(0);
    aam.ok(&format!(
        "predict --model {run}/checkpoints/last --table study/table.biom \
         --metadata study/metadata.tsv --output {run}.tsv"
    ));
    let predictions = aam.read(&format!("{run}.tsv"));
    let all = cells(&predictions);
    assert_eq!(all.len(), 24, "{run}");
    let validated = cells(&aam.read(&format!("{run}/predictions.tsv")));
    assert!(!validated.is_empty(), "{run}");
    for (sample, cells) in validated {
        for (column, cell) in cells.into_iter().filter(|(name, _)| name != "actual") {
            let found = &all[&sample][&column];
            let same = match (found.parse::<f64>(), cell.parse::<f64>()) {
                (Ok(a), Ok(b)) => a.is_finite() && (a - b).abs() <= 1e-4 * b.abs().max(1.0),
                _ => *found == cell,
            };
            assert!(same, "{run}, {column} of {sample}: {found} and {cell}");
        }
    }
    predictions
}

/// Does this for every component of a kind.
fn each(kind: &str, built_in: &[&str]) {
    let aam = study();
    let names = aam.components(kind);
    for name in built_in {
        assert!(
            names.iter().any(|n| n == name),
            "{name} is not in {names:?}"
        );
    }
    for name in names {
        train_and_predict(&aam, &format!("{kind}-{name}"), &format!("--{kind} {name}"));
    }
}

#[test]
fn every_head_trains_and_predicts() {
    each(
        "head",
        &["linear", "mlp", "residual", "quantile", "film", "moe"],
    );
}

#[test]
fn every_fusion_trains_and_predicts() {
    each(
        "fusion",
        &[
            "none",
            "concat",
            "add",
            "gmu",
            "film",
            "cross-attention",
            "perceiver",
        ],
    );
}

#[test]
fn every_loss_trains_and_predicts() {
    each(
        "loss",
        &[
            "mse",
            "mae",
            "huber",
            "quantile",
            "asymmetric",
            "cross-entropy",
            "gaussian-nll",
            "ordinal",
        ],
    );
}

/// The best epoch has the smallest loss, and its interval coverage of the validation samples agrees
/// with the predictions.
fn intervals_are_judged(aam: &Aam, run: &str) {
    let metrics = aam.read(&format!("{run}/metrics.tsv"));
    let mut rows = metrics.lines().map(|line| line.split('\t'));
    let header: Vec<&str> = rows.next().expect("a header").collect();
    let place = |name: &str| header.iter().position(|other| *other == name);
    let of = |row: &[f64], name: &str| row[place(name).unwrap_or_else(|| panic!("{header:?}"))];
    let number = |cell: &str| cell.parse::<f64>().expect("a number");
    let rows: Vec<Vec<f64>> = rows.map(|row| row.map(number).collect()).collect();
    let best = rows.iter().rfind(|row| of(row, "best") == 1.0);
    let best = best.expect("one is the best");
    assert!(
        rows.iter().all(|row| of(row, "loss") >= of(best, "loss")),
        "{metrics}"
    );
    let predicted = cells(&aam.read(&format!("{run}/predictions.tsv")));
    let inside = |cells: &&HashMap<String, String>| {
        let actual = number(&cells["actual"]);
        number(&cells["lower"]) <= actual && actual <= number(&cells["upper"])
    };
    let share = predicted.values().filter(inside).count() as f64 / predicted.len() as f64;
    assert_eq!(of(best, "interval_coverage"), share, "{metrics}");
}

#[test]
fn components_work_together() {
    let aam = study();
    let text = train_and_predict(
        &aam,
        "quantiles",
        "--head quantile --loss quantile --loss.levels 0.05,0.5,0.95",
    );
    assert!(
        text.lines().next().expect("a header").contains("lower"),
        "{text}"
    );
    intervals_are_judged(&aam, "quantiles");
    aam.refuses(&format!(
        "{TRAIN} --metadata-column habitat --classifier --head quantile --output-dir refused"
    ))
    .says(&[
        "head 'quantile' needs a loss whose outputs are in ascending order; those of \
         'cross-entropy' are not",
    ]);
    train_and_predict(
        &aam,
        "routed",
        "--head moe --head.routing habitat --head.top-k 2 --fusion gmu --loss gaussian-nll \
         --target-transform zscore",
    );
    let metrics = aam.read("routed/metrics.tsv");
    let header: Vec<&str> = metrics
        .lines()
        .next()
        .expect("a header")
        .split('\t')
        .collect();
    for name in ["train_penalty", "observed:gate"] {
        assert!(header.contains(&name), "{header:?}");
    }
    let shares = (1..=4).map(|expert| format!("observed:expert_share_{expert}"));
    let shares: Vec<usize> = shares
        .map(|name| header.iter().position(|other| *other == name))
        .map(|place| place.unwrap_or_else(|| panic!("{header:?}")))
        .collect();
    for epoch in metrics.lines().skip(1) {
        let cells: Vec<&str> = epoch.split('\t').collect();
        let used = shares.iter().map(|&place| cells[place].parse::<f64>());
        let sum: f64 = used.map(|share| share.expect("a number")).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{epoch}");
    }
    train_and_predict(
        &aam,
        "ordered",
        "--loss ordinal --loss.order water,soil,gut",
    );
    aam.refuses(&format!(
        "{TRAIN} --metadata-column habitat --classifier --loss ordinal --loss.order water \
         --output-dir refused"
    ))
    .says(&[
        "loss 'ordinal', option 'order': expected all classes of the target, each once \
         (gut, soil, water), found",
    ]);
    // An option without a value can be read back from the settings of the run.
    train_and_predict(&aam, "mixed", "--head moe --head.experts 3");
    let config = aam.read("mixed/config.toml");
    assert!(config.contains("top-k = \"none\""), "{config}");
    aam.ok("train --config mixed/config.toml --output-dir again");
    let metrics = aam.read("mixed/metrics.tsv");
    assert_eq!(metrics, aam.read("again/metrics.tsv"));
    train_and_predict(
        &aam,
        "attention",
        "--pooling attention --embedding-dim 16 --attention-heads 2 --attention-layers 1 --head film \
         --fusion film --categorical-columns habitat",
    );
}
