//! `--batch-column`: what the samples of a batch have in common is removed, in training and prediction.

use std::collections::HashMap;

use aam_runtime::data::{Table, read_table, write_biom};
use aam_tests::{Aam, LARGER_STUDY, aam, cells};

const TRAIN: &str = "train --table table.biom --metadata m.tsv --metadata-column ph --embedding-dim 16 \
                     --epochs 4 --baseline-trees 0";
const PREDICT: &str = "predict --table table.biom --metadata m.tsv --overwrite --output p.tsv";

/// A study of three sequencing runs, the second of which finds eight times as many reads of every other ASV.
/// The column `site` is the habitat again.
fn study() -> Aam {
    let aam = aam!();
    aam.ok(LARGER_STUDY);
    let table = read_table(aam.path("study/table.biom")).expect("a table");
    let mut cells = Vec::new();
    for row in 0..table.num_samples() {
        let (columns, counts) = table.row(row);
        for (&column, &count) in columns.iter().zip(counts) {
            let factor = if row % 3 == 1 && column % 2 == 0 {
                8
            } else {
                1
            };
            cells.push((row as u32, column, factor * count));
        }
    }
    let asvs = table.feature_ids().iter().map(str::to_owned).collect();
    let changed = Table::from_triplets(table.sample_ids().to_vec(), asvs, &cells);
    write_biom(aam.path("table.biom"), &changed.expect("a table")).expect("a file");
    let rows: HashMap<&str, usize> = table.sample_index();
    let metadata = aam.read("study/metadata.tsv");
    let lines = metadata.lines().map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        let (run, site) = match cells[0] {
            "sample-id" => ("run", "site"),
            "#q2:types" => ("categorical", "categorical"),
            id => (["A", "B", "C"][rows[id] % 3], cells[3]),
        };
        format!("{line}\t{run}\t{site}\n")
    });
    let lines: String = lines.collect();
    aam.write("m.tsv", &lines);
    aam
}

/// The predictions in `p.tsv`.
fn predictions(aam: &Aam) -> HashMap<String, f64> {
    let text = aam.read("p.tsv");
    let found = cells(&text, "prediction").into_iter();
    found
        .map(|(id, cell)| (id.to_owned(), cell.parse().expect("a number")))
        .collect()
}

#[track_caller]
fn same(some: &HashMap<String, f64>, all: &HashMap<String, f64>) {
    assert!(!some.is_empty());
    for (id, value) in some {
        assert!((value - all[id]).abs() < 1e-4, "{id}: {value} {}", all[id]);
    }
}

#[test]
fn a_batch_is_centred_by_its_own_samples() {
    let aam = study();
    let train = format!("{TRAIN} --test-size 0.2 --members network,forest,linear");
    aam.ok(&format!("{train} --output-dir without"));
    let ran = aam.ok(&format!("{train} --batch-column run --output-dir run"));
    ran.says(&[
        "3 batches in 'run', of ",
        "what the samples of a batch have in common is removed",
    ]);
    aam.ok(&format!("{PREDICT} --model without"));
    let without = predictions(&aam);
    aam.ok(&format!("{PREDICT} --model run"))
        .says(&["3 batches in 'run', of 20 samples"]);
    let all = predictions(&aam);
    assert_eq!(all.len(), 60);
    let apart = all.iter().map(|(id, value)| (value - without[id]).abs());
    assert!(apart.fold(0.0, f64::max) > 1e-4, "batches change nothing");
    // The other batches do not matter.
    aam.ok(&format!("{PREDICT} --model run --where run=B"))
        .says(&["1 batch in 'run', of 20 samples"]);
    let of_second = predictions(&aam);
    assert_eq!(of_second.len(), 20);
    same(&of_second, &all);
    // Nor does the name of a batch.
    let metadata = aam.read("m.tsv").replace("\tB\t", "\tnew\t");
    aam.write("m.tsv", &metadata);
    aam.ok(&format!("{PREDICT} --model run"));
    same(&predictions(&aam), &all);
    aam.ok("explain --model run --table table.biom --metadata m.tsv --output-dir e --evaluations 400 --orders 2");
    let text = aam.read("e/samples.tsv");
    let explained = cells(&text, "prediction").into_iter();
    let explained = explained.map(|(id, cell)| (id.to_owned(), cell.parse().expect("a number")));
    same(&explained.collect(), &all);
}

#[test]
fn batches_are_needed_to_predict_and_can_be_left_out_one_by_one() {
    let aam = study();
    aam.ok(&format!(
        "{TRAIN} --members network,forest --batch-column run --group-column run --leave-one-group-out \
         --output-dir run"
    ));
    aam.refuses("predict --model run --table table.biom --output p.tsv")
        .says(&["--metadata is missing", "each 'run'"]);
    aam.run("predict --model run --table table.biom --metadata study/metadata.tsv --output p.tsv")
        .ends_with_code(3)
        .says(&["study/metadata.tsv", "run"]);
    aam.ok(&format!("{PREDICT} --model run"));
    let file = aam.path("run/checkpoints/best/batches.bin");
    assert!(file.is_file() && file.with_file_name("batches-of-members.bin").is_file());
}

#[test]
fn targets_associated_with_batches_are_reported_and_unsuitable_models_refused() {
    let aam = study();
    let classes = TRAIN.replace(
        "--metadata-column ph",
        "--metadata-column habitat --classifier",
    );
    let once = "--test-size 0.2 --members network";
    aam.ok(&format!(
        "{classes} {once} --batch-column site --output-dir run"
    ))
    .says(&["--batch-column: 'habitat' and 'site' are associated (Cramér's V"]);
    let ran = aam.ok(&format!(
        "{TRAIN} {once} --batch-column run --output-dir other"
    ));
    assert!(!ran.stderr.contains("are associated"), "{}", ran.stderr);
    for (flags, words) in [
        ("--batch-column ph", "this is the column to predict"),
        (
            "--batch-column run --sample-encoder attention",
            "abundance pooling",
        ),
        ("--batch-column run --no-freeze-base", "frozen base"),
    ] {
        aam.refuses(&format!("{TRAIN} {once} {flags} --output-dir x"))
            .says(&["--batch-column", words]);
    }
    aam.run(&format!(
        "{TRAIN} {once} --batch-column nowhere --output-dir x"
    ))
    .ends_with_code(3)
    .says(&["nowhere"]);
}
