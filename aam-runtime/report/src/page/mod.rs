//! `report.html`: a self-contained page that summarises a run.
//!
//! Charts are drawn as SVG by [`crate::chart`] and take their colours from the page, which is light
//! or dark as its reader prefers. Text from user files enters the page through [`maud`], which
//! escapes it; invisible characters are escaped in the finished page.

mod check;
mod citations;
mod classes;
mod coverage;
mod curves;
mod data;
mod described;
mod errors;
mod explanation;
mod explanation_more;
mod figures;
mod folds;
mod gathered;
mod groups;
mod methods;
mod model_card;
mod ordination;
mod part;
mod predictions;
mod saved;
mod subgroups;
mod words;

use std::fs;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Map, Value};

pub use check::check;
pub use explanation::explanation;
pub use gathered::{AboutSample, Gathered, HeldOutSample, HeldOutTarget};
pub use subgroups::tsv as errors_by;

use crate::chart;
use crate::chart::Chart;
use crate::record::{Record, State};
use aam_core::text::visible;
use aam_run::run_directory::{CONFIG, RunDirectory};

/// Maximum number of targets that have charts of their own.
const MOST_TARGETS: usize = 20;

/// The page of a run; `epochs` are the metrics of its epochs.
pub fn page(
    run: &RunDirectory,
    record: &Record,
    epochs: &[Map<String, Value>],
    gathered: &Gathered,
) -> String {
    let title = title(record);
    let held_out = gathered.targets.first().map_or(0, |t| t.samples.len());
    let config = fs::read_to_string(run.join(CONFIG)).unwrap_or_default();
    let body = html! {
        (header(&title, record))
        (part::of_a_cross_validation(run))
        @if let Some(verdict) = &record.verdict {
            @for sentence in verdict.lines() { p.verdict { (sentence) } }
        }
        @for warning in &record.warnings { p.warning { (warning) } }
        (figures::cards(record, epochs, held_out))
        (figures::table(record))
        @if let Some(folds) = &gathered.folds { (folds::section(folds, &described::list(record, "metadata-column"))) }
        @for target in gathered.targets.iter().take(MOST_TARGETS) {
            (predictions::section(target, gathered.targets.len() > 1, &record.settings))
            (coverage::section(target, &gathered.coverage))
            (errors::by_group(target, &gathered.about, &record.settings))
            (errors::worst(target))
        }
        @if let Some(more @ 1..) = gathered.targets.len().checked_sub(MOST_TARGETS) {
            p.muted { "There are " (more) " more targets; predictions.tsv and evaluation.tsv list all of them." }
        }
        (ordination::section(gathered.ordination.as_ref(), &record.settings))
        (curves::base(&gathered.base, record))
        (curves::section(epochs))
        (data::section(record))
        (methods::section(record, gathered))
        (model_card::section(record, gathered))
        (data::settings(run, record, &config))
        (footer(record))
    };
    document(&title, &body)
}

/// A self-contained page.
fn document(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body { main { (body) } }
        }
    };
    visible(&page.into_string()).into_owned()
}

fn title(record: &Record) -> String {
    let columns = match record.settings.get("metadata-column") {
        Some(Value::Array(names)) => {
            let names: Vec<&str> = names
                .iter()
                .filter_map(Value::as_str)
                .map(str::trim)
                .collect();
            names.join(", ")
        }
        _ => String::new(),
    };
    match record.command.as_str() {
        "pretrain" => "Pre-training".to_owned(),
        "rf-baseline" => format!("Random Forest: {columns}"),
        _ => format!("Predicting {columns}"),
    }
}

fn header(title: &str, record: &Record) -> Markup {
    let (state, class) = match record.outcome {
        State::Finished => ("finished", "badge finished"),
        State::Interrupted => ("interrupted", "badge interrupted"),
        State::Running => ("unfinished", "badge running"),
        State::Failed => ("failed", "badge failed"),
    };
    let table = record.files.iter().find(|file| file.setting == "table");
    html! {
        header {
            h1 { (title) " " span class=(class) { (state) } }
            p.sub {
                @if let Some(table) = table { (words::file_name(&table.path)) " · " }
                code { "aam " (record.command) } " " (record.aam) " · "
                (record.started.replace('T', " ").replace('Z', " UTC")) " · "
                (words::duration(record.seconds))
            }
            @if let Some(error) = &record.error { p.warning { (error) } }
        }
    }
}

fn footer(record: &Record) -> Markup {
    html! {
        footer {
            "Made by aam " (record.aam) ". Hover over a point for details."
            @if record.figures.iter().any(|figure| figure.lower.is_some()) {
                " Metrics are computed over all held-out samples; intervals are 95 % bootstrap intervals, for which "
                @match described::group_column(record) {
                    Some(column) => { "whole groups of " (column) " are drawn." }
                    None => { "these samples are drawn." }
                }
            }
        }
    }
}

/// A chart with a caption and links that save it; empty if it cannot be drawn.
fn figure(chart: &impl Chart, caption: &Markup) -> Markup {
    let svg = chart::svg(chart);
    html! {
        @if !svg.is_empty() {
            figure { (PreEscaped(svg)) figcaption { (caption) } (saved::links(chart)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use aam_run::event_json::RecordedFigure;

    use super::*;

    #[test]
    fn the_footer_says_what_is_drawn_for_intervals() {
        let mut record = Record {
            figures: vec![RecordedFigure {
                name: "r2".to_owned(),
                value: Some(0.5),
                lower: None,
                upper: None,
                others: Map::new(),
            }],
            ..Record::default()
        };
        let words = |record: &Record| footer(record).into_string();
        assert!(!words(&record).contains("bootstrap"));
        record.figures[0].lower = Some(0.25);
        assert!(words(&record).contains("these samples are drawn"));
        let column = Value::from("mouse & cage");
        record.settings.insert("group-column".to_owned(), column);
        assert!(words(&record).contains("whole groups of mouse &amp; cage are drawn"));
    }
}
