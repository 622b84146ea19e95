//! The error type of everything that reads or checks data.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::text::one_line;

/// A problem with data, described so that the user can fix it.
///
/// Displayed as `FILE: PLACE: PROBLEM`, followed by a help line.
#[derive(Debug, thiserror::Error)]
pub struct DataError {
    /// The file, if the problem is in one.
    pub file: Option<PathBuf>,
    /// Where in the file: a line, a column, a sample, a dataset.
    pub place: Option<String>,
    /// What was expected and what was found.
    pub problem: String,
    /// How to fix it.
    pub help: Option<String>,
}

impl DataError {
    /// A problem that concerns no particular file.
    pub fn new(problem: impl Into<String>) -> Self {
        Self {
            file: None,
            place: None,
            problem: problem.into(),
            help: None,
        }
    }

    /// A problem with `file`.
    pub fn in_file(file: impl AsRef<Path>, problem: impl Into<String>) -> Self {
        Self::new(problem).file(file)
    }

    /// Sets the file, unless a deeper layer has set one.
    #[must_use]
    pub fn file(mut self, file: impl AsRef<Path>) -> Self {
        self.file.get_or_insert_with(|| file.as_ref().to_owned());
        self
    }

    /// Sets the place in the file.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// Sets the help text.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}: ", one_line(&file.to_string_lossy()))?;
        }
        if let Some(place) = &self.place {
            write!(f, "{}: ", one_line(&brief(place)))?;
        }
        write!(f, "{}", brief(&self.problem))?;
        if let Some(help) = &self.help {
            write!(f, "\n  help: {}", brief(help))?;
        }
        Ok(())
    }
}

/// Shortens `text` for a message. If it is too long, such as a cell of a damaged file, only the
/// beginning and the end are kept.
pub fn brief(text: &str) -> Cow<'_, str> {
    const LONGEST: usize = 3000;
    const BEGINNING: usize = 1500;
    const END: usize = 500;
    if text.len() <= LONGEST {
        return Cow::Borrowed(text);
    }
    let begin = text.floor_char_boundary(BEGINNING);
    let end = text.ceil_char_boundary(text.len() - END);
    Cow::Owned(format!("{} … {}", &text[..begin], &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_loses_its_middle() {
        let cell = "ä".repeat(1 << 20);
        let error = DataError::new(format!("expected a count, found '{cell}' here")).help(cell);
        let text = error.to_string();
        assert!(text.len() < 5000, "{}", text.len());
        assert!(text.starts_with("expected a count, found 'ä") && text.contains("ä' here\n"));
        assert_eq!(brief("short"), "short");
    }
}
