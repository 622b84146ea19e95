//! What a file is used as, and what it looks like.

use std::fmt;

use super::DataError;
use super::source::{Kind, Source};

/// The use of a file.
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
    /// The option that takes such a file.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Table => "--table",
            Self::Metadata => "--metadata",
            Self::Distances => "--unifrac-matrix",
            Self::Sequences => "--sequences",
            Self::Tree => "--tree",
        }
    }

    /// The role of a QIIME 2 artifact of `semantic_type`.
    pub fn of_type(semantic_type: &str) -> Option<Self> {
        let name = semantic_type.split([' ', '%']).next().unwrap_or_default();
        match name {
            "DistanceMatrix" => Some(Self::Distances),
            "FeatureData[Sequence]" => Some(Self::Sequences),
            _ if name.starts_with("FeatureTable[") => Some(Self::Table),
            _ if name.starts_with("Phylogeny[") => Some(Self::Tree),
            _ => None,
        }
    }

    /// A noun phrase for such a file.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Table => "a feature table",
            Self::Metadata => "sample metadata",
            Self::Distances => "a distance matrix",
            Self::Sequences => "sequences",
            Self::Tree => "a tree",
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Table => "a feature table (BIOM, text, .xlsx or FeatureTable[Frequency] .qza)",
            Self::Metadata => "sample metadata (text or .xlsx, with ids in the first column)",
            Self::Distances => "a distance matrix (.npy, .h5, text or DistanceMatrix .qza)",
            Self::Sequences => "sequences (FASTA or FeatureData[Sequence] .qza)",
            Self::Tree => "a tree (Newick, NEXUS or Phylogeny[Rooted] .qza)",
        }
    }
}

/// Description of text that is not recognised.
pub(super) const OTHER_TEXT: &str = "a text file of some other kind";

/// What a file looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looks {
    /// Description of the file.
    pub what: String,
    /// The role it can have.
    pub role: Option<Role>,
    /// What to do, unless that is to give it with another option.
    pub help: Option<String>,
}

impl Looks {
    pub(super) fn new(what: impl Into<String>, role: impl Into<Option<Role>>) -> Self {
        Self {
            what: what.into(),
            role: role.into(),
            help: None,
        }
    }

    /// Whether it is text whose beginning reveals nothing more.
    pub fn is_text(&self) -> bool {
        self.what == OTHER_TEXT
    }

    /// Adds advice.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A QIIME 2 artifact.
    pub(super) fn artifact(semantic_type: &str) -> Self {
        let what = format!("a QIIME 2 artifact of type {semantic_type}");
        Self::new(what, Role::of_type(semantic_type))
    }
}

impl fmt::Display for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// The error for a file used as `wanted` that looks like something else.
pub fn wrong_role(source: &Source, wanted: Role, looks: &Looks) -> DataError {
    let error = source.error(format!("expected {}, found {looks}", wanted.expected()));
    if source.kind() == Kind::RObject {
        return error.help(format!(
            "write it as text in R: `{}`",
            match wanted {
                Role::Table => "write.table(as(otu_table(ps), \"matrix\"), \"table.tsv\", sep = \"\\t\", quote = FALSE, col.names = NA)",
                Role::Metadata => "write.table(data.frame(sample_data(ps)), \"metadata.tsv\", sep = \"\\t\", quote = FALSE, col.names = NA)",
                Role::Distances => "write.table(as.matrix(distances), \"distances.tsv\", sep = \"\\t\", quote = FALSE, col.names = NA)",
                Role::Sequences => "Biostrings::writeXStringSet(refseq(ps), \"rep-seqs.fasta\")",
                Role::Tree => "ape::write.tree(phy_tree(ps), \"tree.nwk\")",
            }
        ));
    }
    if let Some(help) = &looks.help {
        return error.help(help.clone());
    }
    match looks.role {
        Some(role) if role != wanted => error.help(format!(
            "this looks like {looks}; pass it with {}",
            role.flag()
        )),
        _ => error.help(format!("check the file given with {}", wanted.flag())),
    }
}
