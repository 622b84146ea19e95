//! Samples that belong together, such as those of one subject, and columns that say so.

use std::collections::HashMap;

use aam_core::DataError;
use aam_data::{Column, ColumnKind, Metadata, Split};

/// A column with fewer values divides the samples by what is studied rather than by where they are
/// from: four where its name is that of a unit that is sampled, more elsewhere.
const FEWEST_VALUES: [usize; 2] = [4, 8];
/// Samples of a value, on average, from which on its samples are taken for repeats.
const REPEATS: usize = 2;

/// What each sample belongs to.
#[derive(Clone, Debug)]
pub struct Groups {
    /// Values of the column, in the order of their first samples; the last may stand for none.
    pub names: Vec<String>,
    /// Value of each sample.
    pub of: Vec<usize>,
    /// How many samples have no value; they are one group.
    pub missing: usize,
}

/// What samples without a value are called.
const MISSING: &str = "(no value)";

impl Groups {
    /// Reads the column `name` for the samples `ids`.
    ///
    /// # Errors
    /// No such column, or one that has one value only.
    pub fn read(metadata: &Metadata, name: &str, ids: &[String]) -> Result<Self, DataError> {
        let groups = Self::of_values(&metadata.texts(name, ids)?);
        match groups.names.len() {
            0 | 1 => Err(DataError::in_file(
                metadata.file(),
                format!(
                    "column `{}`: all samples at hand are of one group",
                    name.trim()
                ),
            )
            .help("--group-column wants a column with several values among these samples")),
            _ => Ok(groups),
        }
    }

    fn of_values(values: &[Option<&str>]) -> Self {
        let mut names: Vec<String> = Vec::new();
        let mut known = HashMap::new();
        let mut of = Vec::with_capacity(values.len());
        let mut missing = 0;
        for value in values {
            missing += usize::from(value.is_none());
            let next = names.len();
            let group = *known.entry(*value).or_insert(next);
            if group == next {
                names.push(value.unwrap_or(MISSING).to_owned());
            }
            of.push(group);
        }
        Self { names, of, missing }
    }

    /// Whether a group has samples on both sides.
    fn shared(&self, split: &Split) -> bool {
        let mut trains = vec![false; self.names.len()];
        for &row in &split.train {
            trains[self.of[row]] = true;
        }
        split.validation.iter().any(|&row| trains[self.of[row]])
    }
}

/// The column that most looks like one of subjects or sites sampled repeatedly, with samples of its
/// values on both sides of `split`; a warning of it.
///
/// Such a column has several values and at least twice as many samples. Columns of `targets` do not
/// count, nor do times and measurements.
pub fn repeats(
    metadata: &Metadata,
    ids: &[String],
    split: &Split,
    targets: &[String],
) -> Option<String> {
    let mut found: Option<(&str, Groups)> = None;
    for column in metadata.columns() {
        let is_target = targets.iter().any(|target| target.trim() == column.name);
        if is_target || !names_units(column) {
            continue;
        }
        let Ok(values) = metadata.texts(&column.name, ids) else {
            continue;
        };
        let groups = Groups::of_values(&values);
        let number = groups.names.len();
        let fewest = FEWEST_VALUES[usize::from(!is_unit(&column.name))];
        let repeated = number >= fewest
            && ids.len() >= REPEATS * number
            && groups.missing * 2 < ids.len()
            && groups.shared(split);
        // The coarsest of several that repeat: what is kept whole by it is kept whole by finer ones.
        let better = found.as_ref().is_none_or(|(name, best)| {
            (is_unit(&column.name), best.names.len()) > (is_unit(name), number)
        });
        if repeated && better {
            found = Some((&column.name, groups));
        }
    }
    let (name, groups) = found?;
    Some(format!(
        "column '{name}' has {} values for {} samples, and samples of one value are both trained and validated on: if they are repeats (of a subject, a site, a study), the metrics flatter; keep them together with --group-column {name}",
        groups.names.len(),
        ids.len()
    ))
}

/// Words for what is sampled repeatedly.
const UNITS: [&str; 20] = [
    "subject",
    "host",
    "patient",
    "participant",
    "individual",
    "person",
    "donor",
    "family",
    "household",
    "animal",
    "mouse",
    "cage",
    "infant",
    "child",
    "baby",
    "site",
    "plot",
    "study",
    "batch",
    "station",
];

/// Words for when a sample was taken.
const TIMES: [&str; 6] = ["date", "time", "week", "month", "day", "year"];

fn is_unit(name: &str) -> bool {
    let name = name.to_lowercase();
    UNITS.iter().any(|unit| name.contains(unit))
}

/// Whether the values may name things rather than measure them.
fn names_units(column: &Column) -> bool {
    let name = column.name.to_lowercase();
    if TIMES.iter().any(|time| name.contains(time)) {
        return false;
    }
    let is_id = ["id", "number", "nr", "code", "name"]
        .iter()
        .any(|end| name.ends_with(end));
    match column.kind {
        ColumnKind::Categorical => true,
        ColumnKind::Numeric => is_id || (is_unit(&name) && whole(column)),
    }
}

fn whole(column: &Column) -> bool {
    let mut values = column.known();
    values.all(|value| value.parse().is_ok_and(|value: f64| value.fract() == 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(columns: &[(&str, ColumnKind, &[&str])]) -> (Metadata, Vec<String>) {
        let rows = columns[0].2.len();
        let ids: Vec<String> = (0..rows).map(|row| format!("s{row}")).collect();
        let mut text = String::from("id");
        for (name, _, _) in columns {
            text.push_str(&format!("\t{name}"));
        }
        text.push_str("\n#q2:types");
        for (_, kind, _) in columns {
            text.push_str(match kind {
                ColumnKind::Numeric => "\tnumeric",
                ColumnKind::Categorical => "\tcategorical",
            });
        }
        for (row, id) in ids.iter().enumerate() {
            text.push_str(&format!("\n{id}"));
            for (_, _, values) in columns {
                text.push_str(&format!("\t{}", values[row]));
            }
        }
        text.push('\n');
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metadata.tsv");
        std::fs::write(&path, text).unwrap();
        (aam_data::read_metadata(&path).unwrap(), ids)
    }

    #[test]
    fn repeated_subjects_are_noticed_unless_kept_together() {
        let (metadata, ids) = metadata(&[
            (
                "sex",
                ColumnKind::Categorical,
                &["f", "f", "m", "m", "f", "f", "m", "m"],
            ),
            (
                "week",
                ColumnKind::Numeric,
                &["1", "2", "3", "4", "1", "2", "3", "4"],
            ),
            (
                "subject",
                ColumnKind::Categorical,
                &["a", "a", "b", "b", "c", "c", "d", "d"],
            ),
        ]);
        let across = Split {
            train: vec![0, 2, 4, 6],
            validation: vec![1, 3, 5, 7],
        };
        let within = Split {
            train: vec![0, 1, 2, 3],
            validation: vec![4, 5, 6, 7],
        };
        let warning = repeats(&metadata, &ids, &across, &[]).unwrap();
        assert!(
            warning.contains("column 'subject' has 4 values for 8 samples"),
            "{warning}"
        );
        assert!(warning.contains("--group-column subject"), "{warning}");
        assert_eq!(repeats(&metadata, &ids, &within, &[]), None);
        assert_eq!(
            repeats(&metadata, &ids, &across, &["subject".to_owned()]),
            None
        );
    }

    #[test]
    fn samples_without_a_value_are_one_group() {
        let groups = Groups::of_values(&[Some("x"), None, Some("y"), None, Some("x")]);
        assert_eq!(groups.of, [0, 1, 2, 1, 0]);
        assert_eq!(groups.names, ["x", MISSING, "y"]);
        assert_eq!(groups.missing, 2);
    }
}
