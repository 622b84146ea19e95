//! Selection among several files of one kind.

use std::path::{Path, PathBuf};

use aam_core::DataError;
use aam_data::{Looks, Role};
use aam_report::check::{Examples, FileFound};

use super::Findings;
use super::folder::Candidate;

/// Maximum number of files of one role that are read to find the best.
const MOST_READ: usize = 8;

/// The contents of a file, a description of them, and notes.
pub type Read<T> = Result<(T, String, Vec<String>), DataError>;

/// Of the `candidates` that can be read, reads the one that shares most of its ids with the study;
/// the first one in case of a tie. If none can be read, that is an error if the role is `needed` or
/// a flag names the file.
pub fn choose<T>(
    (role, needed): (Role, bool),
    candidates: Vec<Candidate>,
    found: &mut Findings,
    fits: impl Fn(&T) -> f64,
    mut read: impl FnMut(&Path) -> Read<T>,
) -> Option<(PathBuf, T)> {
    let mut chosen: Option<(usize, T, String, Vec<String>)> = None;
    let mut best = -1.0;
    let mut errors = Vec::new();
    for (place, file) in candidates.iter().enumerate().take(MOST_READ) {
        match read(&file.path) {
            Ok((value, held, notes)) => {
                let share = fits(&value);
                if share > best {
                    best = share;
                    chosen = Some((place, value, held, notes));
                }
                if best >= 1.0 {
                    break;
                }
            }
            Err(error) => errors.push((place, error.file(&file.path))),
        }
    }
    let used = chosen.as_ref().map(|(place, ..)| *place);
    let unreadable: Vec<usize> = errors.iter().map(|(place, _)| *place).collect();
    for (place, error) in errors {
        // Another file may be used instead.
        let missed = needed || candidates[place].named;
        match missed && used.is_none() && place == 0 {
            true => found.stop(error),
            false => found.warn(error),
        }
    }
    for (place, file) in candidates.iter().enumerate() {
        match &mut chosen {
            Some((chosen, _, held, notes)) if *chosen == place => found.files.push(FileFound {
                path: file.path.display().to_string(),
                what: match file.looks.as_ref().is_ok_and(Looks::is_text) {
                    true => role.noun().to_owned(),
                    false => what(file),
                },
                flag: Some(role.flag()),
                holds: Some(std::mem::take(held)),
                notes: std::mem::take(notes),
            }),
            _ if unreadable.contains(&place) => {
                found.files.push(unused(file, "cannot be used, see below"));
            }
            _ => found.files.push(unused(file, "not used")),
        }
    }
    let (place, value, ..) = chosen?;
    let others = candidates.iter().enumerate();
    let others = others.filter(|(other, _)| *other != place && !unreadable.contains(other));
    let names = others.filter_map(|(_, file)| file.path.file_name()?.to_str());
    let others = super::examples(names);
    let path = candidates.into_iter().nth(place)?.path;
    if others.count > 0 {
        found.warn(ambiguous(role, &path, &others));
    }
    Some((path, value))
}

/// The warning that `others` could have been chosen instead of the file at `path`.
fn ambiguous(role: Role, path: &Path, others: &Examples) -> DataError {
    let more = match others.count > others.examples.len() {
        true => ", …",
        false => "",
    };
    let files = match others.count {
        1 => "further file looks",
        _ => "further files look",
    };
    let problem = format!(
        "it is used, but {} {files} like {}: {}{more}",
        others.count,
        role.noun(),
        others.examples.join(", ")
    );
    let help = format!("select a file with {}", role.flag());
    DataError::in_file(path, problem).help(help)
}

/// An unused file, with the reason.
pub fn unused(file: &Candidate, why: &str) -> FileFound {
    FileFound {
        path: file.path.display().to_string(),
        what: what(file),
        flag: None,
        holds: Some(why.to_owned()),
        notes: Vec::new(),
    }
}

/// The kind of a file.
pub fn what(file: &Candidate) -> String {
    match &file.looks {
        Ok(looks) => looks.what.clone(),
        Err(error) => error.problem.clone(),
    }
}
