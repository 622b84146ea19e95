//! Samples that belong together, such as those of one subject.

use std::collections::HashMap;

use aam_core::DataError;
use aam_data::{Metadata, Split};

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

    /// Those with the same of `values`.
    pub(crate) fn of_values(values: &[Option<&str>]) -> Self {
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
