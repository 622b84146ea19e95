use aam_run::event_json::RecordedFigure;
use serde_json::{Map, json};

use super::*;
use crate::record::{HeldOutSize, StudySize};

fn record() -> Record {
    let settings = json!({
        "metadata-column": ["status"], "classifier": true, "stratify": true,
        "members": ["network"],
    });
    Record {
        command: "train".to_owned(),
        settings: settings.as_object().unwrap().clone(),
        study: Some(StudySize {
            samples: 40,
            asvs: 30,
        }),
        held_out: Some(HeldOutSize {
            samples: 40,
            folds: Some(5),
            groups: None,
            targets: vec![HeldOutValues {
                name: "status".to_owned(),
                classes: vec![("<healthy>".to_owned(), 35), ("sick".to_owned(), 5)],
                numbers: None,
            }],
        }),
        figures: vec![RecordedFigure {
            name: "auc".to_owned(),
            value: Some(0.75),
            lower: None,
            upper: None,
            others: Map::new(),
        }],
        notes: vec!["3 samples without a target are dropped, 40 are kept".to_owned()],
        ..Record::default()
    }
}

#[test]
fn the_card_holds_what_is_known_and_marks_what_is_not() {
    let page = section(&record(), &Gathered::default()).into_string();
    for words in [
        "status: &lt;healthy&gt; 35, sick 5",
        "reads of 30 ASVs",
        "3 samples without a target are dropped",
        "5-fold cross-validation, stratified by class",
        "AUC: 0.750",
        "only 40 samples",
        "few held-out samples of sick (5)",
        "no column of the metadata was found that looks like a subject",
        "<mark>To fill in: ",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(
        section(&Record::default(), &Gathered::default())
            .into_string()
            .is_empty()
    );
}

#[test]
fn findings_on_leaks_are_reported() {
    let mut found = record();
    found.warnings =
        vec!["column 'mouse' …; keep them together with --group-column mouse".to_owned()];
    let page = section(&found, &Gathered::default()).into_string();
    assert!(page.contains("Repeated samples: column 'mouse'"), "{page}");
    assert!(
        !page.contains("no column of the metadata was found"),
        "{page}"
    );
    found
        .settings
        .insert("group-column".to_owned(), "mouse".into());
    let page = section(&found, &Gathered::default()).into_string();
    assert!(
        page.contains("the same mouse are never on both sides"),
        "{page}"
    );
}
