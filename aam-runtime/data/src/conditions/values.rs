//! The values of a column, for messages about values it does not contain.

use std::collections::BTreeMap;

use crate::metadata::number;
use crate::{Column, ColumnKind, shorten};
use aam_core::text::counted;

/// Maximum number of values named in a message.
const MOST_NAMED: usize = 10;
/// Similarity from which one value may be a misspelling of another.
const ALIKE: f64 = 0.8;

/// The contents of a column: its values with their numbers of samples, most frequent first, or the
/// range of its numbers.
pub(super) fn known_values(column: &Column) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for text in column.known() {
        *counts.entry(text).or_default() += 1;
    }
    if counts.is_empty() {
        return "no values".to_owned();
    }
    let numbers = counts.keys().filter_map(|text| number(text));
    let range = numbers.fold(None, |range: Option<(f64, f64)>, value| {
        let (low, high) = range.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    });
    if let (ColumnKind::Numeric, true, Some((low, high))) =
        (column.kind, counts.len() > MOST_NAMED, range)
    {
        return format!("{} numbers from {low} to {high}", counts.len());
    }
    let mut sorted: Vec<(&str, usize)> = counts.into_iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let named: Vec<String> = sorted
        .iter()
        .take(MOST_NAMED)
        .map(|(text, count)| format!("'{}' ({count})", shorten(text)))
        .collect();
    match sorted.len().saturating_sub(MOST_NAMED) {
        0 => named.join(", "),
        more => format!("{} and {}", named.join(", "), counted(more, "more value")),
    }
}

/// The value of `column` that `value` may be a misspelling of.
pub(super) fn nearest_value<'a>(column: &'a Column, value: &str) -> Option<&'a str> {
    let value = value.to_lowercase();
    let alike = |text: &str| strsim::jaro_winkler(&text.to_lowercase(), &value);
    let known = column.known().map(|text| (alike(text), text));
    let near = known.filter(|(likeness, _)| *likeness > ALIKE);
    near.max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, text)| text)
}
