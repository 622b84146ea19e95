//! The page of a run.

use aam_tests::{Aam, aam};
use serde_json::Value;

const STUDY: &str = "simulate --samples 40 --asvs 40 --sequence-length 30 --richness 12 \
                     --depth 300 --output-dir study";
const TRAIN: &str = "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv --max-bp 30 \
                     --embedding-dim 16 --epochs 3 --baseline-trees 20 --metadata-column";
const PRETRAIN: &str = "pretrain --table study/table.biom --tree study/tree.nwk --max-bp 30 \
                        --embedding-dim 16 --epochs 3 --nucleotide-steps 4 --output-dir";

fn study() -> Aam {
    aam!().with(STUDY)
}

#[test]
fn a_page_is_complete_in_itself() {
    let aam = study();
    aam.ok(&format!("{PRETRAIN} base"));
    aam.ok(&format!(
        "{TRAIN} ph --pretrained-encoder base/checkpoints/best --output-dir numbers"
    ));
    aam.ok(&format!(
        "{TRAIN} habitat --classifier --output-dir classes"
    ));
    let folds = TRAIN.replace("--test-size 0.2", "--folds 2");
    aam.ok(&format!("{folds} ph --output-dir folds"));
    aam.ok(
        "rf-baseline --table study/table.biom --metadata study/metadata.tsv \
         --metadata-column ph --trees 20 --output-dir forest",
    );
    let expected = [
        (
            "base",
            &[
                "Pre-training",
                "UniFrac distances",
                "masked nucleotides",
                "An encoder of ASVs was pre-trained",
            ][..],
        ),
        (
            "numbers",
            &[
                "Predicting ph",
                "Random Forest",
                "Samples with the largest errors",
                "Learning curves",
                "n = 8",
                "on the same axes",
                "Methods, for a paper",
                "ph was predicted from the reads of",
                "trained on 32 samples and evaluated on 8 held-out samples",
                "Model card",
                "<mark>To fill in: ",
                "download=\"predicted-against-actual-ph.svg\"",
                "download=\"predicted-against-actual-ph.tsv\"",
            ],
        ),
        (
            "classes",
            &[
                "Confusion matrix",
                "ROC curves",
                "AUC",
                "Precision–recall curves",
                "recall, model",
                "precision, Random Forest",
                "download=\"confusion-matrix-of-habitat.tsv\"",
            ],
        ),
        (
            "folds",
            &[
                "Predicted against actual",
                "fold",
                "in 2-fold cross-validation",
            ],
        ),
        ("folds/fold-1", &["Learning curves"]),
        ("forest", &["Random Forest: ph", "trivial guess"]),
    ];
    for (run, words) in expected {
        let page = aam.read(&format!("{run}/report.html"));
        for word in words {
            assert!(page.contains(word), "{run}: no {word:?}");
        }
        assert!(page.contains("<svg") && page.ends_with("</html>"), "{run}");
        for foreign in [
            "http:", "https:", "<script", "<link", "@import", "url(", "#010101",
        ] {
            assert!(!page.contains(foreign), "{run}: {foreign}");
        }
        assert!(page.len() < 2_000_000, "{run}: {} bytes", page.len());
    }
}

#[test]
fn the_page_of_a_fold_is_about_the_network_alone() {
    let aam = study();
    let folds = TRAIN.replace("--test-size 0.2", "--folds 2");
    aam.ok(&format!("{folds} ph --output-dir folds"));
    for part in ["fold-1", "fold-2", "all-samples"] {
        let page = aam.read(&format!("folds/{part}/report.html"));
        assert!(page.contains("This page is about the network alone"));
    }
    assert!(!aam.read("folds/report.html").contains("This page is about"));
}

#[test]
fn a_guess_has_no_rank_correlation_over_folds() {
    let aam = study();
    let folds = TRAIN.replace("--test-size 0.2", "--folds 2");
    aam.ok(&format!("{folds} ph --output-dir folds"));
    // The guess is a constant in each fold.
    let evaluation = aam.read("folds/evaluation.tsv");
    let mut rows = evaluation.lines();
    let header = rows.next().unwrap_or_default();
    assert!(header.ends_with("\ttrivial"), "{header}");
    let correlation = rows.find(|row| row.starts_with("spearman\t"));
    let correlation = correlation.unwrap_or_else(|| panic!("no spearman in {evaluation}"));
    assert!(correlation.ends_with("\tNaN"), "{correlation}");
}

#[test]
fn the_command_in_a_page_repeats_the_run() {
    let aam = study();
    aam.ok(&format!("{TRAIN} ph --output-dir run"));
    let page = aam.read("run/report.html");
    let (_, command) = page
        .split_once("aam train --config /")
        .expect("a command with a whole path");
    let (arguments, _) = command.split_once("</pre>").expect("its end");
    aam.ok(&format!("train --config /{arguments}"));
    let results = ["run", "run-again"].map(|run| aam.read(&format!("{run}/evaluation.tsv")));
    assert_eq!(results[0], results[1]);
}

#[test]
fn units_and_the_positive_class_are_shown_and_change_nothing() {
    let aam = study();
    aam.ok(&format!("{TRAIN} ph --unit mol --output-dir numbers"));
    let page = aam.read("numbers/report.html");
    for words in [
        "actual ph (mol)",
        "mean absolute error (mol)",
        "ph (mol) was predicted",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let record: Value = serde_json::from_str(&aam.read("numbers/run.json")).expect("JSON");
    assert_eq!(record["settings"]["unit"], serde_json::json!(["mol"]));
    let classes = format!("{TRAIN} habitat --classifier");
    aam.ok(&format!(
        "{classes} --positive-class soil --output-dir soil"
    ));
    aam.ok(&format!("{classes} --output-dir plain"));
    let page = aam.read("soil/report.html");
    for words in [
        "ROC curves</strong> of soil against",
        "Positive class: soil",
        "of the probabilities of soil",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let results = ["soil", "plain"].map(|run| aam.read(&format!("{run}/evaluation.tsv")));
    assert_eq!(results[0], results[1], "no metric depends on it");
    let forest = "rf-baseline --table study/table.biom --metadata study/metadata.tsv --trees 20";
    aam.ok(&format!(
        "{forest} --metadata-column habitat --classifier --positive-class soil --output-dir forest"
    ));
    assert!(
        aam.read("forest/report.html")
            .contains("Positive class: soil")
    );
    let refused = [
        (
            format!("{classes} --positive-class sol"),
            "the classes are ",
        ),
        (
            format!("{classes} --positive-class sol"),
            "did you mean soil?",
        ),
        (format!("{TRAIN} ph --positive-class soil"), "--classifier"),
        (format!("{classes} --unit mol"), "have no unit"),
        (
            format!("{TRAIN} ph --unit mol,years"),
            "expected 1 unit, one for each column",
        ),
        (
            format!("{forest} --metadata-column ph --unit mol,years"),
            "expected 1 unit, one for each column",
        ),
    ];
    for (command, words) in refused {
        aam.refuses(&format!("{command} --output-dir refused"))
            .says(&[words]);
    }
}

#[test]
fn names_from_files_are_text_and_nothing_else() {
    let aam = study();
    let metadata = aam.read("study/metadata.tsv");
    let metadata = metadata.replacen("habitat", "<b>&'h", 1);
    let metadata = metadata.replace("soil", "<script>alert(1)</script>");
    aam.write("study/metadata.tsv", &metadata);
    aam.ok(&format!("{TRAIN} <b>&'h --classifier --output-dir run"));
    aam.ok(&format!(
        "{TRAIN} ph --group-column <b>&'h --output-dir groups"
    ));
    for run in ["run", "groups"] {
        let page = aam.read(&format!("{run}/report.html"));
        assert!(
            page.contains("&lt;b&gt;&amp;'h") && page.contains("&lt;script&gt;"),
            "{run}"
        );
        assert!(!page.contains("<b>&") && !page.contains("<script"), "{run}");
    }
}
