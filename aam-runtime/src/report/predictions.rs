//! Predictions beside what is: points of numbers; a confusion matrix and ROC curves of classes.

use maud::{Markup, html};

use super::words::number;
use super::{HeldOutSample, HeldOutTarget, figure};
use crate::chart::{Curve, Ink, Point, Roc, Scatter, roc};
use crate::evaluation::ranks::auc;
use crate::train::inference::TargetPrediction;
use crate::train::metrics::argmax;

/// Classes whose ROC curves are drawn, at most.
const MOST_CURVES: usize = 6;
/// Classes of a confusion matrix, at most.
const MOST_CLASSES: usize = 30;

/// The predictions of a target, one of `several` or the only one.
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
    let forest = scatter(
        target,
        |sample| sample.forest.as_ref(),
        "predicted by the Random Forest",
    );
    let intervals = own.points.iter().filter_map(|point| {
        let (low, high) = point.interval?;
        Some(low <= point.actual && point.actual <= high)
    });
    let inside: Vec<bool> = intervals.collect();
    let caption = html! {
        strong { "Held-out samples." } " Dashed: where a perfect prediction is. Orange: the straight line that fits best."
        @if !inside.is_empty() {
            " Bars are intervals; " (inside.iter().filter(|inside| **inside).count()) " of "
            (inside.len()) " hold the actual value."
        }
    };
    html! {
        div.charts {
            (figure(&own, &caption))
            @if !forest.points.is_empty() {
                (figure(&forest, &html! { strong { "The same samples" } " by a Random Forest on relative abundances." }))
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
            TargetPrediction::Classes(_) => None,
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
    for sample in &target.samples {
        if let TargetPrediction::Classes(probabilities) = &sample.predicted {
            let actual = sample.actual as usize;
            counts[actual][argmax(probabilities)] += 1;
            for (class, p) in probabilities.iter().enumerate() {
                scores[class].push((*p, class == actual));
            }
        }
    }
    html! {
        div.charts {
            (confusion(classes, &counts))
            (curves(classes, &scores))
        }
    }
}

fn confusion(classes: &[String], counts: &[Vec<u64>]) -> Markup {
    if classes.len() > MOST_CLASSES {
        return html! {
            p.muted { "There are " (classes.len()) " classes: confusion_matrix.tsv has how often each is taken for each." }
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
            figcaption { strong { "Confusion matrix" } " of the held-out samples; the darker, the larger the share of its row." }
        }
    }
}

fn curves(classes: &[String], scores: &[Vec<(f64, bool)>]) -> Markup {
    let of_class = classes.iter().zip(scores).filter_map(|(class, scores)| {
        let size = scores.iter().filter(|score| score.1).count();
        Some((size, class, roc(scores)?, auc(scores)?))
    });
    let mut all: Vec<_> = of_class.collect();
    // The curve of the second of two classes is that of the first, seen from the other corner.
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
        strong { "ROC curves" } " of each class against all others, with the area below. "
        span.keys {
            @for (place, (_, class, _, area)) in all.iter().enumerate() {
                span { span.key style=(format!("background:var(--s{})", place + 1)) {} (class) " " (number(*area)) }
                " "
            }
        }
        @if more > 0 { (more) " smaller classes are left out." }
    };
    figure(&chart, &caption)
}
