use super::*;

#[test]
fn what_is_written_is_read_back() {
    let classes = ["a b".to_owned(), "c".to_owned()];
    let targets = [
        TargetColumn {
            name: "age",
            classes: None,
        },
        TargetColumn {
            name: "site",
            classes: Some(&classes),
        },
    ];
    let predictions = vec![
        TargetPrediction::Number {
            value: -1.25,
            interval: Some((-2.0, 0.5)),
        },
        TargetPrediction::classes(vec![1e-7, 0.75]),
    ];
    let sample = PredictedSample {
        id: "10.1",
        predictions: &predictions,
        further: Vec::new(),
        actual: Some(vec![2.0, 1.0]),
        spread: None,
        fold: Some("3"),
        likeness: None,
        abstains: false,
    };
    let text = tsv(&targets, &[sample]).unwrap();
    assert!(text.lines().next().unwrap().ends_with("\tfold"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.tsv");
    std::fs::write(&path, &text).unwrap();
    let read_back = read(&path, &targets).unwrap();
    assert_eq!(read_back, [("10.1".to_owned(), predictions)]);
    std::fs::write(&path, text.replace("-1.25", "x")).unwrap();
    assert!(read(&path, &targets).is_err());
}
#[test]
fn unlike_samples_can_be_left_empty() {
    let predictions = [TargetPrediction::Number {
        value: 2.5,
        interval: Some((1.0, 3.0)),
    }];
    let target = TargetColumn {
        name: "age",
        classes: None,
    };
    let sample = |abstains| PredictedSample {
        id: "s",
        predictions: &predictions,
        further: Vec::new(),
        actual: None,
        spread: Some(&[0.5]),
        fold: None,
        likeness: Some(Likeness {
            unseen_reads: 0.25,
            distance: 1.0,
            unlike: true,
        }),
        abstains,
    };
    let text = tsv(&[target], &[sample(false), sample(true)]).unwrap();
    let expected = "sample-id\tprediction\tspread\tlower\tupper\tunseen_reads\tdistance\tunlike\n\
                    s\t2.5\t0.5\t1\t3\t0.25\t1\tyes\ns\t\t\t\t\t0.25\t1\tyes\n";
    assert_eq!(text, expected);
}

#[test]
fn intervals_and_sets_have_columns_for_each_level() {
    let classes = ["a|b".to_owned(), "c".to_owned()];
    let targets = [
        TargetColumn {
            name: "age",
            classes: None,
        },
        TargetColumn {
            name: "site",
            classes: Some(&classes),
        },
    ];
    let at = |half: f64, set: &[usize]| {
        [
            TargetPrediction::Number {
                value: 2.0,
                interval: Some((2.0 - half, 2.0 + half)),
            },
            TargetPrediction::Classes {
                probabilities: vec![0.25, 0.75],
                set: Some(set.to_vec()),
            },
        ]
    };
    let (first, second) = (at(1.0, &[1]), at(3.0, &[1, 0]));
    let sample = PredictedSample {
        id: "s",
        predictions: &first,
        further: vec![(0.95, &second)],
        actual: Some(vec![2.5, 0.0]),
        spread: None,
        fold: None,
        likeness: None,
        abstains: false,
    };
    let text = tsv(&targets, &[sample]).unwrap();
    let lines: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    let expected = [
        ("sample-id", "s"),
        ("prediction age", "2"),
        ("actual age", "2.5"),
        ("lower age", "1"),
        ("upper age", "3"),
        ("lower_0.95 age", "-1"),
        ("upper_0.95 age", "5"),
        ("prediction site", "c"),
        ("actual site", "a|b"),
        ("prediction_set site", "c"),
        ("prediction_set_0.95 site", "c|a\\|b"),
        ("probability a|b site", "0.25"),
        ("probability c site", "0.75"),
    ];
    let found: Vec<(&str, &str)> = lines[0].iter().copied().zip(lines[1].clone()).collect();
    assert_eq!(found, expected);
}

#[test]
fn values_that_are_not_finite_are_not_written() {
    let classes = ["a".to_owned(), "b".to_owned()];
    let of = |prediction: TargetPrediction, classes| {
        let target = TargetColumn {
            name: "age",
            classes,
        };
        let sample = PredictedSample {
            id: "10.1",
            predictions: &[prediction],
            further: Vec::new(),
            actual: None,
            spread: None,
            fold: None,
            likeness: None,
            abstains: false,
        };
        tsv(&[target], &[sample]).map_err(|error| error.to_string())
    };
    let number = |value, interval| of(TargetPrediction::Number { value, interval }, None);
    for value in [f64::NAN, f64::INFINITY, 1e300] {
        let error = number(value, None).unwrap_err();
        let said = "the prediction of 'age' for the sample '10.1' is ";
        assert!(error.starts_with(said), "{error}");
    }
    assert!(number(1.0, Some((f64::NAN, 2.0))).is_err());
    assert!(number(1.0, Some((f64::NEG_INFINITY, 2.0))).is_ok());
    let classes = Some(&classes[..]);
    let probabilities = |p: [f64; 2]| of(TargetPrediction::classes(p.to_vec()), classes);
    assert!(probabilities([f64::NAN, 0.5]).is_err() && probabilities([0.5, 0.5]).is_ok());
}
