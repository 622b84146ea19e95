//! Errors by group, and the samples with the largest errors.

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};
use serde_json::{Map, Value};

use super::groups::{Grouping, groupings};
use super::words::{method, number, plain, share};
use super::{HeldOutSample, HeldOutTarget};
use crate::chart;
use crate::chart::Strip;
use aam_api::metric::argmax;
use aam_evaluation::distribution::quantile;
use aam_evaluation::results::TargetPrediction;

/// Most groups of a column shown.
const MOST_GROUPS: usize = 20;
/// Fewest samples of a group shown; fewer say little about it.
const FEWEST: usize = 5;
/// Number of samples in the table of the worst.
const WORST: usize = 15;

/// Errors by the columns that explain part of them.
pub fn by_group(target: &HeldOutTarget, settings: &Map<String, Value>) -> Markup {
    let ids: Vec<String> = target
        .samples
        .iter()
        .map(|sample| sample.id.clone())
        .collect();
    let samples = target.samples.iter();
    let errors: Vec<f64> = samples.map(|sample| target.error(sample)).collect();
    let actual = match target.classes {
        Some(_) => Vec::new(),
        None => target.samples.iter().map(|sample| sample.actual).collect(),
    };
    let mut all = groupings(settings, &ids, &errors, &actual);
    let folds: Vec<Option<String>> = target.samples.iter().map(|s| s.fold.clone()).collect();
    if folds.iter().any(Option::is_some) {
        all.insert(
            0,
            Grouping {
                column: "fold".to_owned(),
                of: folds,
                explained: 0.0,
                asked: true,
            },
        );
    }
    if all.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { "Errors by group" }
            p.muted {
                @match target.classes {
                    None => { "Predicted minus actual " (target.name) ", in its own unit: samples to the right of the line are predicted too high. The box spans the middle half of a group; the line in it is the median." }
                    Some(_) => { "How many samples of each group are predicted correctly." }
                }
                @if all.iter().any(|grouping| !grouping.asked) {
                    " Columns not named in the settings are the metadata columns whose groups differ most; among many columns, some differ by chance."
                }
            }
            @for grouping in &all { (column(target, grouping, &errors)) }
        }
    }
}

fn column(target: &HeldOutTarget, grouping: &Grouping, errors: &[f64]) -> Markup {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, value) in grouping.of.iter().enumerate() {
        let value = value.as_deref().unwrap_or("(no value)");
        groups.entry(value).or_default().push(place);
    }
    let mean_size = |places: &[usize]| {
        places.iter().map(|&place| errors[place].abs()).sum::<f64>() / places.len() as f64
    };
    let mut groups: Vec<(&str, Vec<usize>)> = groups.into_iter().collect();
    let all = groups.len();
    groups.retain(|(_, places)| places.len() >= FEWEST);
    let small = all - groups.len();
    let more = groups.len().saturating_sub(MOST_GROUPS);
    if more > 0 {
        groups.sort_by(|a, b| mean_size(&b.1).total_cmp(&mean_size(&a.1)));
        groups.truncate(MOST_GROUPS);
    }
    let widest = errors.iter().map(|error| error.abs()).fold(0.0, f64::max);
    html! {
        h3 { (grouping.column) }
        @if !groups.is_empty() { div.scroll { table.groups {
            thead { tr {
                th { } th.n { "samples" }
                @match target.classes {
                    None => { th.n { "median" } th.n { "mean absolute" } th { "errors" } }
                    Some(_) => { th.n { "correct" } th { "share" } }
                }
            } }
            tbody { @for (name, places) in &groups {
                tr {
                    td { (name) } td.n { (places.len()) }
                    @match target.classes {
                        None => {
                            td.n { (plain(median(places, errors))) }
                            td.n { (number(mean_size(places))) }
                            td.strip { (PreEscaped(chart::svg(&strip(target, name, places, errors, widest)))) }
                        }
                        Some(_) => {
                            @let right = places.iter().filter(|&&place| is_right(&target.samples[place])).count();
                            @let share = right as f64 / places.len() as f64;
                            td.n { (right) }
                            td.strip { span.bar style=(format!("width:{:.0}%", 100.0 * share)) {} (format!("{:.0} %", 100.0 * share)) }
                        }
                    }
                }
            } }
        } } }
        @if more > 0 { p.muted { "and " (more) " more groups that are predicted better" } }
        @if small > 0 { p.muted { (small) " groups of fewer than " (FEWEST) " samples are not shown." } }
    }
}

fn median(places: &[usize], errors: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = places.iter().map(|&place| errors[place]).collect();
    sorted.sort_by(f64::total_cmp);
    quantile(&sorted, 0.5)
}

fn strip(
    target: &HeldOutTarget,
    name: &str,
    places: &[usize],
    errors: &[f64],
    widest: f64,
) -> Strip {
    let errors = places.iter().map(|&place| {
        let text = format!("{}: {}", target.samples[place].id, number(errors[place]));
        (errors[place], text)
    });
    Strip {
        name: name.to_owned(),
        errors: errors.collect(),
        widest,
    }
}

fn is_right(sample: &HeldOutSample) -> bool {
    match &sample.predicted {
        TargetPrediction::Classes { probabilities, .. } => {
            argmax(probabilities) == sample.actual as usize
        }
        TargetPrediction::Number { .. } => false,
    }
}

/// The samples with the largest errors.
pub fn worst(target: &HeldOutTarget) -> Markup {
    let mut samples: Vec<&HeldOutSample> = target.samples.iter().collect();
    samples.sort_by(|a, b| target.error(b).abs().total_cmp(&target.error(a).abs()));
    if target.classes.is_some() {
        samples.retain(|sample| !is_right(sample));
    }
    samples.truncate(WORST);
    let with_folds = samples.iter().any(|sample| sample.fold.is_some());
    html! {
        section {
            h2 { "Samples furthest off" }
            @if samples.is_empty() {
                p { "No held-out sample is misclassified." }
            } @else {
                p.muted { "Check these for wrong labels, failed sequencing, or anything else that sets them apart from the other samples." }
                div.scroll { table {
                    thead { tr {
                        th { "sample" }
                        @match target.classes {
                            None => { th.n { "actual" } th.n { "predicted" } th.n { "error" } }
                            Some(_) => { th { "actual" } th { "predicted" } th.n { "probability of the actual class" } }
                        }
                        @if let Some(name) = target.reference { th.n { (method(name)) } }
                        @if with_folds { th.n { "fold" } }
                    } }
                    tbody { @for sample in samples {
                        tr {
                            td.id { (sample.id) }
                            @match &target.classes {
                                None => {
                                    td.n { (number(sample.actual)) }
                                    td.n { (shown(target, &sample.predicted)) }
                                    td.n { (number(target.error(sample))) }
                                }
                                Some(classes) => {
                                    td { (classes.get(sample.actual as usize).map_or("–", String::as_str)) }
                                    td { (shown(target, &sample.predicted)) }
                                    td.n { (share(1.0 - target.error(sample))) }
                                }
                            }
                            @if target.reference.is_some() {
                                td.n { @if let Some(reference) = &sample.reference { (shown(target, reference)) } }
                            }
                            @if with_folds { td.n { (sample.fold.as_deref().unwrap_or_default()) } }
                        }
                    } }
                } }
            }
        }
    }
}

fn shown(target: &HeldOutTarget, prediction: &TargetPrediction) -> String {
    match prediction {
        TargetPrediction::Number {
            value,
            interval: Some((low, high)),
        } => format!("{} ({} to {})", number(*value), number(*low), number(*high)),
        TargetPrediction::Number { value, .. } => number(*value),
        TargetPrediction::Classes { probabilities, .. } => {
            let classes = target.classes.as_deref().unwrap_or_default();
            classes
                .get(argmax(probabilities))
                .cloned()
                .unwrap_or_default()
        }
    }
}
