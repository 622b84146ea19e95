//! Weights given by the user by category name.

use std::collections::{BTreeMap, BTreeSet};

use aam_api::error::nearest;

use super::{KEY, MOST_SHOWN, WORDS, label, listed};
use aam_data::Metadata;
use aam_run::RunError;
use aam_run::named_values::{Named, NamedValues};
use serde_json::Value;

/// Reads the weights of an object: by category, `{"gut": 2}`, or by column and level,
/// `{"site": {"gut": 2}, "season": {"dry": 3}}`.
///
/// # Errors
/// A weight that is not a number above 0, or both forms in one object.
pub fn read(weights: &NamedValues) -> Result<Named, RunError> {
    let named = weights.read(KEY, &WORDS)?;
    let nested = named.values.values().filter(|value| value.is_object());
    if ![0, named.values.len()].contains(&nested.count()) {
        return Err(named.problem(
            "some names have a weight and others an object; give either weights by category or, \
             for every column, an object of its levels",
        ));
    }
    for (name, value) in &named.values {
        match value {
            Value::Object(levels) => {
                for (level, weight) in levels {
                    check(&named, &format!("{name}.{level}"), weight)?;
                }
            }
            weight => check(&named, name, weight)?,
        }
    }
    Ok(named)
}

fn check(named: &Named, name: &str, weight: &Value) -> Result<(), RunError> {
    // Beyond this range, weights exceed single precision when they are averaged.
    match weight.as_f64().is_some_and(|w| (1e-9..=1e9).contains(&w)) {
        true => Ok(()),
        false => Err(named.problem(format!(
            "'{name}': expected a number above 0 (and at most 10⁹), found {weight}"
        ))),
    }
}

/// The columns of weights that are given by column and level; none if they are given by category.
pub fn columns(named: &Named) -> Vec<String> {
    let values = named.values.iter();
    let nested = values.filter(|(_, value)| value.is_object());
    nested.map(|(name, _)| name.clone()).collect()
}

/// The weights of an object by the categories that its names stand for. Weights by column and level
/// are multiplied: a category has the product of the weights of its levels.
///
/// # Errors
/// A column, level or category that does not exist, or a name that stands for several categories.
pub fn by_name<'a>(
    named: &Named,
    columns: &[String],
    known: &BTreeSet<&'a [String]>,
    metadata: &Metadata,
) -> Result<BTreeMap<&'a [String], f64>, RunError> {
    let mut weights = BTreeMap::new();
    for (name, value) in &named.values {
        if let Value::Object(levels) = value {
            let column = columns.iter().position(|column| column == name);
            let column = column.ok_or_else(|| {
                let columns = columns.join(", ");
                named.problem(format!(
                    "'{name}' is not one of the weighted columns, which are {columns}; \
                     give --categorical-loss-weight-column"
                ))
            })?;
            for (level, weight) in levels {
                let mut having = known.iter().filter(|of| of[column] == *level).peekable();
                if having.peek().is_none() {
                    let label = format!("{name}={level}");
                    return Err(unknown(&label, named, columns, known, metadata));
                }
                for category in having {
                    *weights.entry(*category).or_insert(1.0) *= weight.as_f64().unwrap_or(1.0);
                }
            }
            continue;
        }
        let levels = match meant(name, columns, known).as_slice() {
            [levels] => *levels,
            [] => return Err(unknown(name, named, columns, known, metadata)),
            several => {
                let labels: Vec<String> = several.iter().map(|l| label(columns, l)).collect();
                return Err(named.problem(format!(
                    "'{name}' stands for several categories: {}",
                    listed(&labels, MOST_SHOWN)
                )));
            }
        };
        let weight = value.as_f64().unwrap_or(1.0);
        if weights.insert(levels, weight).is_some() {
            return Err(named.problem(format!(
                "the category {} has two weights",
                label(columns, levels)
            )));
        }
    }
    Ok(weights)
}

/// The categories that `name` stands for: written in full, with columns in any order; by all of
/// their values; or by one of them.
fn meant<'a>(name: &str, columns: &[String], known: &BTreeSet<&'a [String]>) -> Vec<&'a [String]> {
    let sorted = |text: &str| -> Vec<String> {
        let mut parts: Vec<String> = text.split(',').map(|part| part.trim().to_owned()).collect();
        parts.sort_unstable();
        parts
    };
    let name = name.trim();
    let (in_full, parts) = (sorted(name), name.split(',').map(str::trim));
    let values = parts.collect::<Vec<_>>().join(",");
    let among = |way: &dyn Fn(&[String]) -> bool| -> Vec<&'a [String]> {
        known.iter().copied().filter(|levels| way(levels)).collect()
    };
    let mut found = among(&|levels| sorted(&label(columns, levels)) == in_full);
    if found.is_empty() {
        found = among(&|levels| levels.join(",") == values);
    }
    if found.is_empty() {
        found = among(&|levels| levels.iter().any(|level| level == name));
    }
    found
}

fn unknown(
    name: &str,
    named: &Named,
    columns: &[String],
    known: &BTreeSet<&[String]>,
    metadata: &Metadata,
) -> RunError {
    let labels: Vec<String> = known.iter().map(|levels| label(columns, levels)).collect();
    let values = known.iter().flat_map(|levels| levels.iter());
    let candidates = labels.iter().chain(values).map(String::as_str);
    let similar = nearest(name, candidates);
    named.problem(format!(
        "no sample of {} has the category '{name}'{}; categories: {}",
        metadata.file().display(),
        similar.map_or(String::new(), |name| format!(" (did you mean '{name}'?)")),
        listed(&labels, MOST_SHOWN)
    ))
}
