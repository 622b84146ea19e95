//! The ordination of the samples in the report of a training run.

use std::collections::HashMap;

use aam_runtime::data::{Table, read_table, write_biom};
use aam_tests::{Aam, LARGER_STUDY, aam, cells};

const TRAIN: &str = "train --table study/table.biom --metadata study/metadata.tsv --members network \
                     --embedding-dim 16 --epochs 2 --baseline-trees 0";

/// The coordinates of each sample in a run.
fn places(aam: &Aam, run: &str) -> HashMap<String, [f64; 2]> {
    let text = aam.read(&format!("{run}/ordination.tsv"));
    let [across, up] = ["PC1", "PC2"].map(|axis| cells(&text, axis));
    let number = |cell: &str| cell.parse::<f64>().expect("a number");
    let both = across.into_iter().zip(up);
    both.map(|((id, x), (_, y))| (id.to_owned(), [number(x), number(y)]))
        .collect()
}

/// Pearson's correlation.
fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len() as f64;
    let (x, y) = pairs
        .iter()
        .fold((0.0, 0.0), |(x, y), pair| (x + pair.0 / n, y + pair.1 / n));
    let sum =
        |of: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|p| of(p.0 - x, p.1 - y)).sum::<f64>();
    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
}

#[test]
fn samples_lie_along_what_shapes_them_whatever_is_predicted() {
    let aam = aam!().with(LARGER_STUDY);
    aam.ok(&format!(
        "{TRAIN} --metadata-column ph --test-size 0.2 --unit units --output-dir once"
    ));
    aam.ok(&format!(
        "{TRAIN} --metadata-column habitat --classifier --folds 2 --threads 1 --group-column ph \
         --output-dir folds"
    ));
    let of_all = places(&aam, "once");
    assert_eq!(of_all.len(), 60, "training samples are shown, too");
    assert_eq!(of_all, places(&aam, "folds"), "no label is used");
    let truth = aam.read("study/truth-samples.tsv");
    let along = |axis: usize| {
        let gradient = cells(&truth, "gradient").into_iter();
        let pairs = gradient.map(|(id, cell)| (cell.parse().expect("a number"), of_all[id][axis]));
        correlation(&pairs.collect::<Vec<_>>()).abs()
    };
    assert!(along(0).max(along(1)) > 0.5, "{} {}", along(0), along(1));
    let page = aam.read("once/report.html");
    for words in [
        "Ordination of the samples",
        "all 60 samples",
        ">ph (units)<",
        "PC1 (",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let page = aam.read("folds/report.html");
    for words in [
        "download=\"ordination-of-the-samples-by-habitat.svg\"",
        "download=\"ordination-of-the-samples-by-ph.tsv\"",
        "<td>habitat (target)</td>",
        "<td>ph (group)</td>",
    ] {
        assert!(page.contains(words), "{words}");
    }
    // It is the same in each fold.
    assert!(!aam.read("folds/fold-1/report.html").contains("Ordination"));
    assert!(!aam.path("folds/fold-1/ordination.tsv").exists());
    aam.ok(&format!(
        "{TRAIN} --metadata-column ph --test-size 0.2 --no-report --overwrite --output-dir once"
    ));
    assert!(!aam.path("once/ordination.tsv").exists());
}

#[test]
fn batches_that_lack_different_asvs_are_separated() {
    let aam = aam!().with(LARGER_STUDY);
    let table = read_table(aam.path("study/table.biom")).expect("a table");
    let mut reads = Vec::new();
    for row in 0..table.num_samples() {
        let (asvs, counts) = table.row(row);
        for (&asv, &count) in asvs.iter().zip(counts) {
            if row % 3 == 0 || row as u32 % 2 == asv % 2 {
                reads.push((row as u32, asv, count));
            }
        }
    }
    let asvs = table.feature_ids().iter().map(str::to_owned).collect();
    let table = Table::from_triplets(table.sample_ids().to_vec(), asvs, &reads).expect("a table");
    write_biom(aam.path("study/table.biom"), &table).expect("a file");
    let mut lines = vec!["sample-id\tph\tplate\n".to_owned()];
    for (row, (id, ph)) in cells(&aam.read("study/metadata.tsv"), "ph")
        .into_iter()
        .enumerate()
    {
        let plate = match (row % 3, row % 2) {
            (0, _) => "",
            (_, 0) => "even",
            _ => "odd",
        };
        lines.push(format!("{id}\t{ph}\t{plate}\n"));
    }
    aam.write("study/metadata.tsv", &lines.concat());
    aam.ok(&format!(
        "{TRAIN} --metadata-column ph --test-size 0.2 --batch-column plate --output-dir run"
    ));
    let page = aam.read("run/report.html");
    for words in [
        "The first two axes separate the batches of <strong>plate</strong>",
        "<td>plate (batch)</td>",
        "no value (20)",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let runs = aam.read("run/ordination.tsv");
    assert_eq!(
        cells(&runs, "plate"),
        cells(&aam.read("study/metadata.tsv"), "plate")
    );
}
