//! The columns of the metadata: the type of their values, and whether they can be learned.

use std::collections::{BTreeMap, HashMap};

use aam_data::{Column, ColumnKind, Metadata, is_date, means_number, says_missing};
use aam_evaluation::distribution::Distribution;
use aam_report::check::{ColumnFound, ValuesAre};
use aam_train::classes;

use super::files::Study;

/// Maximum number of classes that are reported.
const MOST_CLASSES: usize = 20;
/// Integers with at most this many distinct values may be class codes.
const MOST_CODES: usize = 10;
/// Fraction of the values from which a column is considered to hold non-standard numbers or dates.
const MOSTLY: f64 = 0.8;
/// Up to this many samples per distinct value, the values are names rather than classes.
const NAMES: f64 = 1.1;
/// Longer values are text.
const LONGEST_NAME: usize = 60;

/// Describes the columns for the samples `ids`.
pub fn section(study: &Study, ids: &[String], keep: &[String]) -> Vec<ColumnFound> {
    let Some(metadata) = &study.metadata else {
        return Vec::new();
    };
    let columns = metadata.columns().iter();
    columns
        .map(|column| described(metadata, column, ids, keep))
        .collect()
}

/// Describes a column.
pub fn described(
    metadata: &Metadata,
    column: &Column,
    ids: &[String],
    keep: &[String],
) -> ColumnFound {
    let name = &column.name;
    // The column exists.
    let texts = metadata.texts_keeping(name, ids, keep).unwrap_or_default();
    let written = metadata.texts_as_written(name, ids).unwrap_or_default();
    let mut missing_words: BTreeMap<String, usize> = BTreeMap::new();
    for (written, text) in written.iter().zip(&texts) {
        if let (Some(word), None) = (written.filter(|word| says_missing(word)), text) {
            *missing_words.entry(word.to_owned()).or_default() += 1;
        }
    }
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for text in texts.iter().flatten() {
        *counts.entry(text).or_default() += 1;
    }
    let known = counts.values().sum();
    let numbers = match column.kind {
        ColumnKind::Numeric => metadata.numbers(name, ids).ok(),
        ColumnKind::Categorical => None,
    };
    let numbers: Option<Vec<f64>> = numbers.map(|all| all.into_iter().flatten().collect());
    let kind = kind(name, &counts, known, numbers.as_deref());
    let mut found = ColumnFound {
        name: name.clone(),
        kind,
        known,
        missing: ids.len() - known,
        missing_words,
        distinct: counts.len(),
        numbers: numbers.and_then(Distribution::of),
        classes: Vec::new(),
        remarks: Vec::new(),
    };
    if matches!(
        kind,
        ValuesAre::Classes | ValuesAre::Codes | ValuesAre::Constant
    ) {
        found.classes = most_first(&counts);
    }
    found.remarks = remarks(metadata, &found, ids, &counts);
    found
}

fn kind(
    name: &str,
    counts: &HashMap<&str, usize>,
    known: usize,
    numbers: Option<&[f64]>,
) -> ValuesAre {
    let distinct = counts.len();
    let own = known as f64 <= NAMES * distinct as f64;
    match (known, distinct) {
        (0, _) => return ValuesAre::Nothing,
        (_, 1) => return ValuesAre::Constant,
        _ => {}
    }
    if let Some(numbers) = numbers {
        let whole = numbers.iter().all(|number| number.fract() == 0.0);
        return match whole {
            true if distinct <= MOST_CODES && 2 * distinct <= known => ValuesAre::Codes,
            true if own && distinct > MOST_CODES && names_ids(name) => ValuesAre::Ids,
            _ => ValuesAre::Numbers,
        };
    }
    let mostly = |is: fn(&str) -> bool| {
        let such = counts.keys().filter(|text| is(text)).count();
        such as f64 >= MOSTLY * distinct as f64
    };
    let long = counts.keys().any(|text| text.len() > LONGEST_NAME);
    if mostly(is_date) {
        ValuesAre::Dates
    } else if mostly(means_number) && 2 * distinct > known {
        // Non-standard numbers; a remark explains how they are written.
        ValuesAre::Text
    } else if 2 * distinct <= known {
        ValuesAre::Classes
    } else if own && !long {
        ValuesAre::Ids
    } else {
        ValuesAre::Text
    }
}

/// Whether the name of a column suggests that it holds ids.
pub fn names_ids(name: &str) -> bool {
    let name = name.to_lowercase();
    ["id", "name", "number", "nr", "no", "code"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// Whether most values of a text column are non-standard numbers.
pub fn means_numbers<'a>(texts: impl Iterator<Item = &'a str>) -> bool {
    let (mut such, mut all) = (0u32, 0u32);
    for text in texts {
        all += 1;
        such += u32::from(means_number(text));
    }
    all > 0 && f64::from(such) >= MOSTLY * f64::from(all)
}

/// Values with their sample counts, the most frequent first.
fn most_first(counts: &HashMap<&str, usize>) -> Vec<(String, usize)> {
    let mut all: Vec<(&str, usize)> = counts.iter().map(|(text, count)| (*text, *count)).collect();
    all.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    all.truncate(MOST_CLASSES);
    let owned = |(text, count): (&str, usize)| (text.to_owned(), count);
    all.into_iter().map(owned).collect()
}

/// Possible mistakes in a column.
fn remarks(
    metadata: &Metadata,
    found: &ColumnFound,
    ids: &[String],
    counts: &HashMap<&str, usize>,
) -> Vec<String> {
    let mut remarks = Vec::new();
    let text = found.numbers.is_none() && found.distinct > 1;
    if text
        && found.kind != ValuesAre::Dates
        && means_numbers(counts.keys().copied())
        && let Err(error) = metadata.numbers(&found.name, ids)
    {
        remarks.push(match error.help {
            Some(help) => format!("{}; {help}", error.problem),
            None => error.problem,
        });
    } else if found.kind == ValuesAre::Classes {
        let mut classes: Vec<String> = counts.keys().map(|text| (*text).to_owned()).collect();
        classes.sort_unstable();
        let prefix = format!("column '{}': ", found.name);
        let alike = classes::alike(&found.name, &classes);
        remarks.extend(alike.map(|text| text.trim_start_matches(&prefix).to_owned()));
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(name: &str, values: &[&str]) -> ValuesAre {
        let mut counts = HashMap::new();
        for value in values {
            *counts.entry(*value).or_insert(0) += 1;
        }
        let numbers: Option<Vec<f64>> = values.iter().map(|value| value.parse().ok()).collect();
        kind(name, &counts, values.len(), numbers.as_deref())
    }

    #[test]
    fn kinds_of_columns_follow_from_their_values() {
        assert_eq!(kind_of("ph", &["6.1", "5.9", "7"]), ValuesAre::Numbers);
        assert_eq!(kind_of("ill", &["0", "1", "0", "1"]), ValuesAre::Codes);
        assert_eq!(kind_of("site", &["a", "b", "a", "b"]), ValuesAre::Classes);
        assert_eq!(kind_of("run", &["a", "b", "c"]), ValuesAre::Ids);
        assert_eq!(kind_of("note", &["a", "b", "c", "c", "b"]), ValuesAre::Text);
        assert_eq!(
            kind_of("day", &["2021-02-01", "2021-02-03"]),
            ValuesAre::Dates
        );
        assert_eq!(kind_of("site", &["a", "a"]), ValuesAre::Constant);
        assert_eq!(kind_of("site", &[]), ValuesAre::Nothing);
        let numbers: Vec<String> = (100..120).map(|n| n.to_string()).collect();
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        assert_eq!(kind_of("subject_id", &numbers), ValuesAre::Ids);
        assert_eq!(kind_of("weight", &numbers), ValuesAre::Numbers);
    }
}
