//! Conditions on metadata that choose samples: `mom_child = C and ph >= 6`.
//!
//! A condition compares the values of a column with one given value (`=`, `!=`, `<`, `<=`, `>`,
//! `>=`) or several (`in`). Of a sample without a value in the column no condition holds, as in SQL
//! and in QIIME 2. In a numeric column 7 and 7.0 are the same.

mod parse;
mod values;

use std::fmt;

use super::metadata::number;
use super::{ColumnKind, DataError, Metadata};
use values::{known_values, nearest_value};

/// Conditions, all of which hold of the samples that are chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Conditions(Vec<Condition>);

#[derive(Clone, Debug, PartialEq)]
struct Condition {
    column: String,
    test: Test,
}

/// What is asked of a value.
#[derive(Clone, Debug, PartialEq)]
enum Test {
    /// It is one of these.
    In(Vec<String>),
    /// It is another one.
    Not(String),
    /// It is a number on this side of the given one.
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

/// The samples that conditions choose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Their rows.
    pub rows: Vec<usize>,
    /// Columns that samples lack a value of, with how many.
    pub missing: Vec<(String, usize)>,
}

impl Conditions {
    /// Reads conditions that are joined by `and`.
    ///
    /// # Errors
    /// Text that is none; the message says what was expected where.
    pub fn parse(text: &str) -> Result<Self, DataError> {
        parse::conditions(text).map(Self)
    }

    /// The columns that they are about.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|condition| condition.column.as_str())
    }

    /// Checks them against the metadata alone.
    ///
    /// # Errors
    /// A column that does not exist, a value that no sample has, words to be compared as numbers.
    pub fn check(&self, metadata: &Metadata) -> Result<(), DataError> {
        self.0
            .iter()
            .try_for_each(|condition| condition.check(metadata))
    }

    /// Those of `samples` of which all conditions hold.
    ///
    /// # Errors
    /// Those of [`check`](Self::check), words among the numbers to be compared, or no such sample.
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

/// The error that the conditions hold `alone` of so many samples, and of none together.
fn nothing_left(metadata: &Metadata, samples: usize, alone: &[(&Condition, usize)]) -> DataError {
    let each: Vec<String> = alone
        .iter()
        .map(|(condition, count)| format!("`{condition}` holds for {count}"))
        .collect();
    DataError::in_file(
        metadata.file(),
        format!(
            "the conditions leave none of the {samples} samples at hand: {}",
            each.join(", ")
        ),
    )
    .help("the samples at hand are those of the table that the metadata describe; ask for less")
}

impl Condition {
    fn check(&self, metadata: &Metadata) -> Result<(), DataError> {
        let column = metadata.column(&self.column)?;
        let in_column = |problem: String| {
            DataError::in_file(metadata.file(), problem).at(format!("column `{}`", column.name))
        };
        let values = match &self.test {
            Test::In(values) => values.as_slice(),
            Test::Not(value) => std::slice::from_ref(value),
            Test::Compare(..) if column.has_numbers() => &[],
            Test::Compare(..) => {
                let problem = format!("`{self}` compares numbers, and the column holds none");
                return Err(in_column(problem).help(format!(
                    "the column holds {}; words are chosen with =, != or in",
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
                    .map_or_else(String::new, |near| format!("did you mean `{near}`? "));
                Err(in_column(format!("no sample has the value `{value}`"))
                    .help(format!("{near}the column holds {}", known_values(column))))
            }
        }
    }

    /// Of which of `samples` it holds, and how many have no value.
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
                // A word for a missing value is one where it is asked for.
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

    /// The error of words in a column of numbers, with what it is that compares them.
    fn of_words(&self, mut error: DataError) -> DataError {
        error.problem = format!("`{self}` compares numbers, and {}", error.problem);
        error
    }
}

/// Whether a cell holds the value that is asked for.
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
