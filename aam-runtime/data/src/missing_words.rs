//! Words that people and programs write where a value is missing.
//!
//! Those of INSDC's vocabulary for missing values, which QIIME 2 knows as `INSDC:missing`; those
//! that R, pandas and spreadsheets write or read so; those of Qiita and of questionnaires. Words
//! that are as often a value are not among them: `none` (no antibiotics), `-` (the opposite of `+`),
//! `ND` (a normal diet), `blank` and `control`.

/// Words in the form that [`plain`] brings them into.
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

/// How many of [`WORDS`] are INSDC's, which may go on with a colon and the reason.
const WITH_REASON: usize = 5;

/// Longer cells are text, and are not looked at.
const LONGEST: usize = 80;

/// Whether `text` says that a value is missing.
pub fn says_missing(text: &str) -> bool {
    if text.len() > LONGEST {
        return false;
    }
    let text = plain(text);
    let stem = text.split(':').next().unwrap_or_default().trim_end();
    WORDS.contains(&&*text) || WORDS[..WITH_REASON].contains(&stem)
}

/// Whether `text` is a word of the scheme `INSDC:missing`, spelt as QIIME 2 wants it.
pub(super) fn is_insdc(text: &str) -> bool {
    WORDS[..WITH_REASON].contains(&text)
}

/// `text` in lower case, with one blank where there are blanks or underscores.
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
    fn words_in_the_spellings_that_occur() {
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
    fn values_that_resemble_them() {
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
