//! Predicted against actual values: scatter plots for numbers; confusion matrix, ROC curves and
//! calibration for classes.

use maud::{Markup, html};

use super::words::{method, number};
use super::{HeldOutSample, HeldOutTarget, figure};
use crate::chart::{Calibration, Curve, Ink, MOST_CLASSES, Point, Roc, Scatter, roc};
use aam_api::metric::{Reliability, area_under_curve, argmax};
use aam_evaluation::results::TargetPrediction;

/// Most classes whose ROC curves are drawn.
const MOST_CURVES: usize = 6;

/// The predictions of a target, which is the only one or one of `several`.
pub fn section(target: &HeldOutTarget, several: bool) -> Markup {
    let of = match several {
        true => format!(": {}", target.name),
        false => String::new(),
    };
    html! {
        section {
            h2 { "Predicted against actual" (of) }
            @match &target.classes {
                None => { (numbers(target)) }
                Some(classes) => { (of_classes(target, classes)) }
            }
        }
    }
}

fn numbers(target: &HeldOutTarget) -> Markup {
    let own = scatter(target, |sample| Some(&sample.predicted), "predicted");
    let name = method(target.reference.unwrap_or_default());
    let reference = scatter(
        target,
        |sample| sample.reference.as_ref(),
        &format!("predicted by {name}"),
    );
    let intervals = own.points.iter().filter_map(|point| {
        let (low, high) = point.interval?;
        Some(low <= point.actual && point.actual <= high)
    });
    let inside: Vec<bool> = intervals.collect();
    let caption = html! {
        strong { "Held-out samples." } " Dashed: perfect prediction. Orange: least-squares line."
        @if !inside.is_empty() {
            " Bars are intervals; " (inside.iter().filter(|inside| **inside).count()) " of "
            (inside.len()) " contain the actual value."
        }
    };
    html! {
        div.charts {
            (figure(&own, &caption))
            @if !reference.points.is_empty() {
                (figure(&reference, &html! { strong { "The same samples" } ", predicted by " (name) "." }))
            }
        }
    }
}

fn scatter<'a>(
    target: &'a HeldOutTarget,
    of: impl Fn(&'a HeldOutSample) -> Option<&'a TargetPrediction>,
    name: &str,
) -> Scatter {
    let points = target
        .samples
        .iter()
        .filter_map(|sample| match of(sample)? {
            TargetPrediction::Number { value, interval } => Some(Point {
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
    Scatter {
        actual: format!("actual {}", target.name),
        predicted: name.to_owned(),
        points: points.collect(),
        fine: false,
    }
}

fn of_classes(target: &HeldOutTarget, classes: &[String]) -> Markup {
    let mut counts = vec![vec![0u64; classes.len()]; classes.len()];
    let mut scores: Vec<Vec<(f64, bool)>> = vec![Vec::new(); classes.len()];
    let mut reliability = Reliability::default();
    for sample in &target.samples {
        if let TargetPrediction::Classes { probabilities, .. } = &sample.predicted {
            let actual = sample.actual as usize;
            counts[actual][argmax(probabilities)] += 1;
            reliability.add_classes(probabilities, actual);
            for (class, p) in probabilities.iter().enumerate() {
                scores[class].push((*p, class == actual));
            }
        }
    }
    html! {
        div.charts {
            (confusion(classes, &counts))
            (curves(classes, &scores))
            (calibration(classes, reliability))
        }
    }
}

fn calibration(classes: &[String], reliability: Reliability) -> Markup {
    let error = reliability.error();
    if error.is_nan() {
        return html! {};
    }
    let caption = html! {
        strong { "Calibration" } " of the probabilities "
        @match classes {
            [_, second] => { "of " (second) }
            _ => { "of every class against all others" }
        }
        ": observed share against predicted probability. Dashed: perfect calibration. Lines through the points are 95 % intervals of the observed share; bars at the bottom show the number of predictions. Expected calibration error: "
        (number(error)) "."
    };
    figure(&Calibration { reliability }, &caption)
}

fn confusion(classes: &[String], counts: &[Vec<u64>]) -> Markup {
    if classes.len() > MOST_CLASSES {
        return html! {
            p.muted { "There are " (classes.len()) " classes; confusion_matrix.tsv contains the confusion matrix." }
        };
    }
    html! {
        figure {
            div.scroll { table.confusion {
                thead {
                    tr { th {} th colspan=(classes.len()) { "predicted" } }
                    tr { th.a { "actual" } @for class in classes { th.p { (class) } } }
                }
                tbody {
                    @for (class, row) in classes.iter().zip(counts) {
                        @let all = row.iter().sum::<u64>();
                        tr {
                            th.a { (class) }
                            @for count in row {
                                @let share = 0.06 + 0.6 * *count as f64 / all.max(1) as f64;
                                td.c style=(format!("--share:{share:.2}")) { (count) }
                            }
                        }
                    }
                }
            } }
            figcaption { strong { "Confusion matrix" } " of the held-out samples. Darker cells hold a larger share of their row." }
        }
    }
}

fn curves(classes: &[String], scores: &[Vec<(f64, bool)>]) -> Markup {
    let of_class = classes.iter().zip(scores).filter_map(|(class, scores)| {
        let size = scores.iter().filter(|score| score.1).count();
        Some((size, class, roc(scores)?, area_under_curve(scores)?))
    });
    let mut all: Vec<_> = of_class.collect();
    // With two classes, the curve of the second is the mirror image of that of the first.
    if classes.len() == 2 {
        all.truncate(1);
    }
    all.sort_by_key(|(size, ..)| std::cmp::Reverse(*size));
    let more = all.len().saturating_sub(MOST_CURVES);
    all.truncate(MOST_CURVES);
    if all.is_empty() {
        return html! {};
    }
    let curves = all
        .iter()
        .enumerate()
        .map(|(place, (_, class, points, _))| Curve {
            name: (*class).clone(),
            ink: Ink::series(place),
            points: points.clone(),
        });
    let chart = Roc {
        curves: curves.collect(),
    };
    let caption = html! {
        strong { "ROC curves" } " of each class against all others, with the area under each curve. "
        span.keys {
            @for (place, (_, class, _, area)) in all.iter().enumerate() {
                span { span.key style=(format!("background:var(--s{})", place + 1)) {} (class) " " (number(*area)) }
                " "
            }
        }
        @if more > 0 { (more) " smaller classes are not shown." }
    };
    figure(&chart, &caption)
}
