//! Tests of search space parsing.

use super::*;

fn read(search: &str) -> Result<Vec<Dimension>, String> {
    let space = Space::read(Some(search), &TrainOptions::default());
    space
        .map(|space| space.dimensions)
        .map_err(|error| error.to_string())
}

#[test]
fn ranges_and_values_are_read() {
    let found = read("lr=1e-4..1e-2 log; weight-decay = 0..0.5 ;batch-size=16|32;").unwrap();
    let range = |low, high, log| Values::Range {
        low,
        high,
        log,
        whole: false,
    };
    assert_eq!(found[0].values, range(1e-4, 1e-2, true));
    assert_eq!(found[1].values, range(0.0, 0.5, false));
    assert_eq!(found[2].values, Values::Choices(vec![16.into(), 32.into()]));
    let found = read("token-limit=10..20; preset=tiny|small; decay-all; lr").unwrap();
    assert!(matches!(found[0].values, Values::Range { whole: true, .. }));
    assert_eq!(
        found[2].values,
        Values::Choices(vec![false.into(), true.into()])
    );
    assert_eq!(found[3].values, range(3e-4, 3e-2, true));
}

#[test]
fn what_cannot_be_searched_is_refused() {
    for (search, words) in [
        ("lrr=1|2", "did you mean 'lr'?"),
        ("lr=2..1", "with LOW below HIGH"),
        ("lr=0..1 log", "above 0"),
        ("lr=fast", "expected a number"),
        ("lr;lr", "named twice"),
        ("preset=tiny..small", "only numbers can have a range"),
        ("metadata", "has no range"),
        ("tail.width=1|2", "no such setting"),
        (" ; ", "names no setting"),
    ] {
        let error = read(search).unwrap_err();
        assert!(error.contains(words), "{search}: {error}");
    }
}

#[test]
fn settings_are_those_drawn() {
    let train = TrainOptions::default();
    let space = Space::read(Some("lr=1|2; batch-size=4..8"), &train).unwrap();
    let settings = space.settings(&[2.into(), 5.into()], &train).unwrap();
    assert_eq!(
        Value::Object(settings),
        serde_json::json!({"lr": 2, "batch-size": 5})
    );
}
