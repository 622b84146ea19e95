//! Diagnosis of why two lists of ids have nothing or little in common, as a person comparing them
//! would see it.

mod spelling;

use std::collections::HashSet;
use std::path::Path;

use crate::{Table, shorten};
use aam_core::DataError;
use aam_core::text::agreeing;
pub(crate) use spelling::without_size;
pub use spelling::{Guess, guess};

/// The error that no sample of `table` is among the `ids` of the file at `path`, which is called
/// `what`.
pub fn error(table: &Table, what: &str, path: &Path, ids: &[String]) -> DataError {
    let ours = table.sample_ids();
    let error = DataError::in_file(
        path,
        format!(
            "no sample of the table is in {what}: the table has {}, {what} has {}",
            three(ours.iter().map(String::as_str)),
            three(ids.iter().map(String::as_str))
        ),
    );
    error.help(wrong_axis(table, ids).unwrap_or_else(|| {
        let guess = guess(
            ours.iter().map(String::as_str),
            ids.iter().map(String::as_str),
        );
        guess.map_or_else(
            || "check that the two files belong to the same study".to_owned(),
            |guess| guess.to_string(),
        )
    }))
}

/// Describes the samples of `table` that are not among the `ids` of a file called `what`: examples
/// from either side and, if possible, a guess at the reason.
pub fn partial(table: &Table, what: &str, ids: &[String]) -> (String, Option<Guess>) {
    let ours: HashSet<&str> = table.sample_ids().iter().map(String::as_str).collect();
    let known: HashSet<&str> = ids.iter().map(String::as_str).collect();
    let lost = table.sample_ids().iter().map(String::as_str);
    let lost = lost.filter(|id| !known.contains(id));
    let others = ids.iter().map(String::as_str);
    let others = others.filter(|id| !ours.contains(id));
    let count = others.clone().count();
    let more = match count {
        0 => String::new(),
        _ => format!(
            "; {what} has {count} that the table lacks, such as {}",
            three(others.clone())
        ),
    };
    let missing = lost.clone().count();
    let be = agreeing(missing, "is", "are");
    let text = format!(
        "{missing} of the table {be} not in {what} and {be} left out, such as {}{more}",
        three(lost.clone())
    );
    (text, likely_guess(&lost.collect::<Vec<_>>(), others))
}

/// A guess at why `lost` are not among `others`, if it explains most or several of them.
pub fn likely_guess<'a>(lost: &[&'a str], others: impl Iterator<Item = &'a str>) -> Option<Guess> {
    let guess = guess(lost.iter().copied(), others)?;
    (2 * guess.pairs >= lost.len() || guess.pairs > 2).then_some(guess)
}

/// The suspicion that the file or the table is about the other axis, if the ids suggest it.
fn wrong_axis(table: &Table, ids: &[String]) -> Option<String> {
    let features: HashSet<&str> = table.feature_ids().iter().collect();
    if ids.iter().any(|id| features.contains(id.as_str())) {
        return Some(
            "they are ids of the table's ASVs: the table is transposed, which --transpose fixes, \
             or the file is about ASVs, not samples"
                .to_owned(),
        );
    }
    named_by_sequences(table.sample_ids().iter().map(String::as_str)).then(|| {
        "the table's samples are named by sequences: if it is transposed, --transpose fixes it"
            .to_owned()
    })
}

/// Three of `ids`, quoted.
pub fn three<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = ids.take(3).map(|id| format!("'{}'", shorten(id))).collect();
    quoted.join(", ")
}

/// Whether `id` is a sequence of nucleotides.
pub(crate) fn is_sequence(id: &str) -> bool {
    id.len() >= 20 && id.bytes().all(|b| b"ACGTUNacgtun".contains(&b))
}

/// Whether all of `ids` are sequences of nucleotides.
pub(crate) fn named_by_sequences<'a>(ids: impl Iterator<Item = &'a str>) -> bool {
    let mut ids = ids.peekable();
    ids.peek().is_some() && ids.all(is_sequence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|&id| id.to_owned()).collect()
    }

    fn of(samples: &[&str], others: &[&str]) -> Option<String> {
        let table = Table::from_triplets(ids(samples), ids(&["asv1"]), &[(0, 0, 1)]).unwrap();
        let others = ids(others);
        wrong_axis(&table, &others).or_else(|| {
            let ours = samples.iter().copied();
            Some(guess(ours, others.iter().map(String::as_str))?.to_string())
        })
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
        // A single coincidence does not outweigh what all others share.
        explains(
            &["S1.x", "S11", "S2.x", "S3.x"],
            &["S1", "S2", "S3"],
            "'.x'",
        );
    }

    #[test]
    fn some_of_either_side_are_named() {
        let samples = ids(&["S-1", "S-2", "S.3", "S.4"]);
        let table = Table::from_triplets(samples, ids(&["asv1"]), &[(0, 0, 1)]).unwrap();
        let (text, guess) = partial(&table, "the metadata", &ids(&["S-1", "S-2", "S-3", "S-4"]));
        assert_eq!(
            text,
            "2 of the table are not in the metadata and are left out, such as 'S.3', 'S.4'; the \
             metadata has 2 that the table lacks, such as 'S-3', 'S-4'"
        );
        let guess = guess.unwrap().to_string();
        assert!(guess.contains("punctuation: 'S.3' and 'S-3'"), "{guess}");
        let (text, guess) = partial(&table, "the metadata", &ids(&["S-1", "blank"]));
        assert!(text.starts_with("3 of the table"), "{text}");
        assert!(guess.is_none());
    }

    #[test]
    fn other_spellings_are_named() {
        explains(&["Gut1"], &["gut1"], "upper and lower case");
        explains(&["gut_1"], &["gut.1"], "punctuation: 'gut_1' and 'gut.1'");
        explains(&["007"], &["7"], "as numbers");
        explains(&["2538.10"], &["2538.1"], "as numbers");
        explains(&["X001", "X1.b"], &["001", "1-b"], "R puts 'X'");
        explains(&["S1\u{200b}"], &["S1"], "cannot be seen");
        explains(&["S1\u{a0}a"], &["S1 a"], "cannot be seen");
        explains(&["Se\u{301}te"], &["S\u{e9}te"], "accents");
        explains(&["\"S1\""], &["S1"], "quotes");
        explains(&["O1;size=12;", "O2;size=2"], &["O1", "O2"], "sizes");
    }

    #[test]
    fn a_table_or_file_of_the_wrong_axis_is_recognised() {
        explains(
            &["S1"],
            &["asv1", "asv2"],
            "transposed, which --transpose fixes",
        );
        explains(&["ACGTACGTACGTACGTACGT"], &["S1"], "transposed");
    }

    #[test]
    fn unrelated_ids_are_not_explained() {
        assert_eq!(of(&["x"], &["y"]), None);
    }
}
