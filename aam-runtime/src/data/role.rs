//! Telling one kind of study file from another, so that a mix-up is answered with the right flag.

use std::fmt;

use super::DataError;
use super::hdf5_file;
use super::qza::Artifact;
use super::source::{Kind, Source};

/// What a file is used as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A feature table.
    Table,
    /// Sample metadata.
    Metadata,
    /// Distances between samples.
    Distances,
    /// Sequences by id.
    Sequences,
    /// A phylogenetic tree.
    Tree,
}

impl Role {
    /// The flag that takes such a file.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Table => "--table",
            Self::Metadata => "--metadata",
            Self::Distances => "--unifrac-matrix",
            Self::Sequences => "--sequences",
            Self::Tree => "--tree",
        }
    }

    /// The role that a QIIME 2 artifact of `semantic_type` can play.
    pub(crate) fn of_type(semantic_type: &str) -> Option<Self> {
        let name = semantic_type.split([' ', '%']).next().unwrap_or_default();
        match name {
            "DistanceMatrix" => Some(Self::Distances),
            "FeatureData[Sequence]" => Some(Self::Sequences),
            _ if name.starts_with("FeatureTable[") => Some(Self::Table),
            _ if name.starts_with("Phylogeny[") => Some(Self::Tree),
            _ => None,
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Table => "a feature table (BIOM, TSV or FeatureTable[Frequency] .qza)",
            Self::Metadata => "sample metadata (tab-separated, the first column being the ids)",
            Self::Distances => "a distance matrix (.npy, .h5, TSV or DistanceMatrix .qza)",
            Self::Sequences => "sequences (FASTA or FeatureData[Sequence] .qza)",
            Self::Tree => "a tree (Newick or Phylogeny[Rooted] .qza)",
        }
    }
}

/// What a download often is where something was amiss with it.
const WEB_PAGE: &str = "a web page or other XML";

/// What a file looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Looks {
    pub what: String,
    pub role: Option<Role>,
}

impl Looks {
    fn new(what: impl Into<String>, role: impl Into<Option<Role>>) -> Self {
        Self {
            what: what.into(),
            role: role.into(),
        }
    }
}

impl fmt::Display for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Recognises the content of `source`.
pub(crate) fn recognise(source: &Source) -> Looks {
    match source.kind() {
        Kind::Empty => Looks::new("an empty file", None),
        Kind::Hdf5 => {
            if hdf5_file::has_group(source, "observation") {
                Looks::new("a BIOM table", Role::Table)
            } else if hdf5_file::has_dataset(source, "matrix") {
                Looks::new("a distance matrix in HDF5", Role::Distances)
            } else {
                Looks::new("an HDF5 file of some other kind", None)
            }
        }
        Kind::Zip => match Artifact::open(source) {
            Ok(artifact) => {
                let role = Role::of_type(artifact.semantic_type());
                Looks::new(
                    format!("a QIIME 2 artifact of type {}", artifact.semantic_type()),
                    role,
                )
            }
            Err(_) => Looks::new("a zip archive", None),
        },
        Kind::Npy => Looks::new("a NumPy array", Role::Distances),
        Kind::Json if contains(source.head(), "Biological Observation Matrix") => {
            Looks::new("a BIOM 1.0 table", Role::Table)
        }
        Kind::Json => Looks::new("a JSON file", None),
        Kind::Utf16 => Looks::new("UTF-16 text", None),
        Kind::Binary => Looks::new("a binary file", None),
        Kind::Text => recognise_text(&String::from_utf8_lossy(source.head())),
    }
}

fn recognise_text(head: &str) -> Looks {
    let head = head.trim_start_matches('\u{feff}').trim_end();
    let first = head
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let cell = first.split(['\t', ',']).next().unwrap_or_default().trim();
    if head.trim_start().starts_with('(') {
        return Looks::new("a Newick tree", Role::Tree);
    }
    if first.trim_start().starts_with('<') {
        return Looks::new(WEB_PAGE, None);
    }
    if first.starts_with('>') {
        return Looks::new("a FASTA file", Role::Sequences);
    }
    if first.starts_with("# Constructed from biom") || first.starts_with("#OTU") {
        return Looks::new("a feature table as text", Role::Table);
    }
    let header: Vec<&str> = first.split(['\t', ',']).map(str::trim).collect();
    let square = header.len() > 1
        && cell.is_empty()
        && head
            .lines()
            .filter(|line| !line.trim().is_empty())
            .nth(1)
            .is_some_and(|row| row.split(['\t', ',']).next().map(str::trim) == Some(header[1]));
    if square {
        return Looks::new("a distance matrix as text", Role::Distances);
    }
    if super::metadata::is_id_header(cell) {
        return Looks::new("sample metadata", Role::Metadata);
    }
    Looks::new("a text file of some other kind", None)
}

/// The error for a file used as `wanted` that is something else.
pub(crate) fn wrong_file(source: &Source, wanted: Role) -> DataError {
    let looks = recognise(source);
    let error = source.error(format!("expected {}, found {looks}", wanted.expected()));
    match looks.role {
        Some(role) if role != wanted => error.help(format!(
            "this looks like {looks}; pass it with {}",
            role.flag()
        )),
        _ => error.help(format!("check the file given with {}", wanted.flag())),
    }
}

/// Refuses a file that is plainly something else than `wanted`.
pub(crate) fn refuse_mix_up(source: &Source, wanted: Role) -> Result<(), DataError> {
    let looks = recognise(source);
    match looks.role {
        Some(role) if role != wanted => Err(wrong_file(source, wanted)),
        None if looks.what == WEB_PAGE => Err(wrong_file(source, wanted)),
        _ => Ok(()),
    }
}

fn contains(head: &[u8], text: &str) -> bool {
    head.windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn texts_are_told_apart() {
        for (text, role) in [
            ("((a:1,b:2):0.5,c:1);\n", Some(Role::Tree)),
            (">s1\nACGT\n", Some(Role::Sequences)),
            (
                "# Constructed from biom file\n#OTU ID\ts1\n",
                Some(Role::Table),
            ),
            ("\ts1\ts2\ns1\t0\t1\ns2\t1\t0\n", Some(Role::Distances)),
            ("sample-id\tage\ns1\t4\n", Some(Role::Metadata)),
            ("<!DOCTYPE html>\n<html>\n", None),
            ("hello\n", None),
        ] {
            assert_eq!(recognise_text(text).role, role, "{text}");
        }
    }

    #[test]
    fn the_right_flag_is_named() {
        let tree = Source::from_bytes(Path::new("t.nwk"), None, b"(a,b);".to_vec()).unwrap();
        assert_eq!(
            wrong_file(&tree, Role::Table).to_string(),
            "t.nwk: expected a feature table (BIOM, TSV or FeatureTable[Frequency] .qza), found a \
             Newick tree\n  help: this looks like a Newick tree; pass it with --tree"
        );
    }
}
