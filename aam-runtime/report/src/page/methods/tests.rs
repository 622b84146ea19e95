use aam_run::event_json::RecordedFigure;
use serde_json::json;

use super::*;
use crate::record::{HeldOutSize, HeldOutValues, StudySize};

fn record() -> Record {
    let settings = json!({
        "metadata-column": ["age"], "unit": ["years"], "classifier": false, "seed": 42,
        "members": ["network", "kernel", "forest:trees=300"], "group-column": "subject",
        "rarefy-depth": 1000, "head": {"name": "mlp"}, "fusion": {"name": "none"},
    });
    let others = json!({"network": 0.4, "forest": 0.3, "trivial": -0.01});
    Record {
        aam: "1.2.3".to_owned(),
        command: "train".to_owned(),
        settings: settings.as_object().unwrap().clone(),
        study: Some(StudySize {
            samples: 92,
            asvs: 12_345,
        }),
        held_out: Some(HeldOutSize {
            samples: 92,
            folds: Some(5),
            groups: Some(23),
            targets: vec![HeldOutValues {
                name: "age".to_owned(),
                classes: Vec::new(),
                numbers: Some([1.0, 2.0, 3.0]),
            }],
        }),
        figures: vec![RecordedFigure {
            name: "r2".to_owned(),
            value: Some(0.5),
            lower: Some(0.4),
            upper: Some(0.6),
            others: others.as_object().unwrap().clone(),
        }],
        ..Record::default()
    }
}

#[test]
fn the_paragraph_says_what_the_record_holds() {
    let text = Text::of(&record(), &Gathered::default()).all();
    for words in [
        "age (years) was predicted from the reads of 12\u{202f}345 features (ASVs, OTUs or taxa) in 92 samples with aam (Attention All Microbes), version 1.2.3.",
        "Samples were rarefied to 1000 reads.",
        "The prediction is the mean of 3 methods: a neural network on embeddings of the features (head mlp); kernel [",
        "(Suykens & Vandewalle 1999); forest:trees=300 [",
        "in 5-fold cross-validation; samples with the same subject were kept together (23 groups).",
        "bootstrap resamples of whole groups (subject) (Efron 1979)",
        "R² was 0.500 (95 % interval 0.400 to 0.600); for comparison, forest 0.300, trivial guess −0.0100.",
        "from the seed 42.",
        "aam (Attention All Microbes), version 1.2.3. Computer program.",
        "Geurts P, Ernst D, Wehenkel L.",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(text.contains("chosen on training samples alone"), "{text}");
    let mut stopped = record();
    stopped.settings.insert("patience".to_owned(), 3.into());
    let stopped = Text::of(&stopped, &Gathered::default()).all();
    assert!(
        stopped.contains("after 3 epochs without improvement"),
        "{stopped}"
    );
    assert!(
        !text.contains("conformal"),
        "there are no intervals: {text}"
    );
}

#[test]
fn a_record_of_an_older_run_has_a_shorter_paragraph() {
    let older = Record {
        command: "train".to_owned(),
        samples: Some((32, 8)),
        figures: record().figures,
        ..Record::default()
    };
    let text = Text::of(&older, &Gathered::default()).all();
    assert!(text.contains("in 40 samples"), "{text}");
    assert!(
        text.contains("trained on 32 samples and evaluated on 8 held-out samples"),
        "{text}"
    );
}

#[test]
fn a_forest_is_not_a_network() {
    let mut forest = record();
    forest.command = "rf-baseline".to_owned();
    forest.settings.insert("trees".to_owned(), 20.into());
    let text = Text::of(&forest, &Gathered::default()).all();
    assert!(
        text.contains("a Random Forest of 20 trees on relative abundances (Breiman 2001)"),
        "{text}"
    );
    assert!(!text.contains("neural network"), "{text}");
}
