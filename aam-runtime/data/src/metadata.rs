//! Sample metadata, following the rules of QIIME 2.
//!
//! Metadata are tab-separated UTF-8 text. The first cell of the header names the id column
//! (`sample-id`, `id`, `#SampleID` …). It may be followed by `#q2:types` and `#q2:missing` lines;
//! other lines whose first cell begins with `#` are comments. Whitespace around cells is removed,
//! empty cells are missing values, and short rows are padded with missing values. A column is numeric
//! if all its values are numbers, or as declared by `#q2:types`.
//!
//! Unlike in QIIME 2, words such as `NA` or `not collected` also count as missing values
//! ([`says_missing`](super::says_missing)), unless `#q2:missing` declares `blank` or `no-missing` for
//! the column.
//!
//! Ids are text, never numbers: `2538.1000115` is kept as written. Unlike in QIIME 2, `sample_id` is
//! also accepted as the name of the id column.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::missing_words::{plain, says_missing};
use super::number_words::written;
use super::{DataError, shorten};
use aam_core::text::{agreeing, counted};

/// Longest name that is compared with others, which takes time quadratic in its length.
const LONGEST_COMPARED: usize = 200;

/// Kind of the values of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// All values are numbers.
    Numeric,
    /// Values are names of groups, or any text.
    Categorical,
}

/// A metadata column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Kind of its values.
    pub kind: ColumnKind,
    /// One value per sample, in the order of [`Metadata::ids`]; `None` if missing.
    pub values: Vec<Option<String>>,
    /// Whether words for missing values are literal values, because the file declares that only
    /// empty cells are missing.
    pub literal: bool,
}

impl Column {
    /// Whether `text` is one of its values: not a word for a missing value, or one of `kept`.
    fn has_value(&self, text: &str, kept: &[String]) -> bool {
        self.literal || !says_missing(text) || kept.iter().any(|word| plain(word) == plain(text))
    }

    /// Its values except the words for missing ones.
    pub fn known(&self) -> impl Iterator<Item = &str> {
        let values = self.values.iter().flatten().map(String::as_str);
        values.filter(|text| self.has_value(text, &[]))
    }

    /// Whether any of its values is a number.
    pub fn has_numbers(&self) -> bool {
        self.known().any(|text| number(text).is_some())
    }
}

/// The metadata of a set of samples.
#[derive(Clone, Debug)]
pub struct Metadata {
    file: PathBuf,
    ids: Vec<String>,
    columns: Vec<Column>,
    rows: HashMap<String, usize>,
    notes: Vec<String>,
}

impl Metadata {
    pub(super) fn new(file: PathBuf, ids: Vec<String>, columns: Vec<Column>) -> Self {
        let rows = ids.iter().cloned().zip(0..).collect();
        Self {
            file,
            ids,
            columns,
            rows,
            notes: Vec::new(),
        }
    }

    pub(super) fn with_notes(self, notes: Vec<String>) -> Self {
        Self { notes, ..self }
    }

    /// Notes about the file, one line each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Path of the file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Ids of the samples, in the order of the file.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// All columns except the id column, in the order of the file.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Whether there is a row for the sample `id`.
    pub fn contains(&self, id: &str) -> bool {
        self.rows.contains_key(id)
    }

    /// The column `name`; whitespace around the name is ignored.
    ///
    /// # Errors
    /// There is no such column: the message gives the most similar name and lists all.
    pub fn column(&self, name: &str) -> Result<&Column, DataError> {
        let name = name.trim();
        self.columns
            .iter()
            .find(|column| column.name == name)
            .ok_or_else(|| {
                let names: Vec<&str> = self.columns.iter().map(|c| c.name.as_str()).collect();
                let nearest = names
                    .iter()
                    .filter(|other| other.len().max(name.len()) <= LONGEST_COMPARED)
                    .map(|other| {
                        (
                            strsim::jaro_winkler(&other.to_lowercase(), &name.to_lowercase()),
                            other,
                        )
                    })
                    .filter(|(likeness, _)| *likeness > 0.8)
                    .max_by(|a, b| a.0.total_cmp(&b.0));
                let guess = nearest.map_or_else(String::new, |(_, other)| {
                    format!("did you mean '{other}'? ")
                });
                let list = if names.is_empty() {
                    "the file has no columns".to_owned()
                } else {
                    let names: Vec<String> = names.iter().map(|name| shorten(name)).collect();
                    format!("columns: {}", names.join(", "))
                };
                DataError::in_file(&self.file, format!("has no column '{}'", shorten(name)))
                    .help(format!("{guess}{list}"))
            })
    }

    /// The values of the column `name` for the samples `ids`, in their order; `None` if the value
    /// is missing, is a word for a missing value, or the sample has no row.
    ///
    /// # Errors
    /// There is no such column.
    pub fn texts(&self, name: &str, ids: &[String]) -> Result<Vec<Option<&str>>, DataError> {
        self.texts_keeping(name, ids, &[])
    }

    /// Like [`texts`](Self::texts), but the words in `kept` are always values.
    ///
    /// # Errors
    /// There is no such column.
    pub fn texts_keeping(
        &self,
        name: &str,
        ids: &[String],
        kept: &[String],
    ) -> Result<Vec<Option<&str>>, DataError> {
        let column = self.column(name)?;
        let texts = self.texts_as_written(name, ids)?.into_iter();
        Ok(texts
            .map(|text| text.filter(|text| column.has_value(text, kept)))
            .collect())
    }

    /// Like [`texts`](Self::texts), but includes the words for missing values, as in older
    /// checkpoints.
    ///
    /// # Errors
    /// There is no such column.
    pub fn texts_as_written(
        &self,
        name: &str,
        ids: &[String],
    ) -> Result<Vec<Option<&str>>, DataError> {
        let column = self.column(name)?;
        Ok(ids
            .iter()
            .map(|id| column.values[*self.rows.get(id)?].as_deref())
            .collect())
    }

    /// The numbers in the column `name` for the samples `ids`, in their order; `None` if the value
    /// is missing, is a word for a missing value, or the sample has no row.
    ///
    /// # Errors
    /// There is no such column, or a value is not a number: the message lists up to five such
    /// samples with their values.
    pub fn numbers(&self, name: &str, ids: &[String]) -> Result<Vec<Option<f64>>, DataError> {
        let texts = self.texts(name, ids)?;
        let mut bad = Vec::new();
        let mut numbers = Vec::with_capacity(texts.len());
        for (id, text) in ids.iter().zip(texts) {
            let number = text.and_then(number);
            if let (Some(text), None) = (text, number) {
                bad.push((id, text));
            }
            numbers.push(number);
        }
        if bad.is_empty() {
            return Ok(numbers);
        }
        let listed: Vec<String> = bad
            .iter()
            .take(5)
            .map(|(id, text)| format!("{id}: {text}"))
            .collect();
        let more = if bad.len() > 5 { ", …" } else { "" };
        let missing = bad.iter().all(|(_, text)| may_mean_missing(text));
        let written = bad.iter().find_map(|(_, text)| written(text));
        let error = DataError::in_file(
            &self.file,
            format!(
                "{} of {} {} non-numeric values ({}{more})",
                bad.len(),
                counted(ids.len(), "sample"),
                agreeing(bad.len(), "has", "have"),
                listed.join(", ")
            ),
        )
        .at(format!("column '{}'", name.trim()));
        Err(if let Some(written) = written {
            error.help(written.help())
        } else if missing {
            error.help(
                "if these mark missing values, leave the cells empty, or write NA; a \
                 '#q2:missing' line below the header can declare that NA and the like are missing",
            )
        } else {
            error.help("choose a numeric column, or classify instead of predicting a number")
        })
    }
}

/// Parses a number in one of the forms that QIIME 2 accepts: digits with an optional sign, point
/// and exponent; no `nan`, `inf`, separators or hexadecimals.
pub(super) fn number(text: &str) -> Option<f64> {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = |text: &'_ str| text.strip_prefix(['+', '-']).unwrap_or(text).to_owned();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(unsigned(exponent))),
        None => (text, None),
    };
    let mantissa = unsigned(mantissa);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((&mantissa, ""));
    let good = digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|e| !e.is_empty() && digits(&e));
    if !good {
        return None;
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// Whether `text` is not a number but may stand for a missing one.
fn may_mean_missing(text: &str) -> bool {
    says_missing(text)
        || ["none", "-", ".", "nd", "n.d.", "blank"].contains(&&*plain(text))
        || plain(text).starts_with("not ")
}

/// Whether a column of this name is the id column in every QIIME 2 metadata file.
pub(super) fn is_reserved(name: &str) -> bool {
    const ANY_CASE: [&str; 7] = [
        "id",
        "sampleid",
        "sample id",
        "sample-id",
        "featureid",
        "feature id",
        "feature-id",
    ];
    const EXACT: [&str; 5] = [
        "#SampleID",
        "#Sample ID",
        "#OTUID",
        "#OTU ID",
        "sample_name",
    ];
    EXACT.contains(&name) || ANY_CASE.contains(&&*name.to_lowercase())
}

/// Whether the first column may have this name.
pub(super) fn is_id_header(name: &str) -> bool {
    is_reserved(name) || name.eq_ignore_ascii_case("sample_id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_qiime_writes_them() {
        for text in ["0", "-0", "2.0", "1.", ".5", "+1.5E+2", "1e-08", "42"] {
            assert!(number(text).is_some(), "{text}");
        }
        for text in [
            "", ".", "+", "e3", "1e", "1e3e4", "1.0.0", "1,000", "1_000", "0xAF", "nan", "inf",
            "Infinity", "1e999", "1 2", "--1", "1e+-2", "٣",
        ] {
            assert!(number(text).is_none(), "{text}");
        }
    }

    #[test]
    fn id_headers() {
        for name in [
            "id",
            "SampleID",
            "Sample-Id",
            "#SampleID",
            "#OTU ID",
            "sample_name",
        ] {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["#sampleid", "Sample_Name", "sample_id", "ids", ""] {
            assert!(!is_reserved(name), "{name}");
        }
        assert!(is_id_header("sample_id"));
    }

    #[test]
    fn text_in_place_of_numbers() {
        let column = Column {
            name: "age".into(),
            kind: ColumnKind::Categorical,
            values: ["1", "none", "x", "Not collected"]
                .map(|v| Some(v.into()))
                .to_vec(),
            literal: false,
        };
        let ids: Vec<String> = ["a", "b", "c", "d"].map(String::from).to_vec();
        let metadata = Metadata::new("m.tsv".into(), ids.clone(), vec![column]);
        let error = metadata.numbers("age", &ids).unwrap_err().to_string();
        assert!(
            error.starts_with(
                "m.tsv: column 'age': 2 of 4 samples have non-numeric values (b: none, c: x)\n  help: choose"
            ),
            "{error}"
        );
        let error = metadata.numbers("age", &ids[..2]).unwrap_err().to_string();
        assert!(error.contains("leave the cells empty"), "{error}");
        let ids = ["a".into(), "d".into(), "z".into()];
        let known = metadata.numbers(" age", &ids).unwrap();
        assert_eq!(known, [Some(1.0), None, None]);
        let kept = ["not_collected".to_owned()];
        let texts = metadata.texts_keeping("age", &ids, &kept).unwrap();
        assert_eq!(texts, [Some("1"), Some("Not collected"), None]);
        let error = metadata.column("Agee").unwrap_err().to_string();
        assert!(
            error.ends_with("did you mean 'age'? columns: age"),
            "{error}"
        );
    }
}
