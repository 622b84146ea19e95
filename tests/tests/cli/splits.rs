//! Splits: whole groups, stratified classes, folds, and a warning about repeats.

use std::collections::{BTreeMap, BTreeSet};

use aam_tests::{Aam, STUDY, aam, cells};

const TRAIN: &str = "train --test-size 0.2 --members network --table study/table.biom --metadata metadata.tsv --metadata-column ph \
                     --max-bp 30 --embedding-dim 16 --epochs 2 --baseline-trees 10";

/// A study whose samples are from six subjects, four each.
fn study() -> Aam {
    let aam = aam!().with(STUDY);
    let text = aam.read("study/metadata.tsv");
    let mut lines = text.lines();
    let mut with = format!("{}\thost_subject_id\n", lines.next().expect("a header"));
    let mut place = 0;
    for line in lines {
        let cell = match line.starts_with('#') {
            true => "categorical".to_owned(),
            false => format!("P{}", place % 6),
        };
        place += usize::from(!line.starts_with('#'));
        with.push_str(&format!("{line}\t{cell}\n"));
    }
    aam.write("metadata.tsv", &with);
    aam
}

fn subjects(aam: &Aam) -> BTreeMap<String, String> {
    let text = aam.read("metadata.tsv");
    let cells = cells(&text, "host_subject_id").into_iter();
    cells
        .map(|(id, subject)| (id.to_owned(), subject.to_owned()))
        .collect()
}

fn lines(aam: &Aam, name: &str) -> BTreeSet<String> {
    aam.read(name).lines().map(str::to_owned).collect()
}

/// Subjects of the samples in a list.
fn listed(aam: &Aam, name: &str) -> BTreeSet<String> {
    let subjects = subjects(aam);
    lines(aam, name)
        .iter()
        .map(|id| subjects[id].clone())
        .collect()
}

#[test]
fn no_subject_is_on_both_sides() {
    let aam = study();
    for command in [
        TRAIN,
        "rf-baseline --table study/table.biom --metadata metadata.tsv --metadata-column ph --trees 10",
    ] {
        for seed in [1, 2] {
            let ran = aam.ok(&format!(
                "{command} --group-column host_subject_id --seed {seed} --output-dir run --overwrite"
            ));
            assert!(!ran.stderr.contains("are optimistic"), "{}", ran.stderr);
            let train = listed(&aam, "run/samples_train.txt");
            let validation = listed(&aam, "run/samples_val.txt");
            assert!(train.is_disjoint(&validation), "{train:?} {validation:?}");
            assert_eq!(train.len() + validation.len(), 6);
        }
    }
    let train = TRAIN.replace("--test-size 0.2 ", "");
    aam.ok(&format!(
        "{train} --group-column host_subject_id --leave-group-out P3 --output-dir left"
    ));
    assert_eq!(
        listed(&aam, "left/samples_val.txt"),
        ["P3".to_owned()].into()
    );
    assert_eq!(listed(&aam, "left/samples_train.txt").len(), 5);
}

#[test]
fn fewer_groups_than_folds_are_a_fold_each() {
    let aam = study();
    let metadata = aam.read("metadata.tsv");
    let habitats = cells(&metadata, "habitat").into_iter();
    let habitats: BTreeSet<&str> = habitats
        .map(|(_, cell)| cell)
        .filter(|c| *c != "categorical")
        .collect();
    assert!((2..5).contains(&habitats.len()), "{habitats:?}");
    let train = TRAIN.replace("--test-size 0.2 ", "");
    aam.ok(&format!("{train} --group-column habitat --output-dir run"));
    let folds = aam.read("run/folds.tsv");
    let numbered = folds
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    assert_eq!(numbered.count(), habitats.len(), "{folds}");
}

#[test]
fn repeats_that_are_divided_are_named() {
    let aam = study();
    aam.ok(&format!("{TRAIN} --output-dir run")).says(&[
        "warning: column 'host_subject_id' has 6 values for 24 samples",
        "--group-column host_subject_id",
    ]);
    // Nothing repeats in the original study: its only column of names has few values.
    let command = TRAIN.replace("metadata.tsv", "study/metadata.tsv");
    let ran = aam.ok(&format!("{command} --output-dir plain"));
    assert!(!ran.stderr.contains("are optimistic"), "{}", ran.stderr);
}

#[test]
fn what_cannot_be_divided_is_refused() {
    let aam = study();
    let train = TRAIN.replace("--test-size 0.2 ", "");
    for (flags, words) in [
        (
            "--leave-group-out P1",
            &["--leave-group-out", "--group-column"][..],
        ),
        (
            "--leave-one-group-out",
            &["--leave-one-group-out", "--group-column"],
        ),
        (
            "--group-column host_subject",
            &["did you mean 'host_subject_id'?"],
        ),
        (
            "--group-column host_subject_id --leave-group-out P9",
            &["P9", "there are P0"],
        ),
        (
            "--group-column host_subject_id --folds 7",
            &["6 groups cannot be divided into 7 folds"],
        ),
        (
            "--group-column host_subject_id --leave-one-group-out --folds 3",
            &["leave out one of the two"],
        ),
        (
            "--group-column ph --folds 2",
            &["--group-column ph: this is the column to predict"],
        ),
        (
            "--folds 25",
            &["24 samples cannot be divided into 25 folds"],
        ),
    ] {
        let ran = aam
            .run(&format!("{train} {flags} --output-dir run"))
            .says(words);
        assert!([Some(2), Some(3)].contains(&ran.code), "{:?}", ran.code);
        assert!(!aam.path("run/config.toml").exists());
    }
}

/// Each of these says which samples are held out, so none of two may be ignored.
#[test]
fn samples_are_held_out_in_one_way() {
    let aam = aam!();
    let data = "--table no.biom --metadata no.tsv --metadata-column ph --output-dir run";
    let ways = [
        "--test-size 0.3",
        "--folds 5",
        "--leave-group-out a",
        "--leave-one-group-out",
        "--validation-samples no.txt",
    ];
    let flag = |way: &str| way.split(' ').next().expect("a flag").to_owned();
    for command in ["train", "compare", "tune", "rf-baseline"] {
        for (place, one) in ways.iter().enumerate() {
            for other in &ways[..place] {
                aam.refuses(&format!(
                    "{command} {data} --group-column subject {one} {other}"
                ))
                .says(&[&flag(one), &flag(other), "leave out one of the two"]);
            }
        }
        aam.refuses(&format!("{command} {data} --group-column ph"))
            .says(&["--group-column ph: this is the column to predict"]);
    }
    aam.refuses(
        "pretrain --table no.biom --test-size 0.3 --validation-samples no.txt --output-dir run",
    )
    .says(&[
        "--test-size",
        "--validation-samples",
        "leave out one of the two",
    ]);
    aam.refuses(&format!("compare {data} --test-size 0"))
        .says(&["--test-size 0: models are compared on held-out samples"]);
    // A flag takes the place of what a file says.
    aam.write("c.toml", "test-size = 0.3\n");
    for command in ["train", "compare"] {
        let printed = aam.ok(&format!(
            "{command} {data} --config c.toml --folds 3 --print-config"
        ));
        assert!(!printed.stdout.contains("test-size"), "{}", printed.stdout);
    }
}

#[test]
fn a_comparison_on_a_share_of_the_samples_has_one_split() {
    let aam = study();
    let compare = TRAIN
        .replace("train", "compare")
        .replace("--epochs 2", "--epochs 1");
    aam.ok(&format!("{compare} --head linear,mlp --output-dir run"))
        .says(&["2 combinations on one split of 24 samples"]);
    assert_eq!(lines(&aam, "run/folds/fold-1-validation.txt").len(), 5);
}

#[test]
fn every_sample_is_predicted_by_a_model_that_did_not_see_it() {
    let aam = study();
    let train = TRAIN.replace("--test-size 0.2", "--folds 3");
    let command = format!("{train} --group-column host_subject_id --output-dir run");
    aam.ok(&command)
        .says(&["3 runs"])
        .prints(&["mean", "random forest", "95 % interval"]);
    let subjects = subjects(&aam);
    let predictions = aam.read("run/predictions.tsv");
    let folds = cells(&predictions, "fold");
    assert_eq!(folds.len(), 24);
    let mut of_subject: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for &(id, fold) in &folds {
        of_subject.entry(&subjects[id]).or_default().insert(fold);
        let held_out = lines(&aam, &format!("run/fold-{fold}/samples_val.txt"));
        assert!(held_out.contains(id), "{id} in fold {fold}");
        let learned = lines(&aam, &format!("run/fold-{fold}/samples_train.txt"));
        assert!(!learned.contains(id), "{id} in fold {fold}");
    }
    assert!(
        of_subject.values().all(|folds| folds.len() == 1),
        "{of_subject:?}"
    );
    // The table has one line per fold with the metrics of the last epoch, then mean and spread.
    let r2 = aam.column("run/folds.tsv", "r2");
    assert_eq!(r2.len(), 5);
    for fold in 1..=3 {
        // The table is computed from the predictions, which have seven digits.
        let last = aam.last(&format!("run/fold-{fold}"), "r2");
        assert!((r2[fold - 1] - last).abs() < 1e-5, "{last} {r2:?}");
        let evaluated = aam.read(&format!("run/fold-{fold}/evaluation.tsv"));
        let value: f64 = cells(&evaluated, "model")[0].1.parse().expect("a number");
        assert!((value - r2[fold - 1]).abs() < 1e-5, "{value} {r2:?}");
    }
    let mean = r2[..3].iter().sum::<f64>() / 3.0;
    let sd = (r2[..3].iter().map(|r| (r - mean).powi(2)).sum::<f64>() / 3.0).sqrt();
    assert!(
        (r2[3] - mean).abs() < 1e-12 && (r2[4] - sd).abs() < 1e-12,
        "{r2:?}"
    );
    assert_eq!(aam.column("run/folds.tsv", "random_forest:r2").len(), 5);

    // Finished folds are not repeated, but interrupted ones are.
    std::fs::remove_file(aam.path("run/fold-2/result.json")).expect("a result");
    aam.ok(&command).says(&["2 already completed"]);
    assert_eq!(aam.read("run/predictions.tsv"), predictions);
    aam.refuses(&format!("{command} --epochs 3").replace("--epochs 2", ""))
        .says(&["--epochs was 2 and is now 3"]);
}

#[test]
fn every_group_is_left_out_once() {
    let aam = study();
    let flags = "--group-column host_subject_id --leave-one-group-out";
    aam.ok(&format!(
        "rf-baseline --table study/table.biom --metadata metadata.tsv --metadata-column ph \
         --trees 10 {flags} --output-dir forest"
    ));
    let table = aam.read("forest/folds.tsv");
    let names: BTreeSet<&str> = cells(&table, "samples").iter().map(|row| row.0).collect();
    let expected = ["P0", "P1", "P2", "P3", "P4", "P5", "mean", "sd"];
    assert_eq!(names, expected.into());
    let subjects = subjects(&aam);
    let predictions = aam.read("forest/predictions.tsv");
    for (id, fold) in cells(&predictions, "fold") {
        assert_eq!(subjects[id], fold);
    }
}

#[test]
fn held_out_samples_without_a_common_asv_are_a_warning() {
    let aam = aam!();
    let asvs = [["ACGTACGTAC", "ACGTACGTGG"], ["TTGACCATGA", "TTGACCATCC"]];
    let (mut table, mut metadata) = (
        format!("sample-id\t{}\n", asvs.concat().join("\t")),
        "sample-id\tph\tstudy\n".to_owned(),
    );
    for sample in 0..24 {
        let study = sample % 2;
        let mut reads = [0; 4];
        reads[2 * study] = 10 + sample;
        reads[2 * study + 1] = 40 - sample;
        let reads = reads.map(|count| count.to_string()).join("\t");
        table.push_str(&format!("s{sample}\t{reads}\n"));
        metadata.push_str(&format!("s{sample}\t{}\tstudy{study}\n", 5 + sample % 7));
    }
    aam.write("table.tsv", &table);
    aam.write("metadata.tsv", &metadata);
    let ids = |study: usize| (0..12).map(move |place| format!("s{}\n", 2 * place + study));
    aam.write("train.txt", &ids(0).collect::<String>());
    aam.write("held-out.txt", &ids(1).collect::<String>());
    let train = "train --table table.tsv --metadata metadata.tsv --metadata-column ph --members kernel \
                 --baseline-trees 0 --no-report --transpose";
    let warning = "held-out samples share hardly any ASV with their training samples";
    aam.ok(&format!(
        "{train} --group-column study --folds 2 --output-dir folds"
    ))
    .says(&[&format!("24 of 24 {warning}")]);
    aam.ok(&format!(
        "{train} --train-samples train.txt --validation-samples held-out.txt --output-dir split"
    ))
    .says(&[&format!("12 of 12 {warning}")]);
    let random = aam.ok(&format!("{train} --folds 2 --output-dir random"));
    assert!(!random.stderr.contains(warning), "{}", random.stderr);
}
