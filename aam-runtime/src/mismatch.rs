//! Why two lists of sample ids have nothing in common: what a person would see when laying them
//! side by side.

use std::collections::{HashMap, HashSet};

use std::path::Path;

use crate::data::{DataError, Table, shorten};

/// The error that no sample of `table` is among the `ids` of the file at `path`, which is `what`.
pub fn error(table: &Table, what: &str, path: &Path, ids: &[String]) -> DataError {
    let three = |ids: &[String]| {
        let ids = ids.iter().take(3);
        let quoted: Vec<String> = ids.map(|id| format!("'{}'", shorten(id))).collect();
        quoted.join(", ")
    };
    let error = DataError::in_file(
        path,
        format!(
            "no sample of the table is in {what}: the table has {}, {what} has {}",
            three(table.sample_ids()),
            three(ids)
        ),
    );
    let guess = guess(table, ids);
    error.help(
        guess.unwrap_or_else(|| "check that the two files belong to the same study".to_owned()),
    )
}

/// A guess at why no sample of `table` is among `ids`, where there is one.
fn guess(table: &Table, ids: &[String]) -> Option<String> {
    let ours = table.sample_ids();
    let features: HashSet<&str> = table.feature_ids().iter().collect();
    if ids.iter().any(|id| features.contains(id.as_str())) {
        return Some(
            "they are ids of the table's ASVs: the file is about ASVs, not samples, or the table is transposed"
                .to_owned(),
        );
    }
    if ours.iter().all(|id| is_sequence(id)) {
        return Some("the table's samples are named by sequences: it may be transposed".to_owned());
    }
    alike(ours, ids, |id| id.to_lowercase())
        .map(|pair| format!("they differ in upper and lower case: {pair}"))
        .or_else(|| {
            let pair = alike(ours, ids, number)?;
            Some(format!(
                "a program may have read the ids of one file as numbers and written them otherwise: {pair}"
            ))
        })
        .or_else(|| {
            let pair = alike(ours, ids, letters_and_digits)?;
            Some(format!("they differ in punctuation: {pair}"))
        })
        .or_else(|| added(ours, ids).or_else(|| added(ids, ours)))
}

fn is_sequence(id: &str) -> bool {
    id.len() >= 20 && id.bytes().all(|b| b"ACGTUNacgtun".contains(&b))
}

/// The number that `id` is, in a form that does not depend on how it is written.
fn number(id: &str) -> String {
    match id.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => number.to_string(),
        _ => String::new(),
    }
}

fn letters_and_digits(id: &str) -> String {
    let kept = id.chars().filter(|c| c.is_alphanumeric());
    kept.collect::<String>().to_lowercase()
}

/// Two ids that are the same under `form`, which makes an empty text of what it does not apply to.
fn alike(ours: &[String], theirs: &[String], form: impl Fn(&str) -> String) -> Option<String> {
    let forms: HashMap<String, &String> = theirs.iter().map(|id| (form(id), id)).collect();
    ours.iter()
        .map(|id| (id, form(id)))
        .filter(|(_, form)| !form.is_empty())
        .find_map(|(id, form)| Some(format!("'{id}' and '{}'", forms.get(&form)?)))
}

/// What the ids of one list have before or after those of the other.
fn added(longer: &[String], shorter: &[String]) -> Option<String> {
    let known: HashSet<&str> = shorter
        .iter()
        .map(String::as_str)
        .filter(|id| !id.is_empty())
        .collect();
    let mut found: HashMap<(&str, &str), (usize, String)> = HashMap::new();
    let mut pairs = 0;
    for long in longer {
        // The longest of the other's ids that it begins or ends with.
        let mut cuts = (1..long.len()).filter(|&at| long.is_char_boundary(at));
        let start = cuts.clone().rfind(|&at| known.contains(&long[..at]));
        let end = cuts.find(|&at| known.contains(&long[at..]));
        let (what, extra, short) = match (start, end) {
            (Some(at), _) => ("suffix", &long[at..], &long[..at]),
            (None, Some(at)) => ("prefix", &long[..at], &long[at..]),
            (None, None) => continue,
        };
        pairs += 1;
        let pair = || (0, format!("'{long}' and '{short}'"));
        found.entry((what, extra)).or_insert_with(pair).0 += 1;
    }
    let ((what, extra), (times, pair)) = found
        .into_iter()
        .max_by(|(a, (m, _)), (b, (n, _))| m.cmp(n).then_with(|| b.cmp(a)))?;
    Some(match 2 * times > pairs {
        true => format!("one of the files may have added the {what} '{extra}': {pair}"),
        false => format!("one of the files may have added a {what} to each id: {pair}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|&id| id.to_owned()).collect()
    }

    fn of(samples: &[&str], others: &[&str]) -> Option<String> {
        let table = Table::from_triplets(ids(samples), ids(&["asv1"]), &[(0, 0, 1)]).unwrap();
        guess(&table, &ids(others))
    }

    #[track_caller]
    fn explains(samples: &[&str], others: &[&str], words: &str) {
        let guess = of(samples, others).unwrap_or_default();
        assert!(guess.contains(words), "{guess:?}");
    }

    #[test]
    fn what_was_added_is_named() {
        explains(&["S1.2538", "S2.2538"], &["S1", "S2"], "suffix '.2538'");
        explains(&["a1", "a2"], &["run3-a1", "run3-a2"], "prefix 'run3-'");
        explains(
            &["S1_S1_L001", "S2_S2_L001", "S3_S3_L001"],
            &["S1", "S2", "S3"],
            "a suffix to each id: 'S1_S1_L001' and 'S1'",
        );
        // A lone coincidence does not outweigh what all others share.
        explains(
            &["S1.x", "S11", "S2.x", "S3.x"],
            &["S1", "S2", "S3"],
            "'.x'",
        );
    }

    #[test]
    fn other_spellings_are_named() {
        explains(&["Gut1"], &["gut1"], "upper and lower case");
        explains(&["gut_1"], &["gut.1"], "punctuation: 'gut_1' and 'gut.1'");
        explains(&["007"], &["7"], "as numbers");
        explains(&["2538.10"], &["2538.1"], "as numbers");
    }

    #[test]
    fn a_table_or_file_of_the_wrong_axis_is_recognised() {
        explains(&["S1"], &["asv1", "asv2"], "about ASVs");
        explains(&["ACGTACGTACGTACGTACGT"], &["S1"], "transposed");
    }

    #[test]
    fn unlike_ids_are_not_explained() {
        assert_eq!(of(&["x"], &["y"]), None);
    }
}
