//! Attention weights as files, and as heat maps.

use std::collections::BTreeMap;
use std::path::Path;

use aam_data::{NpzArray, npz};
use aam_report::chart::{Heat, Theme, svg_file};
use aam_report::explanation::AttentionShown;
use aam_run::RunError;
use aam_run::run_directory::{write_whole, write_whole_bytes};
use aam_run::tsv_writer::write_table;

use super::attention::AttentionFound;
use super::folder;

/// Maximum number of rows of a heat map.
const MOST_LINES: usize = 20;
/// Maximum number of samples in a heat map.
const MOST_SAMPLES: usize = 60;

/// Writes all weights, the heat maps and their numbers to the folder `path`.
///
/// # Errors
/// A file that cannot be written.
pub fn write(
    found: &AttentionFound,
    shown: &[AttentionShown],
    samples: &[String],
    path: &Path,
) -> Result<(), RunError> {
    let columns = ["sample-id", "part", "head", "key", "weight"];
    let rows = found.weights.iter().map(|of| {
        vec![
            samples[of.sample].clone(),
            found.parts[of.part].clone(),
            (of.head + 1).to_string(),
            found.keys[of.key].name.clone(),
            of.weight.to_string(),
        ]
    });
    write_table(&path.join(folder::ATTENTION), &columns, rows)?;
    let file = path.join(folder::ATTENTION_ARRAYS);
    let bytes = arrays(found, samples);
    let bytes = bytes.map_err(|error| RunError::write(&file)(std::io::Error::other(error)))?;
    write_whole_bytes(&file, &bytes)?;
    let columns = ["part", "row", "sample-id", "mean weight"];
    let rows = shown.iter().flat_map(|part| {
        let lines = part.map.rows.iter().zip(&part.map.values);
        lines.flat_map(|(line, values)| {
            let cells = part.map.columns.iter().zip(values);
            cells.map(|(sample, value)| {
                vec![
                    part.part.clone(),
                    line.clone(),
                    sample.clone(),
                    value.to_string(),
                ]
            })
        })
    });
    write_table(&path.join(folder::ATTENTION_MAP), &columns, rows)?;
    for (name, part) in folder::ATTENTION_PICTURES.iter().zip(shown) {
        write_whole(&path.join(name), &svg_file(&part.map, &Theme::LIGHT))?;
    }
    Ok(())
}

/// The weights as arrays in the order of the table, with texts as positions in lists of texts.
fn arrays(
    found: &AttentionFound,
    samples: &[String],
) -> Result<Vec<u8>, impl std::error::Error + Send + Sync + use<>> {
    let integers = |of: &dyn Fn(&super::attention::Weight) -> usize| {
        let all = found.weights.iter();
        NpzArray::Integers(all.map(|weight| of(weight) as i32).collect())
    };
    let keys = found.keys.iter().map(|key| key.name.clone());
    npz(&[
        ("sample", integers(&|of| of.sample)),
        ("part", integers(&|of| of.part)),
        ("head", integers(&|of| of.head + 1)),
        ("key", integers(&|of| of.key)),
        (
            "weight",
            NpzArray::Numbers(found.weights.iter().map(|of| of.weight).collect()),
        ),
        ("samples", NpzArray::Texts(samples.to_vec())),
        ("parts", NpzArray::Texts(found.parts.clone())),
        ("keys", NpzArray::Texts(keys.collect())),
    ])
}

/// A heat map for each part: the mean weights over heads of what gets most, in some samples.
pub fn shown(found: &AttentionFound, samples: &[String]) -> Vec<AttentionShown> {
    let parts = 0..found.parts.len();
    parts.map(|part| map(found, part, samples)).collect()
}

fn map(found: &AttentionFound, part: usize, samples: &[String]) -> AttentionShown {
    let of_part = || found.weights.iter().filter(|of| of.part == part);
    let heads = of_part().map(|of| of.head + 1).max().unwrap_or(1);
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for of in of_part() {
        *sums.entry(found.keys[of.key].line.as_str()).or_insert(0.0) += f64::from(of.weight);
    }
    let mut lines: Vec<(&str, f64)> = sums.into_iter().collect();
    let all = lines.len();
    lines.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    lines.truncate(MOST_LINES);
    let number = samples.len().min(MOST_SAMPLES);
    let chosen = (0..number).map(|place| place * samples.len() / number.max(1));
    let chosen: Vec<usize> = chosen.collect();
    let mut values = vec![vec![0.0; chosen.len()]; lines.len()];
    for of in of_part() {
        let line = found.keys[of.key].line.as_str();
        let row = lines.iter().position(|(own, _)| *own == line);
        let cell = row.zip(chosen.binary_search(&of.sample).ok());
        if let Some((row, column)) = cell {
            values[row][column] += f64::from(of.weight) / heads as f64;
        }
    }
    AttentionShown {
        part: found.parts[part].clone(),
        heads,
        rows: all,
        samples: samples.len(),
        map: Heat {
            name: format!("mean attention weight of {}", found.parts[part]),
            across: "samples, in the order of the table".to_owned(),
            values,
            rows: lines.iter().map(|(line, _)| (*line).to_owned()).collect(),
            columns: chosen.iter().map(|&at| samples[at].clone()).collect(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::attention::{Key, Weight};

    #[test]
    fn a_map_has_means_over_heads_and_levels_of_a_column_share_a_row() {
        let key = |name: &str, line: &str| Key {
            name: name.to_owned(),
            line: line.to_owned(),
        };
        let weight = |sample, head, key, weight| Weight {
            sample,
            part: 0,
            head,
            key,
            weight,
        };
        let found = AttentionFound {
            parts: vec!["fusion cross-attention".to_owned()],
            keys: vec![
                key("site=gut", "site"),
                key("site=skin", "site"),
                key("(no category)", "(no category)"),
            ],
            weights: vec![
                weight(0, 0, 0, 0.5),
                weight(0, 0, 2, 0.5),
                weight(0, 1, 0, 1.0),
                weight(0, 1, 2, 0.0),
                weight(1, 0, 1, 0.25),
                weight(1, 0, 2, 0.75),
                weight(1, 1, 1, 0.75),
                weight(1, 1, 2, 0.25),
            ],
        };
        let samples = ["a".to_owned(), "b".to_owned()];
        let shown = shown(&found, &samples);
        assert_eq!((shown.len(), shown[0].heads, shown[0].rows), (1, 2, 2));
        let map = &shown[0].map;
        assert_eq!(map.rows, ["site", "(no category)"]);
        assert_eq!(map.values, [[0.75, 0.5], [0.25, 0.5]]);
        assert!(arrays(&found, &samples).unwrap().starts_with(b"PK"));
    }
}
