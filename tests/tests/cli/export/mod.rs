//! Exported models: ONNX Runtime computes what `aam predict` does, and what cannot be exported is refused.

mod onnx_file;

use std::collections::HashSet;
use std::process::Command;

use aam_runtime::data::read_table;
use aam_tests::{Aam, LARGER_STUDY, STUDY, aam, cells};
use serde_json::{Value, json};

use onnx_file::{Exported, name, python, run, shape};

const TRAIN: &str = "train --table study/table.biom --metadata study/metadata.tsv --max-bp 30 \
                     --embedding-dim 16 --epochs 4 --folds 2 --output-dir run";
const EXPORT: &str = "export --model run --format onnx --output-dir exported";
const PREDICT: &str = "predict --model run --table study/table.biom --metadata study/metadata.tsv \
                       --output predictions.tsv";

/// The largest difference between the `column` of an output and that of a table of predictions, as a
/// fraction of the larger of 1 and the value.
fn difference(aam: &Aam, outputs: &Value, (output, column): (&str, usize), cell: &str) -> f64 {
    let rows = outputs[output].as_array().expect("an output");
    let predicted = aam.column("predictions.tsv", cell);
    assert_eq!(rows.len(), predicted.len());
    let pairs = rows.iter().zip(predicted);
    let differences = pairs.map(|(row, value)| {
        let exported = row[column].as_f64().expect("a number");
        (exported - value).abs() / value.abs().max(1.0)
    });
    differences.fold(0.0, f64::max)
}

/// Trains with `flags`, exports and predicts; returns what was exported, and the largest difference of the
/// `outputs`, each with a column of its own and that of the table.
fn exported(aam: &Aam, flags: &str, columns: &[&str], outputs: &[(&str, usize, &str)]) -> Exported {
    let overwrite = "--overwrite --quiet";
    aam.ok(&format!("{TRAIN} {flags} {overwrite}"));
    aam.ok(&format!("{EXPORT} --table study/table.biom {overwrite}"));
    aam.ok(&format!("{PREDICT} {overwrite}"));
    let exported = Exported::read(aam);
    let table = read_table(aam.path("study/table.biom")).expect("a table");
    let levels = (!columns.is_empty()).then(|| {
        let text = aam.read("study/metadata.tsv");
        let columns: Vec<_> = columns.iter().map(|column| cells(&text, column)).collect();
        let samples = table.sample_ids().iter();
        let level = |id: &str, column: &Vec<(&str, &str)>| {
            let found = column.iter().find(|(sample, _)| *sample == id);
            found.map_or_else(String::new, |(_, level)| (*level).to_owned())
        };
        samples
            .map(|id| columns.iter().map(|column| level(id, column)).collect())
            .collect()
    });
    if let Some(python) = python() {
        let found = run(aam, &python, &exported.inputs(&table, levels));
        for (output, column, cell) in outputs {
            let difference = difference(aam, &found, (output, *column), cell);
            assert!(
                difference < 1e-5,
                "{flags}: {output} differs by {difference}"
            );
            println!("{flags}: {output} differs by {difference:.1e}");
        }
    }
    exported
}

const NUMBER: [(&str, usize, &str); 3] = [
    ("prediction", 0, "prediction"),
    ("lower", 0, "lower"),
    ("upper", 0, "upper"),
];

#[test]
fn numbers_of_all_members_match_predict() {
    let aam = aam!().with(LARGER_STUDY);
    let flags =
        "--metadata-column ph --members network,forest,boosting,linear,kernel --interval 0.8,0.5";
    let mut outputs = NUMBER.to_vec();
    outputs.extend([("lower_0.5", 0, "lower_0.5"), ("upper_0.5", 0, "upper_0.5")]);
    let exported = exported(&aam, flags, &[], &outputs);
    let names = ["prediction", "lower", "upper", "lower_0.5", "upper_0.5"];
    assert_eq!(exported.outputs(), names);
    let counts = &exported.graph.input[0];
    assert_eq!(name(counts), Some("counts"));
    let asvs = exported.asvs().len();
    assert_eq!(shape(counts), [json!("samples"), json!(asvs)]);
    assert_eq!(exported.graph.input.len(), 1);
    let trees: Vec<usize> = exported
        .nodes("TreeEnsembleRegressor")
        .iter()
        .map(|node| {
            let mut attributes = node.attribute.iter();
            let trees = attributes.find(|one| one.name.as_deref() == Some("nodes_treeids"));
            let trees: HashSet<i64> = trees.expect("trees").ints.iter().copied().collect();
            trees.len()
        })
        .collect();
    assert_eq!(trees, [500, 150], "a forest and boosting");
    let codes = exported.graph.initializer.iter();
    let codes = codes.filter(|constant| constant.dims == [asvs as i64, 4096]);
    assert_eq!(codes.count(), 1, "the codes of ASVs");
    let description = &exported.description;
    assert_eq!(description["targets"][0]["column"], "ph");
    assert_eq!(
        description["targets"][0]["transform"]["transform"],
        "zscore"
    );
    assert_eq!(description["targets"][0]["intervals"][1]["level"], 0.5);
    let members = ["network", "forest", "boosting", "linear", "kernel"];
    assert_eq!(description["members"], json!(members));
}

#[test]
fn probabilities_with_categories_match_predict() {
    let aam = aam!().with(LARGER_STUDY);
    let text = aam.read("study/metadata.tsv");
    let rows = text.lines().enumerate().map(|(row, line)| match row {
        0 => format!("{line}\tsite\n"),
        _ if line.starts_with('#') => format!("{line}\tcategorical\n"),
        // A level that is rare, and a sample without one.
        5 => format!("{line}\tonce\n"),
        9 => format!("{line}\t\n"),
        row => format!("{line}\t{}\n", ["gut", "skin", "soil"][row % 3]),
    });
    aam.write("study/metadata.tsv", &rows.collect::<String>());
    let flags = "--metadata-column habitat --classifier --categorical-columns site \
                 --min-category-count 2 --members network,forest,boosting,linear,kernel";
    let text = aam.read("study/metadata.tsv");
    let habitats: HashSet<&str> = cells(&text, "habitat").iter().map(|(_, h)| *h).collect();
    let mut habitats: Vec<&str> = habitats.into_iter().collect();
    habitats.sort_unstable();
    let columns: Vec<String> = habitats
        .iter()
        .map(|habitat| format!("probability {habitat}"))
        .collect();
    let outputs: Vec<(&str, usize, &str)> = columns
        .iter()
        .enumerate()
        .map(|(place, column)| ("probabilities", place, column.as_str()))
        .collect();
    let exported = exported(&aam, flags, &["site"], &outputs);
    assert_eq!(exported.outputs(), ["probabilities"]);
    let samples_and_classes = [json!("samples"), json!(habitats.len())];
    assert_eq!(shape(&exported.graph.output[0]), samples_and_classes);
    assert_eq!(
        exported.description["targets"][0]["classes"],
        json!(habitats)
    );
    assert_eq!(name(&exported.graph.input[1]), Some("categories"));
    let column = &exported.description["inputs"]["categories"]["columns"][0];
    assert_eq!(column["levels"], json!(["gut", "skin", "soil"]));
    assert_eq!(column["rare-levels"], json!(["once"]));
    let encoder = exported.nodes("LabelEncoder")[0];
    assert_eq!(encoder.attribute[1].ints, [0, 1, 2, 3]);
    assert_eq!(encoder.attribute[2].i, Some(4));
}

#[test]
fn heads_fusions_losses_and_transforms_match_predict() {
    let aam = aam!().with(STUDY);
    let network = "--metadata-column ph --members network --lr 0.01";
    let categories = "--categorical-columns habitat";
    for (flags, columns) in [
        (
            "--head mlp --head.hidden 8,4 --target-transform quantile-normal",
            &[][..],
        ),
        (
            "--head moe --head.top-k 2 --loss mse --target-transform log-zscore",
            &[],
        ),
        (
            "--head quantile --loss quantile --target-transform minmax",
            &[],
        ),
        (
            "--head residual --loss gaussian-nll --fusion film",
            &["habitat"],
        ),
        ("--head film --loss huber --fusion gmu", &["habitat"]),
        ("--fusion cross-attention --loss asymmetric", &["habitat"]),
        (
            "--fusion perceiver --fusion.latents 4 --loss mse",
            &["habitat"],
        ),
        (
            "--fusion add --loss mae --learnable-output-scale --output-activation softplus \
             --conditional-output-scaling habitat",
            &["habitat"],
        ),
    ] {
        let of_categories = if columns.is_empty() { "" } else { categories };
        let flags = format!("{network} {flags} {of_categories}");
        exported(&aam, &flags, columns, &NUMBER);
    }
}

#[test]
fn targets_are_distinguished_and_ordered_classes_are_exported() {
    let aam = aam!().with(STUDY);
    let flags = "--metadata-column ph,gradient --members network,linear --token-limit 6";
    let outputs = [
        ("prediction ph", 0, "prediction ph"),
        ("prediction gradient", 0, "prediction gradient"),
        ("upper gradient", 0, "upper gradient"),
    ];
    let several = exported(&aam, flags, &[], &outputs);
    assert_eq!(several.nodes("ScatterElements").len(), 1, "a limit of ASVs");
    let text = aam.read("study/metadata.tsv");
    let habitats: HashSet<&str> = cells(&text, "habitat").iter().map(|(_, h)| *h).collect();
    let mut habitats: Vec<&str> = habitats.into_iter().collect();
    habitats.sort_unstable();
    let last = format!("probability {}", habitats[habitats.len() - 1]);
    habitats.reverse();
    let flags = format!(
        "--metadata-column habitat --classifier --members network --loss ordinal --loss.order {}",
        habitats.join(",")
    );
    let outputs = [("probabilities", habitats.len() - 1, last.as_str())];
    exported(&aam, &flags, &[], &outputs);
}

#[test]
fn without_a_table_it_reads_the_asvs_that_the_learners_know() {
    let aam = aam!().with(STUDY);
    aam.ok(&format!(
        "{TRAIN} --metadata-column ph --members network,linear"
    ));
    aam.ok(EXPORT)
        .says(&["ASVs that the members other than the network know"])
        .prints(&["wrote exported\n"]);
    let table = read_table(aam.path("study/table.biom")).expect("a table");
    let mut samples = vec![0; table.num_features()];
    for row in 0..table.num_samples() {
        let (asvs, _) = table.row(row);
        asvs.iter().for_each(|&asv| samples[asv as usize] += 1);
    }
    let ids = table.feature_ids().iter().zip(&samples);
    let common: Vec<String> = ids
        .filter(|(_, samples)| **samples >= 2)
        .map(|(id, _)| id.to_owned())
        .collect();
    assert_eq!(Exported::read(&aam).asvs(), common);
    aam.refuses(EXPORT)
        .says(&["the directory contains an exported model", "--overwrite"]);
}

#[cfg(unix)]
#[test]
fn the_example_in_python_prints_the_predictions() {
    let aam = aam!().with(STUDY);
    aam.ok(&format!(
        "{TRAIN} --metadata-column ph --members network,linear"
    ));
    aam.ok(&format!("{EXPORT} --table study/table.biom"));
    aam.ok(PREDICT);
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/exporting.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let (_, code) = page.split_once("```python\n").expect("an example");
    let (code, _) = code.split_once("```").expect("its end");
    let table = read_table(aam.path("study/table.biom")).expect("a table");
    let header = format!("asv\t{}\n", table.sample_ids().join("\t"));
    let rows = table.feature_ids().iter().enumerate().map(|(asv, id)| {
        let reads = (0..table.num_samples()).map(|row| {
            let (asvs, reads) = table.row(row);
            let place = asvs.iter().position(|&other| other as usize == asv);
            place.map_or(0, |place| reads[place]).to_string()
        });
        format!("{id}\t{}\n", reads.collect::<Vec<_>>().join("\t"))
    });
    aam.write("table.tsv", &(header + &rows.collect::<String>()));
    let Some(python) = python() else {
        return;
    };
    let output = Command::new(python)
        .args(["-c", code])
        .current_dir(aam.path("."))
        .output()
        .expect("Python starts");
    let printed = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let predicted = aam.column("predictions.tsv", "prediction");
    assert_eq!(printed.lines().count(), predicted.len(), "{errors}");
    for (line, value) in printed.lines().zip(predicted) {
        let (_, printed) = line.split_once('\t').expect("two cells");
        let printed: f64 = printed.parse().expect("a number");
        assert!(
            (printed - value).abs() < 1e-5 * value.abs().max(1.0),
            "{line}"
        );
    }
}

#[test]
fn models_that_cannot_be_exported_are_refused_and_leave_nothing() {
    let aam = aam!().with(STUDY);
    let refused = |flags: &str, export: &str, words: &[&str]| {
        aam.ok(&format!(
            "{TRAIN} --metadata-column ph {flags} --overwrite --quiet"
        ));
        aam.run(export).ends_with_code(2).says(words);
        assert!(!aam.path("exported").exists(), "{flags}");
    };
    refused(
        "--pooling attention --members network,linear",
        EXPORT,
        &["sample-encoder 'attention' cannot be exported to ONNX; train with another one"],
    );
    refused(
        "--normalize-by habitat",
        // Refused before the table is read.
        &format!("{EXPORT} --table missing.biom"),
        &["target-transform 'zscore-category' cannot be exported to ONNX"],
    );
    refused(
        "--batch-column habitat",
        EXPORT,
        &["(--batch-column)", "aam predict"],
    );
    refused(
        "--members network",
        EXPORT,
        &["--table is missing: the network reads any sequence"],
    );
}
