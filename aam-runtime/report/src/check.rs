//! What is found out of the files of a study before anything is learnt of it.

use std::collections::BTreeMap;

use aam_evaluation::distribution::Distribution;
use serde::Serialize;

/// What `aam check` found.
#[derive(Clone, Debug, Serialize)]
pub struct CheckReport {
    /// Version of the program.
    pub aam: String,
    /// The files.
    pub files: Vec<FileFound>,
    /// What is in the table.
    pub samples: Option<SamplesFound>,
    /// The sequences of its ASVs.
    pub sequences: Option<SequencesFound>,
    /// How the files go together.
    pub matching: Vec<Matching>,
    /// The columns of the metadata, for the samples of the table where there is one.
    pub columns: Vec<ColumnFound>,
    /// The columns to be predicted.
    pub targets: Vec<TargetFound>,
    /// What is wrong, and what may be.
    pub problems: Vec<Problem>,
    /// What to do next.
    pub next: Next,
}

impl CheckReport {
    /// Whether something keeps the files from being used.
    pub fn stops(&self) -> bool {
        self.problems.iter().any(|problem| problem.stops)
    }
}

/// A file.
#[derive(Clone, Debug, Serialize)]
pub struct FileFound {
    /// Where it is.
    pub path: String,
    /// What it is.
    pub what: String,
    /// The flag that it is used with.
    pub flag: Option<&'static str>,
    /// What is in it, or why it is not used.
    pub holds: Option<String>,
    /// What was found out, left out or turned while it was read.
    pub notes: Vec<String>,
}

/// The samples of a table.
#[derive(Clone, Debug, Serialize)]
pub struct SamplesFound {
    /// How many have reads.
    pub samples: usize,
    /// How many have none, with some of them.
    pub empty: Examples,
    /// ASVs that have reads.
    pub asvs: usize,
    /// ASVs that one sample has alone.
    pub asvs_of_one_sample: usize,
    /// All reads.
    pub reads: u64,
    /// Reads of a sample.
    pub depth: Option<Distribution>,
    /// ASVs of a sample.
    pub richness: Option<Distribution>,
    /// A depth to rarefy to.
    pub rarefaction: Option<Rarefaction>,
    /// Samples with the same reads of the same ASVs under different ids.
    pub same_reads: Vec<Vec<String>>,
}

/// Some of many names.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Examples {
    /// How many there are.
    pub count: usize,
    /// The first of them.
    pub examples: Vec<String>,
}

/// A depth to rarefy to, and what is lost by it.
#[derive(Clone, Debug, Serialize)]
pub struct Rarefaction {
    /// Reads to draw from each sample.
    pub depth: u64,
    /// Samples that have as many.
    pub kept: usize,
    /// Of so many.
    pub of: usize,
    /// Share of all reads that are drawn.
    pub reads: f64,
}

/// The sequences of a table's ASVs.
#[derive(Clone, Debug, Serialize)]
pub struct SequencesFound {
    /// Where they are from.
    pub from: String,
    /// How many there are.
    pub count: usize,
    /// Their lengths in bases.
    pub lengths: Option<Distribution>,
    /// How many hold letters for more than one base.
    pub ambiguous: usize,
    /// Where they lie on the 16S gene, where that is known.
    pub place: Option<GeneFound>,
    /// How many of those looked at hold no stretch that 16S genes have.
    pub unplaced: usize,
    /// How many were looked at, those with most reads.
    pub looked_at: usize,
    /// ASVs whose reverse complement is an ASV of the table, too.
    pub both_strands: usize,
}

/// Where most sequences lie on the 16S gene.
#[derive(Clone, Debug, Serialize)]
pub struct GeneFound {
    /// The variable regions, such as V4.
    pub region: Option<String>,
    /// The base of *E. coli*'s gene that half of them begin at or before.
    pub start: i64,
    /// The same of their ends.
    pub end: i64,
    /// How many run as the gene does.
    pub forwards: usize,
    /// How many are reverse complements of it.
    pub reversed: usize,
}

/// How the samples or ASVs of the table and of another file go together.
#[derive(Clone, Debug, Serialize)]
pub struct Matching {
    /// What is matched: samples or ASVs.
    pub of: &'static str,
    /// The other file, in a word.
    pub with: &'static str,
    /// How many the table has.
    pub table: usize,
    /// How many the other file has.
    pub other: usize,
    /// How many both have.
    pub both: usize,
    /// Those that only the table has.
    pub only_table: Examples,
    /// Share of the table's reads in them.
    pub lost_reads: f64,
    /// Those that only the other file has.
    pub only_other: Examples,
    /// Why they may differ, and what to do.
    pub guess: Option<String>,
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValuesAre {
    /// Numbers.
    Numbers,
    /// Names of groups of samples.
    Classes,
    /// Numbers that may stand for classes.
    Codes,
    /// Names that each sample has for its own, or nearly.
    Ids,
    /// Dates.
    Dates,
    /// Text that few samples share.
    Text,
    /// One value.
    Constant,
    /// None.
    Nothing,
}

impl ValuesAre {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Numbers => "numbers",
            Self::Classes => "classes",
            Self::Codes => "numbers or classes",
            Self::Ids => "ids",
            Self::Dates => "dates",
            Self::Text => "text",
            Self::Constant => "one value",
            Self::Nothing => "empty",
        }
    }

    /// Whether a model can learn them.
    pub fn can_be_learnt(self) -> bool {
        matches!(self, Self::Numbers | Self::Classes | Self::Codes)
    }
}

/// A column of the metadata.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnFound {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: ValuesAre,
    /// Samples with a value.
    pub known: usize,
    /// Samples without one.
    pub missing: usize,
    /// Words that were taken for a missing value, with how many samples have them.
    pub missing_words: BTreeMap<String, usize>,
    /// Different values.
    pub distinct: usize,
    /// Its numbers, where it holds such.
    pub numbers: Option<Distribution>,
    /// Its classes with their samples, those with most first; of many, the first.
    pub classes: Vec<(String, usize)>,
    /// What is worth a word, a line each.
    pub remarks: Vec<String>,
}

/// A column to be predicted.
#[derive(Clone, Debug, Serialize)]
pub struct TargetFound {
    /// The column.
    pub column: ColumnFound,
    /// Whether it is learnt as classes.
    pub classes: bool,
    /// Columns that say which samples belong together, the likeliest first.
    pub groups: Vec<GroupFound>,
    /// Columns that determine it.
    pub leaks: Vec<Related>,
    /// Columns of how samples were processed that it goes with.
    pub batches: Vec<Related>,
    /// Other columns that it goes with.
    pub related: Vec<Related>,
    /// How it goes with the number of reads.
    pub depth: Option<Related>,
}

/// A column that says which samples belong together.
#[derive(Clone, Debug, Serialize)]
pub struct GroupFound {
    /// Its name.
    pub name: String,
    /// How many values it has.
    pub values: usize,
    /// How many of them several samples have.
    pub repeated: usize,
    /// How many samples share their value with another.
    pub samples: usize,
    /// Whether its name tells of what is sampled repeatedly.
    pub likely: bool,
}

/// A column that a target goes with.
#[derive(Clone, Debug, Serialize)]
pub struct Related {
    /// Its name.
    pub name: String,
    /// How much they have in common, from 0 to 1.
    pub strength: f64,
    /// How that is measured, in words.
    pub how: String,
}

/// Something that is wrong, or may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Whether the files cannot be used before it is mended.
    pub stops: bool,
    /// What is wrong, with the file.
    pub text: String,
    /// What to do.
    pub help: Option<String>,
}

/// What to do next.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Next {
    /// What it is for.
    pub why: String,
    /// The command's arguments, without the program's name.
    pub arguments: Vec<String>,
}
