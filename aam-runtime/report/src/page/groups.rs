//! Choice of the metadata columns by which errors are grouped.

use std::path::Path;

use serde_json::{Map, Value};

use aam_data::{ColumnKind, Metadata, read_metadata};
use aam_evaluation::association::variance_explained;

/// Maximum number of values of a column that the settings do not name.
const MOST_VALUES: usize = 15;
/// Maximum number of columns shown that the settings do not name.
const MOST_FOUND: usize = 3;
/// Smallest share of the errors' variance that a column must explain to be shown.
const WORTH_SHOWING: f64 = 0.05;

/// Share of the actual values' variance above which a column is taken to say the same as the
/// target.
const SAYS_THE_SAME: f64 = 0.95;

/// A column with the value of each sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Grouping {
    /// Name of the column.
    pub column: String,
    /// Value of each sample, if any.
    pub of: Vec<Option<String>>,
    /// Share of the errors' variance that the column explains, adjusted for its number of values.
    pub explained: f64,
    /// Whether the settings of the run name it.
    pub asked: bool,
}

/// The columns that the settings name, and the other columns that explain the errors best. Columns
/// that determine the `actual` values almost completely, such as a birth date for an age, are left
/// out.
pub fn groupings(
    settings: &Map<String, Value>,
    ids: &[String],
    errors: &[f64],
    actual: &[f64],
) -> Vec<Grouping> {
    let Some(path) = settings.get("metadata").and_then(Value::as_str) else {
        return Vec::new();
    };
    match read_metadata(Path::new(path)) {
        Ok(metadata) => chosen(&metadata, settings, ids, errors, actual),
        Err(_) => Vec::new(),
    }
}

fn chosen(
    metadata: &Metadata,
    settings: &Map<String, Value>,
    ids: &[String],
    errors: &[f64],
    actual: &[f64],
) -> Vec<Grouping> {
    let named = |key: &str| -> Vec<&str> {
        match settings.get(key) {
            Some(Value::String(name)) => vec![name.trim()],
            Some(Value::Array(names)) => names
                .iter()
                .filter_map(Value::as_str)
                .map(str::trim)
                .collect(),
            _ => Vec::new(),
        }
    };
    let asked = [named("group-column"), named("categorical-columns")].concat();
    let targets = named("metadata-column");
    let mut all: Vec<Grouping> = Vec::new();
    for column in metadata.columns() {
        let name = column.name.as_str();
        let is_asked = asked.contains(&name);
        if targets.contains(&name) && !is_asked {
            continue;
        }
        let Ok(texts) = metadata.texts(name, ids) else {
            continue;
        };
        let of: Vec<Option<String>> = texts.iter().map(|text| text.map(str::to_owned)).collect();
        let sizes = sizes(&of);
        let repeated = sizes.iter().filter(|size| **size > 1).count();
        let most = match column.kind {
            ColumnKind::Categorical => MOST_VALUES,
            ColumnKind::Numeric => MOST_VALUES / 2,
        };
        let missing = of.iter().filter(|value| value.is_none()).count();
        let usable = repeated > 1 && sizes.len() <= most && 3 * missing < of.len();
        if is_asked || (usable && variance_explained(&of, actual) < SAYS_THE_SAME) {
            all.push(Grouping {
                column: name.to_owned(),
                explained: variance_explained(&of, errors),
                asked: is_asked,
                of,
            });
        }
    }
    all.sort_by(|a, b| {
        (b.asked, b.explained)
            .partial_cmp(&(a.asked, a.explained))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    let mut kept: Vec<Grouping> = Vec::new();
    let mut found = 0;
    for grouping in all {
        let divides_alike = |other: &Grouping| partition(&other.of) == partition(&grouping.of);
        let enough = found == MOST_FOUND || grouping.explained < WORTH_SHOWING;
        if grouping.asked || !(enough || kept.iter().any(divides_alike)) {
            found += usize::from(!grouping.asked);
            kept.push(grouping);
        }
    }
    kept
}

/// For every sample, the index of the first sample with the same value.
fn partition(of: &[Option<String>]) -> Vec<usize> {
    let first = |value: &Option<String>| of.iter().position(|other| other == value).unwrap_or(0);
    of.iter().map(first).collect()
}

fn sizes(of: &[Option<String>]) -> Vec<usize> {
    let mut sizes = std::collections::BTreeMap::new();
    for value in of.iter().flatten() {
        *sizes.entry(value).or_insert(0) += 1;
    }
    sizes.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_associated_with_the_errors_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metadata.tsv");
        let mut text = String::from("id\tage\tsite\tcopy\tcoin\tname\n");
        let mut errors = Vec::new();
        for i in 0..24 {
            let site = ["gut", "skin"][i % 2];
            let coin = ["heads", "tails"][(i / 2) % 2];
            text.push_str(&format!("s{i}\t{i}\t{site}\tin {site}\t{coin}\tn{i}\n"));
            errors.push(if i % 2 == 0 { 1.0 } else { -1.0 } + 0.1 * (i % 5) as f64);
        }
        std::fs::write(&path, text).unwrap();
        let ids: Vec<String> = (0..24).map(|i| format!("s{i}")).collect();
        let actual: Vec<f64> = (0..24).map(f64::from).collect();
        let mut settings = Map::new();
        settings.insert("metadata".to_owned(), path.display().to_string().into());
        settings.insert("metadata-column".to_owned(), vec!["age"].into());
        let names = |settings: &Map<String, Value>| -> Vec<String> {
            let all = groupings(settings, &ids, &errors, &actual);
            all.into_iter().map(|grouping| grouping.column).collect()
        };
        assert_eq!(names(&settings), ["site"]);
        // The predicted value is the site, as a number.
        let sites: Vec<f64> = (0..24).map(|i| f64::from(i % 2)).collect();
        assert!(groupings(&settings, &ids, &errors, &sites).is_empty());
        settings.insert("group-column".to_owned(), "coin".into());
        assert_eq!(names(&settings), ["coin", "site"]);
    }
}
