//! Predicted against actual values: scatter plots for numbers; what [`classes`] draws for classes.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::words::{count, method, number, with_unit};
use super::{HeldOutSample, HeldOutTarget, classes, figure};
use crate::chart::{Point, Scatter};
use crate::presentation::unit;
use aam_evaluation::results::TargetPrediction;

/// The predictions of a target, which is the only one or one of `several`, in a run with these
/// `settings`.
pub fn section(target: &HeldOutTarget, several: bool, settings: &Map<String, Value>) -> Markup {
    let of = match several {
        true => format!(": {}", target.name),
        false => String::new(),
    };
    html! {
        section {
            h2 { "Predicted against actual" (of) }
            @match &target.classes {
                None => { (numbers(target, unit(settings, &target.name))) }
                Some(names) => { (classes::charts(target, names, settings)) }
            }
        }
    }
}

fn numbers(target: &HeldOutTarget, unit: Option<&str>) -> Markup {
    let name = method(target.reference.unwrap_or_default());
    let mut own = scatter(target, unit, |sample| Some(&sample.predicted), "predicted");
    let mut reference = scatter(
        target,
        unit,
        |sample| sample.reference.as_ref(),
        &format!("predicted by {name}"),
    );
    let has_reference = !reference.points.is_empty();
    if has_reference {
        let (one, other) = (own.extent(), reference.extent());
        let range = (one.0.min(other.0), one.1.max(other.1));
        (own.range, reference.range) = (Some(range), Some(range));
    }
    let intervals = own.points.iter().filter_map(|point| {
        let (low, high) = point.interval?;
        Some(low <= point.actual && point.actual <= high)
    });
    let inside: Vec<bool> = intervals.collect();
    let caption = html! {
        strong { "Held-out samples." } " Dashed: perfect prediction. Orange: least-squares line."
        @if !inside.is_empty() {
            " Bars are intervals; " (count(inside.iter().filter(|inside| **inside).count())) " of "
            (count(inside.len())) " contain the actual value."
        }
    };
    html! {
        div.charts {
            (figure(&own, &caption))
            @if has_reference {
                (figure(&reference, &html! { strong { "The same samples" } ", predicted by " (name) ", on the same axes." }))
            }
        }
    }
}

fn scatter<'a>(
    target: &'a HeldOutTarget,
    unit: Option<&str>,
    of: impl Fn(&'a HeldOutSample) -> Option<&'a TargetPrediction>,
    name: &str,
) -> Scatter {
    let points = target
        .samples
        .iter()
        .filter_map(|sample| match of(sample)? {
            TargetPrediction::Number { value, interval } => Some(Point {
                name: sample.id.clone(),
                actual: sample.actual,
                predicted: *value,
                interval: *interval,
                text: format!(
                    "{}: actual {}, predicted {}",
                    sample.id,
                    number(sample.actual),
                    number(*value)
                ),
            }),
            TargetPrediction::Classes { .. } => None,
        });
    let points: Vec<Point> = points.collect();
    Scatter {
        actual: with_unit(&format!("actual {}", target.name), unit),
        predicted: with_unit(name, unit),
        remarks: remarks(&points, unit),
        points,
        fine: false,
        range: None,
    }
}

/// The number of points, their R² and their mean absolute error.
fn remarks(points: &[Point], unit: Option<&str>) -> Vec<String> {
    let samples = points.len() as f64;
    let mean = points.iter().map(|p| p.actual).sum::<f64>() / samples;
    let squares =
        |error: &dyn Fn(&Point) -> f64| points.iter().map(|p| error(p).powi(2)).sum::<f64>();
    let r2 = 1.0 - squares(&|p| p.predicted - p.actual) / squares(&|p| p.actual - mean);
    let errors = points.iter().map(|p| (p.predicted - p.actual).abs());
    let mae = number(errors.sum::<f64>() / samples);
    vec![
        format!("n = {}", count(points.len())),
        format!("R² = {}", number(r2)),
        match unit {
            Some(unit) => format!("MAE = {mae} {unit}"),
            None => format!("MAE = {mae}"),
        },
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_chart_says_how_good_it_is_in_the_unit_of_the_target() {
        let sample = |id: &str, actual: f64, value: f64, of_forest: f64| {
            let number = |value| TargetPrediction::Number {
                value,
                interval: None,
            };
            HeldOutSample {
                id: id.to_owned(),
                actual,
                predicted: number(value),
                reference: Some(number(of_forest)),
                fold: None,
            }
        };
        let target = HeldOutTarget {
            name: "age".to_owned(),
            classes: None,
            samples: vec![
                sample("a", 1.0, 1.5, 2.0),
                sample("b", 2.0, 2.0, 2.0),
                sample("c", 3.0, 2.5, 2.0),
            ],
            reference: Some("forest"),
        };
        let json = json!({"metadata-column": ["age"], "unit": ["years"]});
        let page = section(&target, false, json.as_object().unwrap()).into_string();
        // R² is 1 − 0.5 / 2; that of a constant, its own mean, is 0.
        for words in [
            "n = 3",
            "R² = 0.750",
            ">R² = 0<",
            "MAE = 0.333 years",
            "MAE = 0.667 years",
            "actual age (years)",
            "predicted by forest (years)",
            "on the same axes",
            "download=\"predicted-years-against-actual-age-years.tsv\"",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
        let page = section(&target, false, &Map::new()).into_string();
        assert!(
            page.contains("MAE = 0.333<") && page.contains("actual age<"),
            "{page}"
        );
    }
}
