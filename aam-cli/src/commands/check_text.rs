//! The results of `aam check` as text.

use std::fmt::Write;

use aam_runtime::report::check::{
    CheckReport, ColumnFound, FileFound, Problem, Related, SamplesFound, SequencesFound,
    TargetFound,
};
use aam_runtime::report::words;
use aam_runtime::text::counted;

/// Maximum characters of a column's name.
const WIDEST_NAME: usize = 32;
/// Maximum number of columns with repeats that are listed.
const MOST_GROUPS: usize = 4;
/// Maximum characters of a column's values.
const WIDEST_VALUES: usize = 100;

/// The whole report.
pub fn text(report: &CheckReport) -> String {
    let mut text = String::new();
    files(&mut text, &report.files);
    if let Some(found) = &report.samples {
        samples(&mut text, found);
    }
    if let Some(found) = &report.sequences {
        sequences(&mut text, found);
    }
    if !report.matching.is_empty() {
        heading(&mut text, "Matching");
        for found in &report.matching {
            line(&mut text, &words::matching(found));
        }
    }
    columns(&mut text, report);
    if let Some(found) = &report.groups {
        heading(&mut text, &format!("Kept together: {}", found.column));
        line(&mut text, &words::grouping(found));
        if let Some(sizes) = &found.sizes {
            row(&mut text, "samples", &sizes.to_string());
        }
    }
    for found in &report.targets {
        target(&mut text, found);
    }
    if !report.problems.is_empty() {
        heading(&mut text, "Problems");
        for found in &report.problems {
            problem(&mut text, found);
        }
    }
    heading(&mut text, "Next");
    line(&mut text, &report.next.why);
    line(&mut text, &words::command_line(&report.next.arguments));
    text
}

fn heading(text: &mut String, title: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(text, "{}", visible(title));
}

fn line(text: &mut String, what: &str) {
    let _ = writeln!(text, "  {}", visible(what));
}

/// Escapes control characters, since names come from other people's files.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter.is_control() {
            true => shown.extend(letter.escape_debug()),
            false => shown.push(letter),
        }
    }
    shown
}

/// Appends a row with a name and its description, both aligned with other rows.
fn row(text: &mut String, name: &str, what: &str) {
    line(text, format!("{name:<10} {what}").trim_end());
}

fn files(text: &mut String, all: &[FileFound]) {
    if all.is_empty() {
        return;
    }
    heading(text, "Files");
    for file in all {
        let flag = file.flag.unwrap_or_default();
        let holds = file.holds.as_deref().map(|holds| format!(": {holds}"));
        let holds = holds.unwrap_or_default();
        line(
            text,
            &format!("{flag:<16} {}, {}{holds}", file.path, file.what),
        );
        for note in &file.notes {
            line(text, &format!("{:<16}   {note}", ""));
        }
    }
}

fn samples(text: &mut String, found: &SamplesFound) {
    heading(text, "Samples");
    let empty = match found.empty.count {
        0 => String::new(),
        _ => format!("; without reads: {}", words::some(&found.empty)),
    };
    line(
        text,
        &format!(
            "{} with {}, {} of them in only one sample, and {}{empty}",
            counted(found.samples, "sample"),
            counted(found.asvs, "ASV"),
            found.asvs_of_one_sample,
            counted(found.reads as usize, "read")
        ),
    );
    if let Some(depth) = &found.depth {
        row(text, "reads", &depth.to_string());
    }
    if let Some(richness) = &found.richness {
        row(text, "ASVs", &richness.to_string());
    }
    if let Some(rarefied) = &found.rarefaction {
        let kept = format!(
            "--rarefy-depth {} would keep {} of {} and {:.1} % of the reads",
            rarefied.depth,
            rarefied.kept,
            counted(rarefied.of, "sample"),
            100.0 * rarefied.reads
        );
        row(text, "rarefying", &kept);
    }
}

fn sequences(text: &mut String, found: &SequencesFound) {
    heading(text, "Sequences");
    line(text, &format!("{}, from {}", found.count, found.from));
    if let Some(lengths) = &found.lengths {
        row(text, "bases", &lengths.to_string());
    }
    row(text, "region", &words::gene(found));
    if found.ambiguous > 0 {
        let letters = format!("{} contain letters for more than one base", found.ambiguous);
        row(text, "letters", &letters);
    }
}

fn columns(text: &mut String, report: &CheckReport) {
    // A column that is examined in detail has a section of its own.
    if report.columns.is_empty() || !report.targets.is_empty() {
        return;
    }
    let samples = report.columns[0].known + report.columns[0].missing;
    heading(
        text,
        &format!("Columns of the metadata, {}", counted(samples, "sample")),
    );
    let names = report
        .columns
        .iter()
        .map(|found| visible(&found.name).chars().count());
    let width = names.max().unwrap_or(0).min(WIDEST_NAME);
    for found in &report.columns {
        column(text, found, width);
    }
}

fn column(text: &mut String, found: &ColumnFound, width: usize) {
    let known = match found.missing {
        0 => String::new(),
        missing => format!(" ({missing} missing)"),
    };
    let values = shortened(&visible(&words::values(found)), WIDEST_VALUES);
    let name = shortened(&visible(&found.name), WIDEST_NAME);
    let what = format!("{name:<width$}  {}{known}  {values}", found.kind.words());
    line(text, what.trim_end());
    for remark in &found.remarks {
        line(text, &format!("{:<width$}  {remark}", ""));
    }
}

fn shortened(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => text.chars().take(most - 1).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

fn target(text: &mut String, found: &TargetFound) {
    let column = &found.column;
    heading(text, &format!("To be predicted: {}", column.name));
    line(text, &words::column(column));
    match found.classes {
        true if !column.classes.is_empty() => row(text, "classes", &words::values(column)),
        true => {}
        false => {
            if let Some(numbers) = &column.numbers {
                row(text, "values", &numbers.to_string());
            }
        }
    }
    if let Some(grouped) = &found.grouped {
        row(text, "in groups", &words::grouped(grouped));
    }
    for group in found.groups.iter().take(MOST_GROUPS) {
        row(
            text,
            "repeats",
            &format!("{}: {}", group.name, words::group(group)),
        );
    }
    let mut related = |title: &str, all: &[Related]| {
        for one in all {
            row(text, title, &format!("{}: {}", one.name, one.how));
        }
    };
    related("follows", &found.leaks);
    related("batch", &found.batches);
    related("associated", &found.related);
    if let Some(depth) = &found.depth {
        related("associated", std::slice::from_ref(depth));
    }
}

fn problem(text: &mut String, found: &Problem) {
    let word = match found.stops {
        true => "error:",
        false => "warning:",
    };
    let mut lines = found.text.lines();
    line(
        text,
        &format!("{word} {}", lines.next().unwrap_or_default()),
    );
    for more in lines {
        line(text, &format!("  {more}"));
    }
    for help in found.help.iter().flat_map(|help| help.lines()) {
        line(text, &format!("  help: {help}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_control_the_terminal() {
        let mut text = String::new();
        heading(&mut text, "To be predicted: \u{1b}[31mage\u{7}");
        assert_eq!(text, "To be predicted: \\u{1b}[31mage\\u{7}\n");
    }
}
