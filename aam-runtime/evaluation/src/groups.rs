//! Groups of related samples, such as those of one subject.

use std::collections::HashMap;

use aam_core::DataError;
use aam_data::{Metadata, Split};

/// The group of each sample.
#[derive(Clone, Debug)]
pub struct Groups {
    /// Values of the column, in order of first occurrence; one of them may stand for missing
    /// values.
    pub names: Vec<String>,
    /// Value of each sample.
    pub of: Vec<usize>,
    /// Number of samples without a value; they form one group.
    pub missing: usize,
}

/// Name of the group of samples without a value.
const MISSING: &str = "(no value)";

impl Groups {
    /// Reads the column `name` for the samples `ids`.
    ///
    /// # Errors
    /// There is no such column, or it has a single value.
    pub fn read(metadata: &Metadata, name: &str, ids: &[String]) -> Result<Self, DataError> {
        let groups = Self::of_values(&metadata.texts(name, ids)?);
        match groups.names.len() {
            0 | 1 => Err(DataError::in_file(
                metadata.file(),
                format!(
                    "column '{}': all of these samples are in one group",
                    name.trim()
                ),
            )
            .help("--group-column needs a column with several values among these samples")),
            _ => Ok(groups),
        }
    }

    /// Groups samples with equal `values`.
    pub fn of_values(values: &[Option<&str>]) -> Self {
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

    /// Whether any group has samples on both sides of the split.
    pub(crate) fn shared(&self, split: &Split) -> bool {
        let mut trains = vec![false; self.names.len()];
        for &row in &split.train {
            trains[self.of[row]] = true;
        }
        split.validation.iter().any(|&row| trains[self.of[row]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_without_a_value_are_one_group() {
        let groups = Groups::of_values(&[Some("x"), None, Some("y"), None, Some("x")]);
        assert_eq!(groups.of, [0, 1, 2, 1, 0]);
        assert_eq!(groups.names, ["x", MISSING, "y"]);
        assert_eq!(groups.missing, 2);
    }
}
