//! The lines `#q2:types` and `#q2:missing` below the header of metadata.

use std::collections::{HashMap, HashSet};

use super::{Row, fit};
use crate::DataError;
use crate::metadata::{Column, ColumnKind, number};
use crate::missing_words::{is_insdc, says_missing};

/// The declarations of `#q2:types` and `#q2:missing`.
#[derive(Default)]
pub(super) struct Directives {
    seen: HashSet<String>,
    kinds: HashMap<String, ColumnKind>,
    missing: HashMap<String, MissingScheme>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum MissingScheme {
    Blank,
    Never,
    Insdc,
}

impl Directives {
    pub(super) fn add(&mut self, row: Row, header: &[String]) -> Result<(), DataError> {
        let at = format!("line {}", row.0);
        let name = row.1[0].clone();
        if !self.seen.insert(name.clone()) {
            return Err(DataError::new(format!("'{name}' occurs more than once")).at(at));
        }
        if name != "#q2:types" && name != "#q2:missing" {
            return Err(DataError::new(format!(
                "expected the directive '#q2:types' or '#q2:missing', found '{name}'"
            ))
            .at(at));
        }
        let cells = fit(row, header)?;
        for (column, cell) in header
            .iter()
            .zip(&cells)
            .skip(1)
            .filter(|(_, c)| !c.is_empty())
        {
            let unknown = |expected: &str| {
                DataError::new(format!("expected {expected}, found '{cell}'"))
                    .at(format!("{at}, column '{column}'"))
            };
            if name == "#q2:types" {
                let kind = match cell.to_lowercase().as_str() {
                    "numeric" => ColumnKind::Numeric,
                    "categorical" => ColumnKind::Categorical,
                    _ => return Err(unknown("the type 'numeric' or 'categorical'")),
                };
                self.kinds.insert(column.clone(), kind);
            } else {
                let scheme = match cell.as_str() {
                    "blank" => MissingScheme::Blank,
                    "no-missing" => MissingScheme::Never,
                    "INSDC:missing" => MissingScheme::Insdc,
                    _ => {
                        return Err(unknown(
                            "the scheme 'blank', 'no-missing' or 'INSDC:missing'",
                        ));
                    }
                };
                self.missing.insert(column.clone(), scheme);
            }
        }
        Ok(())
    }

    pub(super) fn column(
        &self,
        name: &str,
        mut values: Vec<Option<String>>,
        ids: &[String],
    ) -> Result<Column, DataError> {
        let at = format!("column '{name}'");
        match self.missing.get(name) {
            Some(MissingScheme::Insdc) => {
                for value in &mut values {
                    value.take_if(|v| is_insdc(v));
                }
            }
            Some(MissingScheme::Never) => {
                if let Some(row) = values.iter().position(Option::is_none) {
                    return Err(DataError::new(format!(
                        "the value of '{}' is missing, but the column is declared 'no-missing'",
                        ids[row]
                    ))
                    .at(at));
                }
            }
            Some(MissingScheme::Blank) | None => {}
        }
        let scheme = self.missing.get(name);
        let literal = scheme.is_some_and(|scheme| *scheme != MissingScheme::Insdc);
        let mut bad = ids
            .iter()
            .zip(&values)
            .filter_map(|(id, value)| Some((id, value.as_deref()?)))
            .filter(|(_, value)| number(value).is_none() && (literal || !says_missing(value)))
            .peekable();
        let kind = match self.kinds.get(name) {
            Some(ColumnKind::Numeric) if bad.peek().is_some() => {
                let listed: Vec<String> = bad
                    .take(5)
                    .map(|(id, value)| format!("{id}: {value}"))
                    .collect();
                return Err(DataError::new(format!(
                    "is declared numeric but holds text ({})",
                    listed.join(", ")
                ))
                .at(at)
                .help("fix the values, or declare the column categorical"));
            }
            Some(&kind) => kind,
            None if bad.peek().is_some() => ColumnKind::Categorical,
            None => ColumnKind::Numeric,
        };
        drop(bad);
        Ok(Column {
            name: name.to_owned(),
            kind,
            values,
            literal,
        })
    }
}
