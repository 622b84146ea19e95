//! Predicted against actual classes: confusion matrix, precision and recall, ROC and
//! precision–recall curves, calibration.

use aam_core::text::{agreeing, counted};
use maud::{Markup, html};
use serde_json::{Map, Value};

use super::words::{count, method, number};
use super::{HeldOutSample, HeldOutTarget, figure, saved};
use crate::chart::{
    Calibration, Confusion, Curve, Ink, MOST_CLASSES, PrecisionRecall, Roc, average_precision,
    precision_recall, roc,
};
use crate::presentation::positive;
use aam_api::metric::{Reliability, area_under_curve, argmax};
use aam_evaluation::results::TargetPrediction;

/// Maximum number of classes that have curves.
const MOST_CURVES: usize = 6;

/// The probabilities that a method gives to the classes of the samples.
struct Judged<'a> {
    /// The method.
    name: String,
    /// The probabilities and the actual class of every sample.
    samples: Vec<(&'a [f64], usize)>,
}

impl<'a> Judged<'a> {
    fn of(
        name: String,
        target: &'a HeldOutTarget,
        predicted: impl Fn(&'a HeldOutSample) -> Option<&'a TargetPrediction>,
    ) -> Self {
        let samples = target.samples.iter().filter_map(|sample| {
            let TargetPrediction::Classes { probabilities, .. } = predicted(sample)? else {
                return None;
            };
            Some((probabilities.as_slice(), sample.actual as usize))
        });
        Self {
            name,
            samples: samples.collect(),
        }
    }

    /// How often samples of each class (row) are predicted as each class (column).
    fn counts(&self, classes: usize) -> Vec<Vec<u64>> {
        let mut counts = vec![vec![0; classes]; classes];
        for (probabilities, actual) in &self.samples {
            counts[*actual][argmax(probabilities)] += 1;
        }
        counts
    }

    /// The probability of `class` for every sample, and whether the sample belongs to it.
    fn scores(&self, class: usize) -> Vec<(f64, bool)> {
        let samples = self.samples.iter();
        samples
            .map(|(p, actual)| (p[class], *actual == class))
            .collect()
    }
}

/// The charts and tables of a target with these `classes`, in a run with these `settings`.
pub fn charts(target: &HeldOutTarget, classes: &[String], settings: &Map<String, Value>) -> Markup {
    let own = Judged::of("model".to_owned(), target, |sample| Some(&sample.predicted));
    let name = method(target.reference.unwrap_or_default());
    let other = Judged::of(name, target, |sample| sample.reference.as_ref());
    let other = Some(other).filter(|other| !other.samples.is_empty());
    let positive = positive(settings, classes);
    html! {
        div.charts {
            (confusion(target, classes, &own))
            (calibration(classes, positive, &own))
        }
        (table(classes, positive, &own, other.as_ref()))
        (curves(classes, positive, &own, other.as_ref()))
    }
}

fn calibration(classes: &[String], positive: Option<usize>, own: &Judged<'_>) -> Markup {
    let mut reliability = Reliability::default();
    for (probabilities, actual) in &own.samples {
        match positive {
            Some(class) => reliability.add(probabilities[class], *actual == class),
            None => reliability.add_classes(probabilities, *actual),
        }
    }
    let error = reliability.error();
    if error.is_nan() {
        return html! {};
    }
    let caption = html! {
        strong { "Calibration" } " of the probabilities "
        @match positive {
            Some(class) => { "of " (classes[class]) }
            None => { "of every class against all others" }
        }
        ": observed share against predicted probability. Dashed: perfect calibration. Lines through the points are 95 % intervals of the observed share; bars at the bottom show the number of predictions. Expected calibration error: "
        (number(error)) "."
    };
    figure(&Calibration { reliability }, &caption)
}

fn confusion(target: &HeldOutTarget, classes: &[String], own: &Judged<'_>) -> Markup {
    if classes.len() > MOST_CLASSES {
        return html! {
            p.muted { "There are " (classes.len()) " classes; confusion_matrix.tsv contains the confusion matrix." }
        };
    }
    let chart = Confusion {
        name: target.name.clone(),
        classes: classes.to_vec(),
        counts: own.counts(classes.len()),
    };
    html! {
        figure {
            div.scroll { table.confusion {
                thead {
                    tr { th {} th colspan=(classes.len()) { "predicted" } }
                    tr { th.a { "actual" } @for class in classes { th.p { (class) } } }
                }
                tbody {
                    @for (class, row) in classes.iter().zip(&chart.counts) {
                        @let all = row.iter().sum::<u64>();
                        tr {
                            th.a { (class) }
                            @for number in row {
                                @let share = 0.06 + 0.6 * *number as f64 / all.max(1) as f64;
                                td.c style=(format!("--share:{share:.2}")) { (count(*number as usize)) }
                            }
                        }
                    }
                }
            } }
            figcaption {
                strong { "Confusion matrix" } " of the held-out samples. The colour of a cell is its share of the row: "
                span.cell style="--share:0.06" { "none" } " "
                span.cell style="--share:0.36" { "half" } " "
                span.cell style="--share:0.66" { "all" } "."
            }
            (saved::links(&chart))
        }
    }
}

/// Sizes of the classes, and precision and recall of each.
fn table(
    classes: &[String],
    positive: Option<usize>,
    own: &Judged<'_>,
    other: Option<&Judged<'_>>,
) -> Markup {
    let all = own.samples.len();
    let methods: Vec<(&str, Vec<Vec<u64>>)> = std::iter::once(own)
        .chain(other)
        .map(|judged| (judged.name.as_str(), judged.counts(classes.len())))
        .collect();
    let size = |class: usize| methods[0].1[class].iter().sum::<u64>() as usize;
    let mut order: Vec<usize> = (0..classes.len()).collect();
    let more = order.len().saturating_sub(MOST_CLASSES);
    if more > 0 {
        order.sort_by_key(|class| std::cmp::Reverse(size(*class)));
        order.truncate(MOST_CLASSES);
    }
    html! {
        h3 { "Classes" }
        p.muted {
            "Precision: the share of the samples predicted as a class that belong to it. Recall: the share of the samples of a class that are predicted as it."
            @if let Some(class) = positive { " Positive class: " (classes[class]) "; " code { "--positive-class" } " chooses another." }
        }
        div.scroll { table {
            thead { tr {
                th { "class" } th.n { "samples" } th.n { "share" }
                @for (name, _) in &methods { th.n { "precision, " (name) } th.n { "recall, " (name) } }
            } }
            tbody { @for class in order {
                tr {
                    td { (classes[class]) @if positive == Some(class) { " " span.muted { "(positive)" } } }
                    td.n { (count(size(class))) }
                    td.n { (format!("{:.0} %", 100.0 * size(class) as f64 / all.max(1) as f64)) }
                    @for (_, counts) in &methods {
                        @let (precision, recall) = precision_and_recall(counts, class);
                        td.n { (number(precision)) } td.n { (number(recall)) }
                    }
                }
            } }
        } }
        @if more > 0 { p.muted { "and " (counted(more, "smaller class")) } }
    }
}

/// Precision and recall of `class`; NaN where no sample is predicted as it, or none belongs to it.
fn precision_and_recall(counts: &[Vec<u64>], class: usize) -> (f64, f64) {
    let hits = counts[class][class] as f64;
    let predicted: u64 = counts.iter().map(|row| row[class]).sum();
    let actual: u64 = counts[class].iter().sum();
    (hits / predicted as f64, hits / actual as f64)
}

/// A curve to draw: its name, and the scores it is made from.
type Drawn = (String, Vec<(f64, bool)>);

/// ROC and precision–recall curves: of the positive class for the model and another method, or of
/// each class for the model.
fn curves(
    classes: &[String],
    positive: Option<usize>,
    own: &Judged<'_>,
    other: Option<&Judged<'_>>,
) -> Markup {
    let mut all: Vec<Drawn> = match positive {
        Some(class) => std::iter::once(own)
            .chain(other)
            .map(|judged| (judged.name.clone(), judged.scores(class)))
            .collect(),
        None => classes
            .iter()
            .enumerate()
            .map(|(class, name)| (name.clone(), own.scores(class)))
            .collect(),
    };
    all.retain(|(_, scores)| area_under_curve(scores).is_some());
    let size = |scores: &[(f64, bool)]| scores.iter().filter(|score| score.1).count();
    if positive.is_none() {
        all.sort_by_key(|(_, scores)| std::cmp::Reverse(size(scores)));
    }
    let more = all.len().saturating_sub(MOST_CURVES);
    all.truncate(MOST_CURVES);
    let Some((_, first)) = all.first() else {
        return html! {};
    };
    let of = match (positive, classes) {
        (Some(class), [_, _]) => format!("{} against {}", classes[class], classes[1 - class]),
        (Some(class), _) => format!("{} against all other classes", classes[class]),
        (None, _) => "each class against all others".to_owned(),
    };
    let share = size(first) as f64 / first.len() as f64;
    html! {
        div.charts {
            (roc_curves(&all, &of, more))
            (precision_recall_curves(&all, &of, more, positive.map(|_| share)))
        }
    }
}

fn drawn(all: &[Drawn], points: impl Fn(&[(f64, bool)]) -> Vec<(f64, f64)>) -> Vec<Curve> {
    let curves = all.iter().enumerate().map(|(place, (name, scores))| Curve {
        name: name.clone(),
        ink: Ink::series(place),
        points: points(scores),
    });
    curves.collect()
}

fn roc_curves(all: &[Drawn], of: &str, more: usize) -> Markup {
    let chart = Roc {
        name: format!("ROC curves of {of}"),
        curves: drawn(all, |scores| roc(scores).unwrap_or_default()),
    };
    let areas = all.iter().map(|(_, scores)| area_under_curve(scores));
    let caption = html! {
        strong { "ROC curves" } " of " (of) ", with the area under each curve (AUC). Dashed: guessing. "
        (keys(all, areas.map(|area| area.unwrap_or(f64::NAN))))
        @if more > 0 { (counted(more, "smaller class")) " " (agreeing(more, "is", "are")) " not shown." }
    };
    figure(&chart, &caption)
}

fn precision_recall_curves(all: &[Drawn], of: &str, more: usize, share: Option<f64>) -> Markup {
    let chart = PrecisionRecall {
        name: format!("Precision-recall curves of {of}"),
        curves: drawn(all, |scores| precision_recall(scores).unwrap_or_default()),
        share,
    };
    let precisions = chart
        .curves
        .iter()
        .map(|curve| average_precision(&curve.points));
    let caption = html! {
        strong { "Precision–recall curves" } " of " (of) ", with the average precision of each. "
        @if let Some(share) = share { "Dashed: guessing, whose precision is the share of the class, " (number(share)) ". " }
        (keys(all, precisions))
        @if more > 0 { (counted(more, "smaller class")) " " (agreeing(more, "is", "are")) " not shown." }
    };
    figure(&chart, &caption)
}

/// The key of a chart, with a value for each curve.
fn keys(all: &[Drawn], values: impl Iterator<Item = f64>) -> Markup {
    html! {
        span.keys {
            @for (place, ((name, _), value)) in all.iter().zip(values).enumerate() {
                span { span.key style=(format!("background:var(--s{})", place + 1)) {} (name) " " (number(value)) }
                " "
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn target(classes: &[&str], samples: &[(usize, &[f64], &[f64])]) -> HeldOutTarget {
        let samples = samples.iter().enumerate();
        let samples = samples.map(|(place, (actual, own, other))| HeldOutSample {
            id: format!("s{place}"),
            actual: *actual as f64,
            predicted: TargetPrediction::classes(own.to_vec()),
            reference: Some(TargetPrediction::classes(other.to_vec())),
            fold: None,
        });
        HeldOutTarget {
            name: "status".to_owned(),
            classes: Some(classes.iter().map(|class| (*class).to_owned()).collect()),
            samples: samples.collect(),
            reference: Some("forest"),
        }
    }

    fn page(target: &HeldOutTarget, settings: &Value) -> String {
        let classes = target.classes.as_deref().unwrap();
        charts(target, classes, settings.as_object().unwrap()).into_string()
    }

    #[test]
    fn the_positive_class_is_the_second_or_the_chosen_one() {
        let of_two = target(
            &["healthy", "sick"],
            &[
                (0, &[0.9, 0.1], &[0.4, 0.6]),
                (0, &[0.8, 0.2], &[0.3, 0.7]),
                (0, &[0.4, 0.6], &[0.9, 0.1]),
                (1, &[0.1, 0.9], &[0.2, 0.8]),
            ],
        );
        let of_second = page(&of_two, &json!({}));
        for words in [
            "ROC curves</strong> of sick against healthy",
            "Precision–recall curves</strong> of sick against healthy",
            "Positive class: sick",
            "of the probabilities of sick",
            "the share of the class, 0.250",
            "model 1.00",
            "forest 1.00",
            "precision, forest",
            // Precision and recall of sick by the model: 1 of 2 and 1 of 1.
            "<td class=\"n\">0.500</td><td class=\"n\">1.00</td>",
            "<td class=\"n\">75 %</td>",
        ] {
            assert!(of_second.contains(words), "{words}: {of_second}");
        }
        let of_first = page(&of_two, &json!({"positive-class": "healthy"}));
        for words in [
            "of healthy against sick",
            "Positive class: healthy",
            "the share of the class, 0.750",
        ] {
            assert!(of_first.contains(words), "{words}: {of_first}");
        }
    }

    #[test]
    fn each_of_several_classes_has_curves_and_a_class_that_is_never_predicted_no_precision() {
        let of_three = target(
            &["a", "b", "c"],
            &[
                (0, &[0.8, 0.1, 0.1], &[0.4, 0.3, 0.3]),
                (1, &[0.3, 0.6, 0.1], &[0.4, 0.3, 0.3]),
                (2, &[0.5, 0.2, 0.3], &[0.4, 0.3, 0.3]),
            ],
        );
        let all = page(&of_three, &json!({}));
        for words in [
            "ROC curves</strong> of each class against all others",
            "of every class against all others",
            "<td class=\"n\">–</td><td class=\"n\">0</td>",
        ] {
            assert!(all.contains(words), "{words}: {all}");
        }
        assert!(!all.contains("Positive class"), "{all}");
        let one = page(&of_three, &json!({"positive-class": "b"}));
        assert!(
            one.contains("ROC curves</strong> of b against all other classes"),
            "{one}"
        );
    }
}
