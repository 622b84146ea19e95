//! Repeated predictions of a sample from random subsets of its ASVs, through the program.

use aam_tests::{Aam, STUDY, aam};

const TRAIN: &str = "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv --epochs 4 \
                     --max-bp 30 --embedding-dim 16 --token-limit 5 --overwrite --output-dir run";
const PREDICT: &str = "predict --model run/checkpoints/last --table study/table.biom --overwrite \
                       --output p.tsv";

fn study() -> Aam {
    aam!().with(STUDY)
}

/// Mean difference between two sets of predictions.
fn difference(a: &[f64], b: &[f64]) -> f64 {
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    differences.sum::<f64>() / a.len() as f64
}

#[test]
fn the_mean_of_more_passes_varies_less() {
    let aam = study();
    aam.ok(&format!(
        "{TRAIN} --metadata-column ph --asv-sampling random --val-prediction-passes 3"
    ));
    let predict = |flags: &str| {
        aam.ok(&format!("{PREDICT} {flags}"));
        aam.column("p.tsv", "prediction")
    };
    let one = predict("");
    let most = predict("--prediction-passes 100");
    let many = predict("--prediction-passes 30 --output-variance");
    assert_eq!(one, predict("--prediction-passes 1"));
    assert!(difference(&many, &most) < 0.5 * difference(&one, &most));
    aam.ok(&format!(
        "{PREDICT} --prediction-passes 30 --output-variance"
    ));
    let spread = aam.column("p.tsv", "spread");
    assert!(spread.iter().any(|&spread| spread > 0.0), "{spread:?}");
    // Selection by abundance is deterministic.
    aam.ok(&format!(
        "{PREDICT} --asv-sampling abundance --prediction-passes 3"
    ))
    .says(&["one pass instead of 3", "selected by abundance"]);
}

#[test]
fn probabilities_are_averaged() {
    let aam = study();
    aam.ok(&format!(
        "{TRAIN} --metadata-column habitat --classifier --asv-sampling random"
    ));
    aam.ok(&format!(
        "{PREDICT} --prediction-passes 5 --output-variance"
    ));
    let text = aam.read("p.tsv");
    let classes: Vec<&str> = text
        .lines()
        .next()
        .unwrap_or_default()
        .split('\t')
        .filter(|name| name.starts_with("probability "))
        .collect();
    let probabilities: Vec<Vec<f64>> = classes
        .iter()
        .map(|name| aam.column("p.tsv", name))
        .collect();
    for sample in 0..24 {
        let sum: f64 = probabilities.iter().map(|class| class[sample]).sum();
        assert!((sum - 1.0).abs() < 1e-5);
    }
}

#[test]
fn identical_passes_are_run_once() {
    let aam = study();
    aam.ok(&format!(
        "{TRAIN} --metadata-column ph --val-prediction-passes 3"
    ))
    .says(&["--val-prediction-passes: one pass instead of 3"]);
    aam.ok(&format!("{PREDICT} --output-variance"))
        .says(&["a single pass has no variance"]);
    aam.refuses(&format!("{PREDICT} --prediction-passes 0"))
        .says(&["--prediction-passes"]);
}
