//! Words for missing values in metadata, and the classes reported before training.

use aam_tests::{Aam, STUDY, aam};

const FLAGS: &str = "--max-bp 30 --embedding-dim 16 --epochs 1 --baseline-trees 0 --overwrite";

/// The study with metadata of the columns `header`, whose cells `cells` gives for each row.
fn study(header: &str, cells: impl Fn(usize) -> String) -> Aam {
    let aam = aam!().with(STUDY);
    let mut text = format!("sample-id\t{header}\n");
    for row in 0..24 {
        text.push_str(&format!("S{:03}\t{}\n", row + 1, cells(row)));
    }
    aam.write("m.tsv", &text);
    aam
}

fn train(column: &str, more: &str) -> String {
    format!(
        "train --test-size 0.2 --members network --table study/table.biom --metadata m.tsv --metadata-column {column} {FLAGS} \
         --output-dir run {more}"
    )
}

#[test]
fn words_for_missing_values_are_not_classes() {
    let words = [
        "NA",
        "missing: not provided",
        "Unknown",
        "nan",
        "Not_applicable",
        "#N/A",
    ];
    let aam = study("site", |row| match row {
        0..6 => words[row].to_owned(),
        _ => ["gut", "skin"][row % 2].to_owned(),
    });
    aam.ok(&train("site", "--classifier")).says(&[
        "column 'site': words for a missing value are treated as missing: 'NA' 1, 'Not_applicable' 1",
        "--keep-class 'NA'",
        "6 samples without a target are dropped, 18 are kept",
        "classes of 'site': gut 9, skin 9",
    ]);
    let header = aam.read("run/predictions.tsv");
    assert!(
        !header.contains("NA") && !header.contains("Unknown"),
        "{header}"
    );
    aam.ok(&train("site", "--classifier --keep-class unknown,na"))
        .says(&[
            "classes of 'site': NA 1, Unknown 1, gut 9, skin 9",
            "one sample each",
        ]);
    aam.refuses(&train("site", "--keep-class unknown"))
        .says(&["--keep-class unknown: the columns are read as numbers"]);
    let forest = train("site", "--classifier").replacen("train", "rf-baseline", 1);
    let forest = forest.replace("--members network ", "");
    let forest = forest.replace(
        "--max-bp 30 --embedding-dim 16 --epochs 1 --baseline-trees 0",
        "",
    );
    aam.ok(&forest).says(&["classes of 'site': gut 9, skin 9"]);
}

#[test]
fn words_for_missing_values_are_not_numbers_either() {
    let aam = study("ph\tdose", |row| match row {
        0 => "not collected\tnone".to_owned(),
        1 => "Missing: Not collected\t1".to_owned(),
        _ => format!("{}\t{row}", 4.0 + row as f64 / 10.0),
    });
    aam.ok(&train("ph", "")).says(&[
        "column 'ph': words for a missing value are treated as missing: 'Missing: Not collected' 1, 'not collected' 1",
        "2 samples without a target are dropped, 22 are kept",
    ]);
    aam.run(&train("dose", "")).ends_with_code(3).says(&[
        "column 'dose': 1 of 24 samples has non-numeric values (S001: none)",
        "leave the cells empty",
    ]);
}

#[test]
fn a_file_can_declare_that_words_are_values() {
    let aam = study("site", |row| match row % 3 {
        0 => "unknown".to_owned(),
        _ => "gut".to_owned(),
    });
    let text = aam.read("m.tsv");
    let declared = text.replacen("site\n", "site\n#q2:missing\tblank\n", 1);
    aam.write("m.tsv", &declared);
    aam.ok(&train("site", "--classifier"))
        .says(&["classes of 'site': gut 16, unknown 8"]);
    aam.write("m.tsv", &text);
    aam.run(&train("site", "--classifier"))
        .ends_with_code(3)
        .says(&["'unknown' 8", "every sample has the class 'gut'"]);
}

#[test]
fn classes_that_may_be_mistakes_are_reported() {
    let aam = study("site\tcode", |row| {
        let site = ["gut", "Gut", "skin"][row % 3];
        let code = if row == 3 { 7 } else { 1 + row % 2 };
        format!("{site}\t{code}")
    });
    aam.ok(&train("site", "--classifier")).says(&[
        "classes of 'site': Gut 8, gut 8, skin 8",
        "warning: column 'site': ",
        "'Gut' and 'gut'; if they are the same",
    ]);
    aam.ok(&train("code", "--classifier")).says(&[
        "classes of 'code': 1 12, 2 11, 7 1",
        "the class of one sample can be used for training or validation, but not both: '7'",
    ]);
}

#[test]
fn words_for_missing_values_are_neither_levels_nor_groups() {
    let aam = study("ph\tsite\tsubject", |row| {
        let site = ["NA", "unknown", "gut", "skin"][row % 4];
        let subject = ["a", "b", "c", "d", "not collected", "NA"][row / 4];
        format!("{}\t{site}\t{subject}", 4.0 + row as f64 / 10.0)
    });
    aam.ok(&train(
        "ph",
        "--categorical-columns site --group-column subject",
    ));
    let manifest = aam.read("run/checkpoints/best/manifest.json");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let levels = &manifest["predictor"]["categories"]["columns"][0]["levels"];
    assert_eq!(levels, &serde_json::json!(["gut", "skin"]));
}
