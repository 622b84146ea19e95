//! BIOM 1.0, a table in a JSON object.
//!
//! `rows` and `columns` list the ids of features and samples, `shape` is their numbers, and `data`
//! contains either `[row, column, count]` for each non-zero count (`"sparse"`) or complete rows
//! (`"dense"`).

use std::fmt;
use std::io::{BufReader, Read};

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::DataError;
use super::recognise::{recognise, wrong_file};
use super::role::Role;
use super::source::Source;
use super::table::{Table, reads_of};

#[derive(Deserialize)]
struct Biom {
    rows: Vec<Axis>,
    columns: Vec<Axis>,
    shape: (f64, f64),
    #[serde(default = "sparse")]
    matrix_type: String,
    data: Lists,
}

/// The value of a missing `matrix_type`, which early writers omitted.
fn sparse() -> String {
    "sparse".to_owned()
}

#[derive(Deserialize)]
struct Axis {
    #[serde(deserialize_with = "id")]
    id: String,
    #[serde(default)]
    #[expect(dead_code, reason = "parsed so that it must be valid JSON")]
    metadata: IgnoredAny,
}

/// An id, which some programs write as a number.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Id::deserialize(deserializer)? {
        Id::Text(text) => Ok(text),
        Id::Number(number) => Ok(number.to_string()),
        Id::Other(_) => Err(serde::de::Error::custom(
            "expected an id, a text or a whole number",
        )),
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(i64),
    Other(IgnoredAny),
}

/// Concatenated lists of numbers, with the end of each.
struct Lists {
    values: Vec<f64>,
    ends: Vec<usize>,
}

impl<'de> Deserialize<'de> for Lists {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Outer;
        impl<'de> Visitor<'de> for Outer {
            type Value = Lists;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list of lists of numbers")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut lists: A) -> Result<Lists, A::Error> {
                let mut all = Lists {
                    values: Vec::new(),
                    ends: Vec::new(),
                };
                while lists.next_element_seed(Inner(&mut all.values))?.is_some() {
                    all.ends.push(all.values.len());
                }
                Ok(all)
            }
        }
        deserializer.deserialize_seq(Outer)
    }
}

/// A number, with a specific error message for other values.
struct Count(f64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Count;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_u64<E>(self, value: u64) -> Result<Count, E> {
                Ok(Count(value as f64))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Count, E> {
                Ok(Count(value as f64))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Count, E> {
                Ok(Count(value))
            }
        }
        deserializer.deserialize_any(Number)
    }
}

struct Inner<'v>(&'v mut Vec<f64>);

impl<'de> serde::de::DeserializeSeed<'de> for Inner<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Inner<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of numbers")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<(), A::Error> {
        while let Some(value) = numbers.next_element::<Count>()? {
            self.0.push(value.0);
        }
        Ok(())
    }
}

/// Byte order mark that some Windows editors write.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a BIOM 1.0 table.
pub fn read(source: &Source) -> Result<Table, DataError> {
    let mut reader = BufReader::new(source.bounded_reader()?);
    if source.head().starts_with(BYTE_ORDER_MARK) {
        let read = reader.read_exact(&mut [0; BYTE_ORDER_MARK.len()]);
        read.map_err(|e| source.read_error(&e))?;
    }
    let biom: Biom = serde_json::from_reader(reader).map_err(|e| {
        if e.is_io() {
            source.read_error(&e.into())
        } else if recognise(source).role.is_none() {
            wrong_file(source, Role::Table)
        } else {
            source.in_file(damage(&e))
        }
    })?;
    table(biom).map_err(|e| source.in_file(e))
}

/// Decodes a JSON string that itself contains JSON.
pub fn unquoted(source: &Source) -> Result<Source, DataError> {
    let reader = BufReader::new(source.bounded_reader()?);
    let text: String = serde_json::from_reader(reader).map_err(|e| source.in_file(damage(&e)))?;
    match text.trim_start().starts_with('{') {
        true => Source::from_bytes(source.path(), None, text.into_bytes()),
        false => Err(wrong_file(source, Role::Table)),
    }
}

fn damage(error: &serde_json::Error) -> DataError {
    let place = format!("line {}, column {}", error.line(), error.column());
    let text = error.to_string();
    let problem = text.split(" at line ").next().unwrap_or(&text);
    let help = if problem.contains("invalid type: null") {
        "unknown counts must not be in the table: write 0, or leave the entry out of a \
         sparse table"
    } else if problem.contains("expected a number") {
        "counts must be numbers, not quoted text: write the table again with `biom convert --to-hdf5`"
    } else if error.is_eof() {
        "the file is cut short: fetch or write it again"
    } else {
        "write the table again, for example with `biom convert -i FILE -o table.biom --to-hdf5`"
    };
    DataError::new(format!("is not valid BIOM 1.0: {problem}"))
        .at(place)
        .help(help)
}

fn table(biom: Biom) -> Result<Table, DataError> {
    let (rows, columns) = (biom.rows.len(), biom.columns.len());
    if biom.shape != (rows as f64, columns as f64) {
        return Err(DataError::new(format!(
            "declares {} × {} but lists {rows} rows and {columns} columns",
            biom.shape.0, biom.shape.1
        ))
        .at("'shape'"));
    }
    let features: Vec<String> = biom.rows.into_iter().map(|axis| axis.id).collect();
    let samples: Vec<String> = biom.columns.into_iter().map(|axis| axis.id).collect();
    let mut triplets = Vec::new();
    let mut push = |row: usize, column: usize, value: f64| {
        let reads = reads_of(value).map_err(|e| {
            e.at(format!(
                "sample '{}', feature '{}'",
                samples[column], features[row]
            ))
        })?;
        if reads > 0 {
            triplets.push((column as u32, row as u32, reads));
        }
        Ok::<_, DataError>(())
    };
    let mut start = 0;
    for (i, &end) in biom.data.ends.iter().enumerate() {
        let list = &biom.data.values[start..end];
        start = end;
        match biom.matrix_type.as_str() {
            "sparse" => {
                let &[row, column, value] = list else {
                    return Err(DataError::new(format!(
                        "a sparse entry has 3 numbers, found {}",
                        list.len()
                    ))
                    .at(format!("'data', entry {}", i + 1)));
                };
                let index = |value: f64, size: usize| {
                    let whole = value >= 0.0 && value.fract() == 0.0 && value < size as f64;
                    whole.then_some(value as usize)
                };
                let (Some(row), Some(column)) = (index(row, rows), index(column, columns)) else {
                    return Err(DataError::new(format!(
                        "row {row}, column {column} is outside the table of {rows} × {columns}"
                    ))
                    .at(format!("'data', entry {}", i + 1)));
                };
                push(row, column, value)?;
            }
            "dense" => {
                if list.len() != columns || i >= rows {
                    return Err(DataError::new(format!(
                        "expected {rows} rows of {columns} numbers, found row {} with {}",
                        i + 1,
                        list.len()
                    ))
                    .at("'data'"));
                }
                for (column, &value) in list.iter().enumerate() {
                    push(i, column, value)?;
                }
            }
            other => {
                return Err(DataError::new(format!(
                    "expected 'sparse' or 'dense', found '{other}'"
                ))
                .at("'matrix_type'"));
            }
        }
    }
    if biom.matrix_type == "dense" && biom.data.ends.len() != rows {
        let found = biom.data.ends.len();
        return Err(DataError::new(format!("expected {rows} rows, found {found}")).at("'data'"));
    }
    Table::from_triplets(samples, features, &triplets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn read_text(matrix_type: &str, shape: &str, data: &str) -> Result<Table, String> {
        let text = format!(
            r#"{{"id": null, "format": "Biological Observation Matrix 1.0.0", "type": "OTU table",
            "matrix_type": "{matrix_type}", "matrix_element_type": "int", "shape": {shape},
            "rows": [{{"id": "A", "metadata": null}}, {{"id": "C"}}],
            "columns": [{{"id": "s1"}}, {{"id": "s2"}}, {{"id": "s3"}}], "data": {data}}}"#
        );
        let source = Source::from_bytes(Path::new("t.biom"), None, text.into_bytes()).unwrap();
        read(&source).map_err(|e| e.to_string())
    }

    #[test]
    fn sparse_and_dense_agree() {
        let sparse = read_text("sparse", "[2, 3]", "[[0, 2, 7], [1, 0, 1.0], [1, 2, 2]]").unwrap();
        let dense = read_text("dense", "[2, 3]", "[[0, 0, 7], [1, 0, 2]]").unwrap();
        assert_eq!(sparse, dense);
        assert_eq!(sparse.row(2), (&[0, 1][..], &[7, 2][..]));
    }

    #[test]
    fn numeric_ids_and_sizes_and_a_byte_order_mark_are_read() {
        let text = "\u{feff}{\"shape\": [1.0, 2.0], \"rows\": [{\"id\": 1000}], \
                    \"columns\": [{\"id\": \"1\"}, {\"id\": -2}], \"data\": [[0, 1, 3]]}";
        let source = Source::from_bytes(Path::new("t"), None, text.as_bytes().to_vec()).unwrap();
        let table = read(&source).unwrap();
        assert_eq!(table.feature_ids(), ["1000"]);
        assert_eq!(table.sample_ids(), ["1", "-2"]);
        assert_eq!(table.row(1), (&[0][..], &[3][..]));
    }

    #[test]
    fn errors_name_the_place() {
        for (matrix_type, shape, data, message) in [
            ("sparse", "[2, 2]", "[]", "'shape': declares 2 × 2"),
            (
                "sparse",
                "[2, 3]",
                "[[0, 3, 1]]",
                "entry 1: row 0, column 3 is outside",
            ),
            ("sparse", "[2, 3]", "[[-1, 0, 1]]", "outside"),
            ("sparse", "[2, 3]", "[[0, 0]]", "3 numbers, found 2"),
            (
                "sparse",
                "[2, 3]",
                "[[0, 0, 1], [0, 0, 2]]",
                "sample 's1': the feature 'A' has two",
            ),
            (
                "sparse",
                "[2, 3]",
                "[[0, 0, 0.5]]",
                "sample 's1', feature 'A': the count 0.5 is not",
            ),
            ("dense", "[2, 3]", "[[0, 0, 1]]", "expected 2 rows, found 1"),
            ("dense", "[2, 3]", "[[0, 0]]", "found row 1 with 2"),
            ("other", "[2, 3]", "[[0, 0]]", "'matrix_type'"),
            ("sparse", "[2, 3]", "[[0, 0, 1]", "t.biom: line 4, column"),
            ("sparse", "[2, 3]", "[[0, 0, \"x\"]]", "expected a number"),
            ("sparse", "[2, 3]", "[[0, 0, null]]", "write 0, or leave"),
            ("sparse", "[2, 3.5]", "[]", "declares 2 × 3.5"),
        ] {
            let error = read_text(matrix_type, shape, data).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
