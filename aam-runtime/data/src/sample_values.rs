//! Reading of files with one value per sample, such as Faith's PD.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::distance_file::without_ids;
use super::missing_words::says_missing;
use super::qza::Artifact;
use super::recognise::recognise;
use super::role::Role;
use super::source::{Kind, Source};
use super::table::check_ids;
use super::{DataError, container, npy, shorten};
use aam_core::text::{agreeing, counted};

/// One value per sample, as stored in a file.
#[derive(Clone, Debug)]
pub struct SampleValues {
    file: PathBuf,
    ids: Option<Vec<String>>,
    values: Vec<f64>,
}

/// Reads text (TSV or CSV, gzipped or not) with two columns, ids and values, with or without a header;
/// an artifact of type `SampleData[AlphaDiversity]`; or a NumPy array of N or N × 1 values, which has no
/// ids. Samples with a word for a missing value are left out.
///
/// # Errors
/// The file is something else, an id is empty or repeated, or a value is not a finite non-negative
/// number; the message names the first such sample.
pub fn read_sample_values(path: impl AsRef<Path>) -> Result<SampleValues, DataError> {
    let (source, _) = container::open(path.as_ref())?;
    let source = match source.kind() {
        Kind::Zip => Artifact::open(&source)?
            .alpha_diversity()?
            .ok_or_else(|| expected_values(&source))?,
        _ => source,
    };
    let (ids, values) = match source.kind() {
        Kind::Npy => (None, read_npy(&source)?),
        Kind::Text | Kind::Utf16 => {
            let (ids, values) = read_text(&source)?;
            (Some(ids), values)
        }
        _ => return Err(expected_values(&source)),
    };
    let unusable = |value: &f64| !(value.is_finite() && *value >= 0.0);
    if let Some(row) = values.iter().position(unusable) {
        let sample = match &ids {
            Some(ids) => format!("'{}'", shorten(&ids[row])),
            None => format!("sample {}", row + 1),
        };
        return Err(source.error(format!(
            "expected a finite value of 0 or more for {sample}, found {}",
            values[row]
        )));
    }
    Ok(SampleValues {
        file: source.path().to_owned(),
        ids,
        values,
    })
}

impl SampleValues {
    /// Sets the sample ids of a file without ids, in the order of its values.
    ///
    /// # Errors
    /// The number of ids differs, or the file contains ids itself.
    pub fn with_ids(mut self, ids: Vec<String>) -> Result<Self, DataError> {
        if self.ids.is_some() {
            return Err(DataError::in_file(&self.file, "names its samples itself")
                .help("omit the list of ids"));
        }
        if ids.len() != self.values.len() {
            return Err(DataError::in_file(
                &self.file,
                format!(
                    "holds values of {}, but {} {} given for them",
                    counted(self.values.len(), "sample"),
                    counted(ids.len(), "id"),
                    agreeing(ids.len(), "was", "were")
                ),
            ));
        }
        self.ids = Some(ids);
        Ok(self)
    }

    /// Ids of the samples, if the file contains them.
    pub fn ids(&self) -> Option<&[String]> {
        self.ids.as_deref()
    }

    /// The values by id.
    ///
    /// # Errors
    /// There are no ids.
    pub fn by_id(self) -> Result<HashMap<String, f64>, DataError> {
        match self.ids {
            Some(ids) => Ok(ids.into_iter().zip(self.values).collect()),
            None => Err(without_ids(&self.file, "values", self.values.len())),
        }
    }
}

fn expected_values(source: &Source) -> DataError {
    source
        .error(format!(
            "expected one value per sample (TSV, CSV, SampleData[AlphaDiversity] .qza or .npy), found {}",
            recognise(source)
        ))
        .help("with --unifrac-metric faith-pd, --unifrac-matrix is a file of Faith's PD")
}

fn read_npy(source: &Source) -> Result<Vec<f64>, DataError> {
    let array = npy::open(source)?;
    match array.shape() {
        [_] | [_, 1] => array.values(source),
        shape => {
            let shape: Vec<String> = shape.iter().map(u64::to_string).collect();
            Err(source
                .error(format!(
                    "expected one value per sample, found an array of {}",
                    shape.join(" × ")
                ))
                .help("with --unifrac-metric faith-pd, --unifrac-matrix is a file of Faith's PD"))
        }
    }
}

fn read_text(source: &Source) -> Result<(Vec<String>, Vec<f64>), DataError> {
    if matches!(
        recognise(source).role,
        Some(Role::Table | Role::Tree | Role::Sequences | Role::Distances)
    ) {
        return Err(expected_values(source));
    }
    let (mut ids, mut values) = (Vec::new(), Vec::new());
    let mut first = true;
    source.lines(|_, line| {
        if line.trim().is_empty() {
            return Ok(());
        }
        let cells: Vec<&str> = match ['\t', ','].into_iter().find(|&c| line.contains(c)) {
            Some(separator) => line.split(separator).collect(),
            None => line.split_whitespace().collect(),
        };
        let cells: Vec<&str> = cells.iter().map(|c| c.trim().trim_matches('"')).collect();
        let number = cells.get(1).and_then(|cell| cell.parse::<f64>().ok());
        let is_header = number.is_none() && (first || line.starts_with('#'));
        first = false;
        match (&cells[..], number) {
            _ if is_header => {}
            ([id, _], Some(value)) => {
                ids.push((*id).to_owned());
                values.push(value);
            }
            // A sample without a value is treated as absent from the file.
            ([_, word], None) if says_missing(word) => {}
            ([id, found], None) => {
                return Err(DataError::new(format!(
                    "expected the value of '{id}', found '{found}'"
                )));
            }
            (cells, _) => {
                return Err(DataError::new(format!(
                    "expected an id and a value, found {}",
                    counted(cells.len(), "column")
                )));
            }
        }
        Ok(())
    })?;
    if ids.is_empty() {
        return Err(expected_values(source));
    }
    check_ids(&ids, "sample").map_err(|error| source.in_file(error))?;
    Ok((ids, values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, bytes: &[u8]) -> Result<SampleValues, DataError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        read_sample_values(path)
    }

    #[test]
    fn text_is_read_as_programs_write_it() {
        for text in [
            "a\t1.5\nb\t0\n",
            "\tfaith_pd\na\t1.5\nb\t0\n",
            "#SampleID\tfaith_pd\na\t1.5\nb\t0\n",
            "sample-id\tfaith_pd\n#q2:types\tnumeric\na\t1.5\nb\t0\n",
            "id,faith_pd\na,1.5\n\"b\",0\n",
            "a\t1.5\nb\t0\nc\tNA\nd\tnot collected\n",
        ] {
            let values = read("pd.tsv", text.as_bytes()).unwrap().by_id().unwrap();
            assert_eq!((values["a"], values["b"], values.len()), (1.5, 0.0, 2));
        }
    }

    #[test]
    fn files_without_one_value_per_sample_are_refused() {
        for (text, message) in [
            ("a\t1\nb\tx\n", "value of 'b', found 'x'"),
            ("a\t1\nb\t-1\n", "'b', found -1"),
            ("a\t1\nb\tinf\n", "'b', found inf"),
            ("a\t1\na\t2\n", "'a'"),
            ("a\t1\t2\n", "found 3 columns"),
            ("\ta\tb\na\t0\t1\nb\t1\t0\n", "distance matrix"),
            ("(a:1,b:2);\n", "Newick"),
            ("id\tpd\n", "one value per sample"),
        ] {
            let error = read("pd.tsv", text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(message), "{text:?}: {error}");
        }
    }

    #[test]
    fn values_without_ids_need_a_list_of_them() {
        let values = || SampleValues {
            file: "pd.npy".into(),
            ids: None,
            values: vec![1.0, 2.0],
        };
        let ids = |all: &[&str]| -> Vec<String> { all.iter().map(|&id| id.to_owned()).collect() };
        let error = values().by_id().unwrap_err().to_string();
        assert!(error.contains("'pd.npy.ids.txt' next to it"), "{error}");
        assert!(values().with_ids(ids(&["a"])).is_err());
        let named = values().with_ids(ids(&["x", "y"])).unwrap();
        assert!(named.clone().with_ids(ids(&["x", "y"])).is_err());
        assert_eq!(named.by_id().unwrap()["x"], 1.0);
    }
}
