//! Words that people and programs write for a missing value.
//!
//! They come from INSDC's vocabulary for missing values, which QIIME 2 supports as `INSDC:missing`,
//! from R, pandas and spreadsheets, and from Qiita and questionnaires. Words that are just as often
//! values are not included: `none` (no antibiotics), `-` (the opposite of `+`), `ND` (a normal
//! diet), `blank` and `control`.

/// Words in the normal form of [`plain`].
const WORDS: [&str; 43] = [
    // INSDC, with or without a reason after a colon.
    "missing",
    "not applicable",
    "not collected",
    "not provided",
    "restricted access",
    // R, pandas, spreadsheets.
    "na",
    "n/a",
    "n.a.",
    "n.a",
    "#n/a",
    "#n/a n/a",
    "#na",
    "<na>",
    "nan",
    "-nan",
    "nat",
    "1.#ind",
    "-1.#ind",
    "1.#qnan",
    "-1.#qnan",
    "null",
    "#null!",
    "#value!",
    "#ref!",
    "#div/0!",
    "#name?",
    "#num!",
    "?",
    // Qiita, questionnaires, people.
    "unknown",
    "unspecified",
    "no data",
    "no value",
    "missing data",
    "missing value",
    "not available",
    "not known",
    "not recorded",
    "not reported",
    "not specified",
    "not measured",
    "not determined",
    "not tested",
    "not answered",
];

/// How many of [`WORDS`] are INSDC's, which may be followed by a colon and a reason.
const WITH_REASON: usize = 5;

/// Longer cells are treated as text without being checked.
const LONGEST: usize = 80;

/// Whether `text` is a word for a missing value.
pub fn says_missing(text: &str) -> bool {
    if text.len() > LONGEST {
        return false;
    }
    let text = plain(text);
    let stem = text.split(':').next().unwrap_or_default().trim_end();
    WORDS.contains(&&*text) || WORDS[..WITH_REASON].contains(&stem)
}

/// Whether `text` is a word of the scheme `INSDC:missing`, spelt as QIIME 2 requires.
pub(super) fn is_insdc(text: &str) -> bool {
    WORDS[..WITH_REASON].contains(&text)
}

/// Normalises `text` to lower case with single blanks in place of blanks and underscores.
pub fn plain(text: &str) -> String {
    let words = text
        .split(|c: char| c.is_whitespace() || c == '_')
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_spellings_are_recognised() {
        for text in [
            "Not applicable",
            "not_applicable",
            "NOT APPLICABLE",
            "missing: not provided",
            "Missing:Not collected",
            "not applicable: control sample",
            "missing : sample group",
            "NA",
            "N/A",
            "n.a.",
            "nan",
            "NaN",
            "#N/A",
            "<NA>",
            "Unknown",
            "no_data",
            "not  collected",
            "Not_Collected ",
            "restricted access",
            "Unspecified",
            "NULL",
            "?",
        ] {
            assert!(says_missing(text), "{text}");
        }
        assert!(WORDS.iter().all(|word| plain(word) == *word));
    }

    #[test]
    fn similar_values_are_kept() {
        for text in [
            "",
            "none",
            "-",
            "+",
            "0",
            "ND",
            "Nantes",
            "natural",
            "not pregnant",
            "missing teeth",
            "unknown: fever",
            "blank",
            "control",
            "other",
            "never",
        ] {
            assert!(!says_missing(text), "{text}");
        }
    }
}
