//! Weights given by the user by category name.

use std::collections::{BTreeMap, BTreeSet};

use aam_api::error::nearest;

use super::{KEY, MOST_SHOWN, WORDS, label, listed};
use aam_data::Metadata;
use aam_run::RunError;
use aam_run::named_values::{Named, NamedValues};

/// The weights in an object, each validated to be a number above 0.
pub fn read(weights: &NamedValues) -> Result<Named, RunError> {
    let named = weights.read(KEY, &WORDS)?;
    for (name, value) in &named.values {
        // Beyond this range, weights exceed single precision when they are averaged.
        let usable = value.as_f64().is_some_and(|w| (1e-9..=1e9).contains(&w));
        if !usable {
            return Err(named.problem(format!(
                "'{name}': expected a number above 0 (and at most 10⁹), found {value}"
            )));
        }
    }
    Ok(named)
}

/// The weights in an object, by the categories that its names stand for.
pub fn by_name<'a>(
    named: &Named,
    columns: &[String],
    known: &BTreeSet<&'a [String]>,
    metadata: &Metadata,
) -> Result<BTreeMap<&'a [String], f64>, RunError> {
    let mut weights = BTreeMap::new();
    for (name, value) in &named.values {
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
