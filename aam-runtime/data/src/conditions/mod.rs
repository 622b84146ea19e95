//! Conditions on metadata that select samples: `mom_child = C and ph >= 6`.
//!
//! A condition compares the values of a column with one given value (`=`, `!=`, `<`, `<=`, `>`,
//! `>=`) or several (`in`). No condition holds for a sample without a value in the column, as in
//! SQL and QIIME 2. In a numeric column, 7 and 7.0 are equal.

mod parse;
mod values;

use std::fmt;

use super::metadata::number;
use super::{ColumnKind, DataError, Metadata};
use aam_core::text::counted;
use values::{known_values, nearest_value};

/// Conditions that selected samples must all meet.
#[derive(Clone, Debug, PartialEq)]
pub struct Conditions(Vec<Condition>);

#[derive(Clone, Debug, PartialEq)]
struct Condition {
    column: String,
    test: Test,
}

/// The test of a value.
#[derive(Clone, Debug, PartialEq)]
enum Test {
    /// The value is one of these.
    In(Vec<String>),
    /// The value differs from this one.
    Not(String),
    /// The value is a number that compares in this way with the given one.
    Compare(Order, f64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Below,
    AtMost,
    Above,
    AtLeast,
}

impl Order {
    fn holds(self, value: f64, given: f64) -> bool {
        match self {
            Self::Below => value < given,
            Self::AtMost => value <= given,
            Self::Above => value > given,
            Self::AtLeast => value >= given,
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
        }
    }
}

/// The samples that meet the conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Their rows.
    pub rows: Vec<usize>,
    /// Columns in which samples lack a value, with the numbers of these samples.
    pub missing: Vec<(String, usize)>,
}

impl Conditions {
    /// Parses conditions joined by `and`.
    ///
    /// # Errors
    /// The text is not valid; the message says what was expected where.
    pub fn parse(text: &str) -> Result<Self, DataError> {
        parse::conditions(text).map(Self)
    }

    /// The columns used in the conditions.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|condition| condition.column.as_str())
    }

    /// Checks the conditions against the metadata alone.
    ///
    /// # Errors
    /// A column does not exist, no sample has a value, or text is compared as numbers.
    pub fn check(&self, metadata: &Metadata) -> Result<(), DataError> {
        self.0
            .iter()
            .try_for_each(|condition| condition.check(metadata))
    }

    /// Selects those of `samples` that meet all conditions.
    ///
    /// # Errors
    /// Those of [`check`](Self::check), text among the numbers to compare, or no matching samples.
    pub fn choose(&self, metadata: &Metadata, samples: &[String]) -> Result<Chosen, DataError> {
        self.check(metadata)?;
        let mut held = vec![true; samples.len()];
        let mut missing = Vec::new();
        let mut alone = Vec::new();
        for condition in &self.0 {
            let (own, lacking) = condition.holds(metadata, samples)?;
            if lacking > 0 && !missing.iter().any(|(name, _)| *name == condition.column) {
                missing.push((condition.column.clone(), lacking));
            }
            alone.push((condition, own.iter().filter(|holds| **holds).count()));
            for (held, own) in held.iter_mut().zip(own) {
                *held &= own;
            }
        }
        let rows: Vec<usize> = (0..samples.len()).filter(|&row| held[row]).collect();
        match rows.is_empty() {
            true => Err(nothing_left(metadata, samples.len(), &alone)),
            false => Ok(Chosen { rows, missing }),
        }
    }
}

/// The error that no sample meets all conditions; `alone` is how many meet each.
fn nothing_left(metadata: &Metadata, samples: usize, alone: &[(&Condition, usize)]) -> DataError {
    let each: Vec<String> = alone
        .iter()
        .map(|(condition, count)| format!("'{condition}' holds for {count}"))
        .collect();
    DataError::in_file(
        metadata.file(),
        format!(
            "none of the {} meets all conditions: {}",
            counted(samples, "sample"),
            each.join(", ")
        ),
    )
    .help("only samples of the table that have metadata count; relax the conditions")
}

impl Condition {
    fn check(&self, metadata: &Metadata) -> Result<(), DataError> {
        let column = metadata.column(&self.column)?;
        let in_column = |problem: String| {
            DataError::in_file(metadata.file(), problem).at(format!("column '{}'", column.name))
        };
        let values = match &self.test {
            Test::In(values) => values.as_slice(),
            Test::Not(value) => std::slice::from_ref(value),
            Test::Compare(..) if column.has_numbers() => &[],
            Test::Compare(..) => {
                let problem = format!("'{self}' compares numbers, but the column holds none");
                return Err(in_column(problem).help(format!(
                    "the column holds {}; select text values with =, != or in",
                    known_values(column)
                )));
            }
        };
        let occurs = |value: &&String| {
            let mut written = column.values.iter().flatten();
            written.any(|text| same(column.kind, text, value))
        };
        match values.iter().find(|value| !occurs(value)) {
            None => Ok(()),
            Some(value) => {
                let near = nearest_value(column, value)
                    .map_or_else(String::new, |near| format!("did you mean '{near}'? "));
                Err(in_column(format!("no sample has the value '{value}'"))
                    .help(format!("{near}the column holds {}", known_values(column))))
            }
        }
    }

    /// For which of `samples` the condition holds, and how many have no value.
    fn holds(
        &self,
        metadata: &Metadata,
        samples: &[String],
    ) -> Result<(Vec<bool>, usize), DataError> {
        let kind = metadata.column(&self.column)?.kind;
        let known = metadata.texts(&self.column, samples)?;
        let mut lacking = known.iter().filter(|text| text.is_none()).count();
        let holds = match &self.test {
            Test::In(values) => {
                // A word for a missing value is a value if the condition asks for it.
                let written = metadata.texts_as_written(&self.column, samples)?;
                let is_in = |text: &str| values.iter().any(|value| same(kind, text, value));
                let holds: Vec<bool> = written.iter().map(|text| text.is_some_and(is_in)).collect();
                let asked = known.iter().zip(&holds);
                lacking -= asked
                    .filter(|(text, holds)| text.is_none() && **holds)
                    .count();
                holds
            }
            Test::Not(value) => known
                .iter()
                .map(|text| text.is_some_and(|text| !same(kind, text, value)))
                .collect(),
            Test::Compare(order, given) => metadata
                .numbers(&self.column, samples)
                .map_err(|error| self.of_words(error))?
                .into_iter()
                .map(|value| value.is_some_and(|value| order.holds(value, *given)))
                .collect(),
        };
        Ok((holds, lacking))
    }

    /// Extends the error about text in a column of numbers with the condition that compares them.
    fn of_words(&self, mut error: DataError) -> DataError {
        error.problem = format!("'{self}' compares numbers, but {}", error.problem);
        error
    }
}

/// Whether a cell equals the given value.
fn same(kind: ColumnKind, text: &str, value: &str) -> bool {
    let numbers = || number(text).zip(number(value));
    text == value || kind == ColumnKind::Numeric && numbers().is_some_and(|(a, b)| a == b)
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, condition) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(" and ")?;
            }
            condition.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = parse::quoted(&self.column);
        match &self.test {
            Test::In(values) => match values.as_slice() {
                [value] => write!(f, "{column} = {}", parse::quoted(value)),
                values => {
                    let values: Vec<_> = values.iter().map(|value| parse::quoted(value)).collect();
                    write!(f, "{column} in ({})", values.join(", "))
                }
            },
            Test::Not(value) => write!(f, "{column} != {}", parse::quoted(value)),
            Test::Compare(order, value) => write!(f, "{column} {} {value}", order.sign()),
        }
    }
}

#[cfg(test)]
mod tests;
