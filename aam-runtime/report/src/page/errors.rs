//! Errors by group, and the samples with the largest errors.

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};
use serde_json::{Map, Value};

use super::gathered::AboutSample;
use super::groups::{Grouping, groupings};
use super::subgroups;
use super::words::{method, number, plain, share};
use super::{HeldOutSample, HeldOutTarget};
use crate::chart;
use crate::chart::Strip;
use aam_api::metric::argmax;
use aam_core::text::{agreeing, counted};
use aam_evaluation::distribution::quantile;
use aam_evaluation::results::TargetPrediction;
use aam_evaluation::sample_reads::SampleReads;
use aam_evaluation::subgroups::{Division, FEWEST, Subgroup, subgroups as subgroups_of};

/// Maximum number of groups of a column shown.
const MOST_GROUPS: usize = 20;
/// Minimum number of samples of a group shown; fewer say little about it.
const FEWEST_SHOWN: usize = 5;
/// Number of samples in the table of the worst.
const WORST: usize = 15;

/// Columns of the tables of groups, with whether they hold numbers.
const NUMERIC: [(&str, bool); 5] = [
    ("median", true),
    ("mean absolute", true),
    ("interval", false),
    ("q", true),
    ("errors", false),
];
const CLASSES: [(&str, bool); 4] = [
    ("correct", true),
    ("interval", false),
    ("q", true),
    ("share", false),
];

/// The groupings by which the errors of a target are analysed, and the errors of their subgroups.
pub fn analysed(
    target: &HeldOutTarget,
    about: &[AboutSample],
    settings: &Map<String, Value>,
) -> (Vec<Grouping>, Vec<Subgroup>) {
    let samples = &target.samples;
    let ids: Vec<String> = samples.iter().map(|sample| sample.id.clone()).collect();
    let errors: Vec<f64> = samples.iter().map(|sample| target.error(sample)).collect();
    let actual = match target.classes {
        Some(_) => Vec::new(),
        None => samples.iter().map(|sample| sample.actual).collect(),
    };
    let mut all = groupings(settings, &ids, &errors, &actual);
    let folds: Vec<Option<String>> = samples.iter().map(|s| s.fold.clone()).collect();
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
    all.extend(by_quarters(target, about));
    let sizes: Vec<f64> = samples.iter().map(|s| size(target, s)).collect();
    let units = subgroups::units(about, samples.len());
    let seed = settings.get("seed").and_then(Value::as_u64).unwrap_or(0);
    let divisions = all.iter().map(|grouping| Division {
        by: &grouping.column,
        of: &grouping.of,
    });
    let divisions: Vec<Division<'_>> = divisions.collect();
    let found = subgroups_of(&divisions, &sizes, &units, seed);
    (all, found)
}

/// Groupings by the reads of the samples and by the confidence of their predictions.
fn by_quarters(target: &HeldOutTarget, about: &[AboutSample]) -> Vec<Grouping> {
    let samples = &target.samples;
    let of_reads = |value: &dyn Fn(&SampleReads) -> Option<f64>| -> Vec<Option<f64>> {
        about
            .iter()
            .map(|about| value(about.reads.as_ref()?))
            .collect()
    };
    let mut all = Vec::new();
    if about.len() == samples.len() {
        let depths = of_reads(&|reads| Some(reads.depth as f64));
        all.extend(subgroups::quarters("reads per sample", &depths));
        let unseen = of_reads(&|reads| reads.unseen);
        let name = "share of the reads in ASVs that training did not see";
        all.extend(subgroups::quarters(name, &unseen));
    }
    let confidence = samples.iter().map(|sample| match &sample.predicted {
        TargetPrediction::Number { interval, .. } => interval.map(|(low, high)| high - low),
        TargetPrediction::Classes { probabilities, .. } => {
            Some(probabilities.iter().copied().fold(0.0, f64::max))
        }
    });
    let name = match target.classes {
        None => "width of the interval",
        Some(_) => "probability of the predicted class",
    };
    let confidence: Vec<Option<f64>> = confidence.collect();
    all.extend(subgroups::quarters(name, &confidence));
    all
}

/// The size of the error of a sample: absolute for numbers, 1 for a wrong class.
fn size(target: &HeldOutTarget, sample: &HeldOutSample) -> f64 {
    match target.classes {
        None => target.error(sample).abs(),
        Some(_) => f64::from(!is_right(sample)),
    }
}

/// Errors by the columns that explain part of them, by the reads of the samples, and by the
/// confidence of their predictions.
pub fn by_group(
    target: &HeldOutTarget,
    about: &[AboutSample],
    settings: &Map<String, Value>,
) -> Markup {
    let samples = target.samples.iter();
    let errors: Vec<f64> = samples.map(|sample| target.error(sample)).collect();
    let (all, found) = analysed(target, about, settings);
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
            (worse(target, &all, &found))
            @for grouping in &all { (column(target, grouping, &errors, &found)) }
        }
    }
}

/// Sentences on the subgroups that are predicted worse than the other samples.
fn worse(target: &HeldOutTarget, all: &[Grouping], found: &[Subgroup]) -> Markup {
    let was_picked = |by: &str| all.iter().any(|of| of.column == by && !of.asked);
    let tested = found.iter().filter(|of| of.q.is_some()).count();
    let worse: Vec<&Subgroup> = found.iter().filter(|of| of.is_worse()).collect();
    html! {
        @if tested > 0 {
            p.muted {
                "Intervals are 95 % bootstrap intervals, of groups with at least " (FEWEST) " samples. "
                "Each of the " (tested) " groups was compared with all other samples; q is adjusted for their number (Benjamini and Hochberg)."
                @if worse.is_empty() { " None is predicted significantly worse than the other samples." }
            }
        }
        @for of in worse {
            p.warning {
                "Predicted worse than the other samples: " (of.by) " " strong { (of.name) } " (n = " (of.samples) "), "
                @match target.classes {
                    None => { "with a mean absolute error of " (number(of.error)) " against " (number(of.of_others)) }
                    Some(_) => { "of which " (percent(of.error)) " are wrong, against " (percent(of.of_others)) }
                }
                " (q = " (share(of.q.unwrap_or(1.0))) ")."
                @if was_picked(&of.by) { " The column was picked because its groups differ, so the true q is larger." }
            }
        }
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

/// The interval of a group as text, and its q-value.
fn tested(target: &HeldOutTarget, of: Option<&Subgroup>) -> [String; 2] {
    let interval = of
        .and_then(|of| of.interval)
        .map(|(low, high)| match target.classes {
            None => format!("{} to {}", number(low), number(high)),
            Some(_) => format!("{} to {}", percent(1.0 - high), percent(1.0 - low)),
        });
    let q = of.and_then(|of| of.q).map(share);
    [interval, q].map(|text| text.unwrap_or_else(|| "–".to_owned()))
}

fn column(
    target: &HeldOutTarget,
    grouping: &Grouping,
    errors: &[f64],
    found: &[Subgroup],
) -> Markup {
    let tested = |name: &str| {
        let of = found
            .iter()
            .find(|of| of.by == grouping.column && of.name == name);
        tested(target, of)
    };
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, value) in grouping.of.iter().enumerate() {
        let value = value.as_deref().unwrap_or("(no value)");
        groups.entry(value).or_default().push(place);
    }
    let mean_size = |places: &[usize]| {
        let sizes = places
            .iter()
            .map(|&place| size(target, &target.samples[place]));
        sizes.sum::<f64>() / places.len() as f64
    };
    let mut groups: Vec<(&str, Vec<usize>)> = groups.into_iter().collect();
    let all = groups.len();
    groups.retain(|(_, places)| places.len() >= FEWEST_SHOWN);
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
                @let columns: &[(&str, bool)] = match target.classes {
                    None => &NUMERIC,
                    Some(_) => &CLASSES,
                };
                @for (name, is_number) in columns { th.n[*is_number] { (name) } }
            } }
            tbody { @for (name, places) in &groups {
                tr {
                    td { (name) } td.n { (places.len()) }
                    @match target.classes {
                        None => {
                            td.n { (plain(median(places, errors))) }
                            td.n { (number(mean_size(places))) }
                            @let [interval, q] = tested(name);
                            td { (interval) } td.n { (q) }
                            td.strip { (PreEscaped(chart::svg(&strip(target, name, places, errors, widest)))) }
                        }
                        Some(_) => {
                            @let right = places.iter().filter(|&&place| is_right(&target.samples[place])).count();
                            @let share = right as f64 / places.len() as f64;
                            td.n { (right) }
                            @let [interval, q] = tested(name);
                            td { (interval) } td.n { (q) }
                            td.strip { span.bar style=(format!("width:{:.0}%", 100.0 * share)) {} (format!("{:.0} %", 100.0 * share)) }
                        }
                    }
                }
            } }
        } } }
        @if more > 0 { p.muted { "and " (counted(more, "more group")) " predicted as well or better" } }
        @if small > 0 { p.muted { (counted(small, "group")) " of fewer than " (FEWEST_SHOWN) " samples " (agreeing(small, "is", "are")) " not shown." } }
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
            h2 { "Samples with the largest errors" }
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
