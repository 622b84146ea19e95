//! Detection of the role of each file in a folder by its contents, in the order of file names.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use aam_core::DataError;
use aam_core::io_words::in_words;
use aam_data::{Looks, Role, look_at};
use aam_run::RunError;

use crate::options::CheckOptions;

/// Maximum number of files in a folder that are examined.
const MOST_FILES: usize = 500;

/// A file and its apparent role.
pub struct Candidate {
    pub path: PathBuf,
    pub looks: Result<Looks, DataError>,
    /// Whether it was named by a flag, not selected among others.
    pub named: bool,
}

/// The candidate files of each role.
#[derive(Default)]
pub struct Candidates {
    pub table: Vec<Candidate>,
    pub sequences: Vec<Candidate>,
    pub tree: Vec<Candidate>,
    pub distances: Vec<Candidate>,
    pub metadata: Vec<Candidate>,
    /// Files that look like no part of a study.
    pub others: Vec<Candidate>,
}

impl Candidates {
    /// Whether no file looks like part of a study.
    pub fn are_useless(&self) -> bool {
        let all = [
            &self.table,
            &self.sequences,
            &self.tree,
            &self.distances,
            &self.metadata,
        ];
        all.iter().all(|files| files.is_empty())
    }

    /// The candidates of a role.
    pub fn of(&mut self, role: Role) -> &mut Vec<Candidate> {
        match role {
            Role::Table => &mut self.table,
            Role::Sequences => &mut self.sequences,
            Role::Tree => &mut self.tree,
            Role::Distances => &mut self.distances,
            Role::Metadata => &mut self.metadata,
        }
    }
}

/// All roles, in reporting order.
pub const ROLES: [Role; 5] = [
    Role::Table,
    Role::Metadata,
    Role::Sequences,
    Role::Tree,
    Role::Distances,
];

/// The files named by `options`, and those in `folder` for all other roles.
///
/// # Errors
/// Neither names a file, or a folder that cannot be read or is empty.
pub fn candidates(options: &CheckOptions, folder: Option<&Path>) -> Result<Candidates, RunError> {
    let mut all = Candidates::default();
    let named = ROLES.map(|role| (role, named(options, role)));
    for (role, path) in &named {
        if let Some(path) = path {
            all.of(*role).push(candidate(path.clone(), true));
        }
    }
    let Some(folder) = folder else {
        return match named.iter().any(|(_, path)| path.is_some()) {
            true => Ok(all),
            false => Err(RunError::missing(
                "table",
                "name a file, or a folder to look through",
            )),
        };
    };
    let taken: Vec<&PathBuf> = named.iter().filter_map(|(_, path)| path.as_ref()).collect();
    let paths = files(folder)?;
    if paths.is_empty() && taken.is_empty() {
        let error = DataError::in_file(folder, "the folder has no files that aam reads");
        let help =
            "name the folder that the files of the study are in; subfolders are not searched";
        return Err(error.help(help).into());
    }
    for path in paths {
        if taken.contains(&&path) {
            continue;
        }
        let file = candidate(path, false);
        let role = file.looks.as_ref().ok().and_then(|looks| looks.role);
        match role {
            Some(role) if named.contains(&(role, None)) => all.of(role).push(file),
            Some(_) => {}
            None => all.others.push(file),
        }
    }
    for role in ROLES {
        // Files that may have another role come last.
        let doubtful = |file: &Candidate| {
            let looks = file.looks.as_ref();
            looks.is_ok_and(|looks| looks.help.is_some())
        };
        let key = |file: &Candidate| (doubtful(file), rank(role, &file.path));
        all.of(role).sort_by_cached_key(key);
    }
    Ok(all)
}

fn candidate(path: PathBuf, named: bool) -> Candidate {
    let looks = look_at(&path);
    Candidate { path, looks, named }
}

/// The file named for a role by a flag.
fn named(options: &CheckOptions, role: Role) -> Option<PathBuf> {
    match role {
        Role::Table => options.table.clone(),
        Role::Sequences => options.sequences.clone(),
        Role::Tree => options.tree.clone(),
        Role::Distances => options.unifrac_matrix.clone(),
        Role::Metadata => options.metadata.clone(),
    }
}

/// The files in `folder` by name, without hidden files and subfolders.
fn files(folder: &Path) -> Result<Vec<PathBuf>, RunError> {
    let unreadable = |error: &std::io::Error| {
        let problem = match error.kind() {
            ErrorKind::NotFound => "no such folder".into(),
            ErrorKind::NotADirectory => "it is a file, expected a folder".into(),
            _ => in_words(error),
        };
        let help = match folder.is_file() {
            true => "give a file with its flag, such as --table",
            false => "name the folder that the files of the study are in",
        };
        DataError::in_file(folder, problem).help(help)
    };
    let entries = fs::read_dir(folder).map_err(|error| unreadable(&error))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(&error))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_file() && !name.starts_with('.') {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.len() > MOST_FILES {
        let problem = format!(
            "holds {} files, of which at most {MOST_FILES} can be examined",
            paths.len()
        );
        let error = DataError::in_file(folder, problem);
        let error = error.help("name the files of the study with --table, --metadata and so on");
        return Err(error.into());
    }
    Ok(paths)
}

/// Usual file names of a role, most likely first.
fn usual(role: Role) -> &'static [&'static str] {
    match role {
        Role::Table => &["table", "feature-table", "otu-table", "asv-table", "seqtab"],
        Role::Metadata => &["metadata", "sample-metadata", "mapping", "samples"],
        Role::Sequences => &["rep-seqs", "sequences", "dna-sequences", "asv", "asvs"],
        Role::Tree => &["rooted-tree", "tree"],
        Role::Distances => &["unweighted", "unifrac", "distance-matrix", "distances"],
    }
}

/// The rank of a file within its role: usual names first, matrices without ids last.
fn rank(role: Role, path: &Path) -> (usize, bool, usize, PathBuf) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_lowercase().replace(['_', ' '], "-");
    let stem = name.split('.').next().unwrap_or_default();
    let usual = usual(role);
    let exact = usual.iter().position(|other| *other == stem);
    let within = usual.iter().position(|other| name.contains(other));
    let place = exact
        .or(within.map(|place| place + usual.len()))
        .unwrap_or(2 * usual.len());
    let without_ids = role == Role::Distances && name.contains(".np");
    (place, without_ids, name.len(), path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_names_come_first() {
        let first = |role: Role, names: &[&str]| {
            let paths = names.iter().map(Path::new);
            let first = paths.min_by_key(|path| rank(role, path));
            first
                .map(|path| path.display().to_string())
                .unwrap_or_default()
        };
        let tables = ["table-unfiltered.biom", "a.biom", "table.biom"];
        assert_eq!(first(Role::Table, &tables), "table.biom");
        let matrices = ["unifrac-unweighted.npy", "unifrac-unweighted.h5"];
        assert_eq!(first(Role::Distances, &matrices), "unifrac-unweighted.h5");
        let metadata = ["other.tsv", "sample_metadata.tsv"];
        assert_eq!(first(Role::Metadata, &metadata), "sample_metadata.tsv");
    }
}
