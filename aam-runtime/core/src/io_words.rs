//! Errors of the operating system in words.
//!
//! The system's own text has a code that says nothing to most people, and differs between systems:
//! `No such file or directory (os error 2)`.

use std::borrow::Cow;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::DataError;

/// The problem that `error` reports, in words and without its code.
pub fn in_words(error: &io::Error) -> Cow<'static, str> {
    // An error of this program or of a library has its own text, whatever its kind.
    if error.get_ref().is_some() {
        return without_code(&error.to_string()).into();
    }
    match error.kind() {
        ErrorKind::NotFound => "no such file or directory".into(),
        ErrorKind::PermissionDenied => "permission denied".into(),
        ErrorKind::IsADirectory => "it is a directory".into(),
        ErrorKind::NotADirectory => "part of the path is a file, not a directory".into(),
        ErrorKind::AlreadyExists => "it exists already".into(),
        ErrorKind::StorageFull => "the disk is full".into(),
        ErrorKind::QuotaExceeded => "the disk quota is used up".into(),
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only".into(),
        _ => plain(&error.to_string()).into(),
    }
}

/// The same error with its problem in words.
pub fn worded(error: io::Error) -> io::Error {
    match error.get_ref() {
        Some(_) => error,
        None => io::Error::new(error.kind(), in_words(&error)),
    }
}

/// The error of the file at `path`, which cannot be opened or read.
pub fn unreadable(path: &Path, error: &io::Error) -> DataError {
    let is_own = error.get_ref().is_some();
    match error.kind() {
        ErrorKind::NotFound if !is_own => DataError::in_file(path, "no such file"),
        ErrorKind::PermissionDenied if !is_own => {
            DataError::in_file(path, "permission to read it is denied")
        }
        _ => DataError::in_file(path, in_words(error)),
    }
}

/// `text` without each ` (os error 2)` in it.
fn without_code(text: &str) -> String {
    let mut parts = text.split(" (os error ");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str(part.split_once(')').map_or("", |(_, rest)| rest));
    }
    kept
}

/// What the system says of an error, without its code and its capital.
pub fn plain(text: &str) -> String {
    let text = without_code(text);
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn errors_of_the_system_have_no_code() {
        for (code, words) in [
            (2, "no such file or directory"),
            (13, "permission denied"),
            (21, "it is a directory"),
            (28, "the disk is full"),
            (24, "too many open files"),
            (27, "file too large"),
        ] {
            let error = io::Error::from_raw_os_error(code);
            assert_eq!(in_words(&error), words);
            let worded = worded(error);
            assert_eq!(worded.to_string(), words);
            assert_eq!(worded.kind(), io::Error::from_raw_os_error(code).kind());
            assert_eq!(in_words(&worded), words);
        }
        let wrapped = io::Error::other("reading a: No such file (os error 2), twice");
        assert_eq!(in_words(&wrapped), "reading a: No such file, twice");
        let own = io::Error::new(ErrorKind::FileTooLarge, "its 7 bytes are too many");
        assert_eq!(worded(own).to_string(), "its 7 bytes are too many");
    }

    #[test]
    fn files_that_cannot_be_read_say_why() {
        let missing = io::Error::from(ErrorKind::NotFound);
        let text = unreadable(Path::new("a.tsv"), &missing).to_string();
        assert_eq!(text, "a.tsv: no such file");
    }
}
