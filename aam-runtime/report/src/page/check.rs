//! The page of a check: the contents of the files of a study, with histograms.

use maud::{Markup, html};

use super::words::file_name;
use super::{document, figure};
use crate::chart::Histogram;
use crate::check::{
    CheckReport, ColumnFound, Matching, Related, SamplesFound, SequencesFound, TargetFound,
};
use crate::words::{self, command_line};
use aam_evaluation::distribution::{Distribution, number};

/// Maximum number of columns and classes shown with bars.
const MOST_BARS: usize = 20;

/// The page.
pub fn check(report: &CheckReport) -> String {
    let body = html! {
        header {
            h1 { "The study" @if report.stops() { " " span class="badge failed" { "needs fixing" } } }
            p.sub { code { "aam check" } " " (report.aam) }
        }
        (cards(report))
        (problems(report))
        (files(report))
        @if let Some(samples) = &report.samples { (samples_section(samples)) }
        @if let Some(sequences) = &report.sequences { (sequences_section(sequences)) }
        @if !report.matching.is_empty() { (matching(&report.matching)) }
        @if let Some(groups) = &report.groups {
            section {
                h2 { "Kept together: " (groups.column) }
                p { (words::grouping(groups)) "." }
                div.charts { (histogram(groups.sizes.as_ref(), "samples per group", "groups", None)) }
            }
        }
        @for target in &report.targets { (target_section(target)) }
        @if !report.columns.is_empty() { (columns(&report.columns)) }
        section {
            h2 { "Next" }
            p { (report.next.why) }
            pre { (command_line(&report.next.arguments)) }
        }
        footer { "Made by aam " (report.aam) ". Hover over a bar for details." }
    };
    document("Check of a study", &body)
}

fn cards(report: &CheckReport) -> Markup {
    html! {
        @if let Some(samples) = &report.samples {
            div.cards {
                div.card { span { "samples with reads" } b { (samples.samples) }
                    @if samples.empty.count > 0 { span { (samples.empty.count) " without" } } }
                div.card { span { "ASVs" } b { (samples.asvs) }
                    span { (samples.asvs_of_one_sample) " in only one sample" } }
                @if let Some(depth) = &samples.depth {
                    div.card { span { "reads per sample, median" } b { (number(depth.median)) }
                        span { (number(depth.min)) " to " (number(depth.max)) } }
                }
                @if let Some(richness) = &samples.richness {
                    div.card { span { "ASVs per sample, median" } b { (number(richness.median)) }
                        span { (number(richness.min)) " to " (number(richness.max)) } }
                }
            }
        }
    }
}

fn problems(report: &CheckReport) -> Markup {
    html! {
        @if !report.problems.is_empty() {
            section {
                h2 { "Problems and warnings" }
                @for problem in &report.problems {
                    p.warning {
                        @if problem.stops { b { "Error: " } }
                        (problem.text)
                        @if let Some(help) = &problem.help { br; (help) }
                    }
                }
            }
        }
    }
}

fn files(report: &CheckReport) -> Markup {
    html! {
        section {
            h2 { "Files" }
            div.scroll { table {
                thead { tr { th { "file" } th { "type" } th { "flag" } th { "contents" } } }
                tbody { @for file in &report.files {
                    tr {
                        td { code title=(file.path) { (file_name(&file.path)) } }
                        td { (file.what) }
                        td { @if let Some(flag) = file.flag { code { (flag) } } }
                        td {
                            (file.holds.as_deref().unwrap_or_default())
                            @for note in &file.notes { br; span.muted { (note) } }
                        }
                    }
                } }
            } }
        }
    }
}

/// A histogram of a per-sample or per-ASV quantity.
fn histogram(
    of: Option<&Distribution>,
    name: &str,
    counted: &'static str,
    line: Option<f64>,
) -> Markup {
    html! {
        @if let Some(of) = of {
            // A single value has no distribution.
            @if of.min == of.max { p { strong { (name) } ": " (of) } }
            @else { (figure(
                &Histogram { name: name.to_owned(), bars: of.histogram.clone(), counted, line },
                &html! { strong { (name) } ": " (of) },
            )) }
        }
    }
}

fn samples_section(samples: &SamplesFound) -> Markup {
    let depth = samples.rarefaction.as_ref();
    html! {
        section {
            h2 { "Reads and ASVs per sample" }
            div.charts {
                (histogram(samples.depth.as_ref(), "reads", "samples", depth.map(|found| found.depth as f64)))
                (histogram(samples.richness.as_ref(), "ASVs", "samples", None))
            }
            @if let Some(found) = depth {
                p { code { "--rarefy-depth " (found.depth) } " would keep " (found.kept) " of " (found.of)
                    " samples and " (format!("{:.1}", 100.0 * found.reads)) " % of the reads (the line in the histogram)." }
            }
        }
    }
}

fn sequences_section(sequences: &SequencesFound) -> Markup {
    html! {
        section {
            h2 { "Sequences" }
            p { (words::gene(sequences)) }
            div.charts { (histogram(sequences.lengths.as_ref(), "bases", "ASVs", None)) }
        }
    }
}

fn matching(all: &[Matching]) -> Markup {
    html! {
        section {
            h2 { "Matching samples and ASVs" }
            ul { @for matching in all {
                li { (words::matching(matching))
                    @if let Some(guess) = &matching.guess { br; (guess) } }
            } }
        }
    }
}

fn target_section(target: &TargetFound) -> Markup {
    let column = &target.column;
    let related = |title: &str, all: &[Related]| {
        html! {
            @if !all.is_empty() {
                h3 { (title) }
                ul { @for one in all { li { code { (one.name) } ": " (one.how) } } }
            }
        }
    };
    html! {
        section {
            h2 { "To be predicted: " (column.name) }
            p { (words::column(column)) }
            @match target.classes {
                true => { (bars(column)) }
                false => { div.charts { (histogram(column.numbers.as_ref(), &column.name, "samples", None)) } }
            }
            @if let Some(grouped) = &target.grouped {
                p { "Within groups: " (words::grouped(grouped)) "." }
            }
            @if !target.groups.is_empty() {
                h3 { "Columns with values shared by several samples" }
                ul { @for group in &target.groups {
                    li { code { (group.name) } ": " (words::group(group)) }
                } }
            }
            (related("Columns that determine it", &target.leaks))
            (related("Columns of sample processing", &target.batches))
            (related("Other associated columns", &target.related))
            @if let Some(depth) = &target.depth { (related("Sequencing depth", std::slice::from_ref(depth))) }
        }
    }
}

/// The classes of a column, with bars.
fn bars(column: &ColumnFound) -> Markup {
    let most = column
        .classes
        .iter()
        .map(|(_, count)| *count)
        .max()
        .unwrap_or(1);
    html! {
        div.scroll { table {
            thead { tr { th { "class" } th.n { "samples" } th { "" } } }
            tbody { @for (class, count) in column.classes.iter().take(MOST_BARS) {
                tr {
                    td { (class) } td.n { (count) }
                    td.strip { span.bar style={ "width:" (100 * count / most.max(1)) "%" } {} }
                }
            } }
        } }
    }
}

fn columns(all: &[ColumnFound]) -> Markup {
    html! {
        section {
            h2 { "Metadata columns" }
            div.scroll { table {
                thead { tr { th { "column" } th { "contents" } th.n { "known" } th { "values" } } }
                tbody { @for column in all {
                    tr {
                        td { code { (column.name) } }
                        td { (column.kind.words()) }
                        td.n { (column.known) }
                        td {
                            (words::values(column))
                            @for remark in &column.remarks { br; span.muted { (remark) } }
                        }
                    }
                } }
            } }
        }
    }
}
