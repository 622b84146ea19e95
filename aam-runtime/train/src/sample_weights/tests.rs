//! Weights of samples by category.

use super::*;
use aam_data::read_metadata;

/// Six samples at three sites, of which the last lacks a season; a site without samples.
const METADATA: &str = "id\tsite\tseason\na\tgut\tdry\nb\tgut\twet\nc\tgut\twet\n\
                        d\tsoil\twet\ne\tsoil\twet\nf\tsea\t\nz\tmoon\tcold\n";

fn metadata() -> Metadata {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.tsv");
    std::fs::write(&path, METADATA).unwrap();
    read_metadata(&path).unwrap()
}

fn scheme(json: &str) -> Scheme {
    Scheme::Given(given::read(&NamedValues::Text(json.to_owned())).unwrap())
}

/// The weights of the samples a to f, and the summary.
fn weigh(scheme: Scheme, columns: &[&str]) -> Result<(Vec<f32>, String), RunError> {
    let columns = columns.iter().map(|&name| name.to_owned()).collect();
    let weighting = Weighting { scheme, columns };
    let ids = ["a", "b", "c", "d", "e", "f"].map(str::to_owned);
    let mut table = String::new();
    let mut notes = |note: String| {
        table.push_str(&note);
        Ok(())
    };
    let weights = weighting.weigh(&metadata(), &ids, &[0, 1, 2, 3, 4, 5], &mut notes)?;
    Ok((weights, table))
}

#[track_caller]
fn assert_weights(found: &[f32], expected: [f64; 6]) {
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (f64::from(*found) - expected).abs() < 1e-6,
            "{found} {expected}"
        );
    }
}

#[test]
fn auto_makes_categories_equal() {
    let (weights, table) = weigh(Scheme::Auto, &["site"]).unwrap();
    // N / (K n) for 6 samples in 3 categories.
    let (gut, soil, sea) = (2.0 / 3.0, 1.0, 2.0);
    assert_weights(&weights, [gut, gut, gut, soil, soil, sea]);
    let first = table.lines().nth(1).unwrap();
    assert_eq!(first, "     2.000  site=sea (n = 1)");
}

#[test]
fn effective_numbers_lie_between_equal_samples_and_equal_categories() {
    let (weights, _) = weigh(Scheme::Effective(0.0), &["site"]).unwrap();
    assert_weights(&weights, [1.0; 6]);
    // (1 − β) / (1 − βⁿ) with β = 1/2 and n = 3, 2, 1 is 4/7, 2/3, 1.
    let (weights, _) = weigh(Scheme::Effective(0.5), &["site"]).unwrap();
    let mean = (3.0 * 4.0 / 7.0 + 2.0 * 2.0 / 3.0 + 1.0) / 6.0;
    let (gut, soil, sea) = (4.0 / 7.0 / mean, 2.0 / 3.0 / mean, 1.0 / mean);
    assert_weights(&weights, [gut, gut, gut, soil, soil, sea]);
    let (weights, _) = weigh(Scheme::Effective(1.0 - 1e-9), &["site"]).unwrap();
    assert_weights(&weights, [2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0, 1.0, 1.0, 2.0]);
}

#[test]
fn names_may_be_short_full_or_in_another_order() {
    for json in [
        r#"{"gut": 2, "moon": 9}"#,
        r#"{"site=gut": 2.0}"#,
        r#"{" gut": 2, "soil": 1}"#,
    ] {
        // 3 of 6 samples have weight 2: the mean is 1.5.
        let (weights, _) = weigh(scheme(json), &["site"]).unwrap();
        let (gut, other) = (2.0 / 1.5, 1.0 / 1.5);
        assert_weights(&weights, [gut, gut, gut, other, other, other]);
    }
    let both = ["site", "season"];
    for json in [
        r#"{"site=gut,season=dry": 7}"#,
        r#"{"season=dry, site=gut": 7}"#,
        r#"{"gut,dry": 7}"#,
        r#"{"dry": 7}"#,
    ] {
        let (weights, _) = weigh(scheme(json), &both).unwrap();
        assert_weights(&weights, [3.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
    }
}

#[test]
fn weights_by_column_and_level_are_multiplied() {
    let (weights, _) = weigh(scheme(r#"{"site": {"gut": 2}}"#), &["site"]).unwrap();
    let (gut, other) = (2.0 / 1.5, 1.0 / 1.5);
    assert_weights(&weights, [gut, gut, gut, other, other, other]);
    let both = r#"{"season": {"wet": 3.0}, "site": {"gut": 2.0}}"#;
    let options = TrainOptions {
        target: TargetOptions {
            categorical_loss_weights: Some(NamedValues::Text(both.to_owned())),
            ..TargetOptions::default()
        },
        ..TrainOptions::default()
    };
    let read = Weighting::read(&options).unwrap().unwrap();
    assert_eq!(read.columns, ["season", "site"]);
    // dry gut 2, wet gut 6 twice, wet soil 3 twice; f lacks a season and counts 1.
    let (weights, _) = weigh(scheme(both), &["season", "site"]).unwrap();
    let mean = 21.0 / 6.0;
    assert_weights(&weights, [2.0, 6.0, 6.0, 3.0, 3.0, 1.0].map(|w| w / mean));
    for (json, expected) in [
        (
            r#"{"site": {"gut": 0}}"#,
            "'site.gut': expected a number above 0",
        ),
        (
            r#"{"site": {"gut": 2}, "soil": 2}"#,
            "give either weights by category",
        ),
    ] {
        let error = given::read(&NamedValues::Text(json.to_owned())).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    for (json, expected) in [
        (
            r#"{"site": {"guts": 2}}"#,
            "category 'site=guts' (did you mean 'site=gut'?)",
        ),
        (
            r#"{"sites": {"gut": 2}}"#,
            "'sites' is not one of the weighted columns",
        ),
    ] {
        let error = weigh(scheme(json), &["site"]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_sample_without_a_category_has_the_average_weight() {
    // Four combinations in five samples; f has none.
    let (weights, _) = weigh(Scheme::Auto, &["site", "season"]).unwrap();
    let (one, two) = (5.0 / 3.0, 5.0 / 6.0);
    assert_weights(&weights, [one, two, two, two, two, 1.0]);
}

#[test]
fn names_that_are_unknown_or_stand_for_several_are_refused() {
    let error = |json: &str, columns: &[&str]| {
        let error = weigh(scheme(json), columns).unwrap_err();
        error.to_string()
    };
    let unknown = error(r#"{"guts": 2}"#, &["site"]);
    assert!(
        unknown.starts_with("--categorical-loss-weights: no sample of "),
        "{unknown}"
    );
    let end = "m.tsv has the category 'guts' (did you mean 'gut'?); categories: site=gut, \
               site=moon, site=sea, site=soil";
    assert!(unknown.ends_with(end), "{unknown}");
    let several = error(r#"{"gut": 2}"#, &["site", "season"]);
    let end = "'gut' stands for several categories: site=gut,season=dry, site=gut,season=wet";
    assert!(several.ends_with(end), "{several}");
    let twice = error(r#"{"gut": 2, "site=gut": 3}"#, &["site"]);
    assert!(
        twice.ends_with("the category site=gut has two weights"),
        "{twice}"
    );
}

#[test]
fn weights_are_finite_and_above_0() {
    for weight in ["0", "-1", "1e300", "null", "\"2\""] {
        let json = NamedValues::Text(format!(r#"{{"gut": {weight}}}"#));
        let error = given::read(&json).unwrap_err().to_string();
        assert!(
            error.contains("'gut': expected a number above 0"),
            "{error}"
        );
    }
    let toml = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    std::fs::write(toml.path(), "gut = inf\n").unwrap();
    let path = NamedValues::Text(toml.path().display().to_string());
    assert!(given::read(&path).is_err());
}

#[test]
fn conflicting_settings_are_refused() {
    let options = |weights: Option<&str>, columns: &[&str], beta| TrainOptions {
        target: TargetOptions {
            categorical_loss_weights: weights.map(|text| NamedValues::Text(text.to_owned())),
            categorical_loss_weight_column: columns.iter().map(|&c| c.to_owned()).collect(),
            categorical_loss_weight_beta: beta,
            ..TargetOptions::default()
        },
        ..TrainOptions::default()
    };
    let read = |options: &TrainOptions| Weighting::read(options);
    assert_eq!(read(&options(None, &[], 0.9)).unwrap(), None);
    assert_eq!(read(&options(Some("none"), &[], 0.9)).unwrap(), None);
    let error = |options: &TrainOptions| read(options).unwrap_err().to_string();
    assert!(error(&options(None, &["site"], 0.9)).contains("does nothing without"));
    assert!(error(&options(Some("auto"), &[], 0.9)).contains("needs --categorical-loss-weight"));
    assert!(error(&options(Some("effectiv"), &["site"], 0.9)).contains("did you mean 'effective'"));
    let mut first = options(Some("auto"), &[], 0.9);
    first.categories.categorical_columns = vec!["site".to_owned(), "season".to_owned()];
    assert_eq!(read(&first).unwrap().unwrap().columns, ["site"]);
}
