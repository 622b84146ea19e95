//! What `aam check` finds in the files of a study before any training.

use std::collections::BTreeMap;

use aam_evaluation::distribution::Distribution;
use serde::Serialize;

/// The result of `aam check`.
#[derive(Clone, Debug, Serialize)]
pub struct CheckReport {
    /// Version of the program.
    pub aam: String,
    /// The files.
    pub files: Vec<FileFound>,
    /// The contents of the table.
    pub samples: Option<SamplesFound>,
    /// The sequences of its ASVs.
    pub sequences: Option<SequencesFound>,
    /// How the files match.
    pub matching: Vec<Matching>,
    /// The metadata columns, over the samples of the table if there is one.
    pub columns: Vec<ColumnFound>,
    /// The groups of samples that a training run would keep together, if their column is named.
    pub groups: Option<GroupingFound>,
    /// The target columns.
    pub targets: Vec<TargetFound>,
    /// Errors and warnings.
    pub problems: Vec<Problem>,
    /// The suggested next command.
    pub next: Next,
}

impl CheckReport {
    /// Whether a problem prevents the files from being used.
    pub fn stops(&self) -> bool {
        self.problems.iter().any(|problem| problem.stops)
    }
}

/// A file.
#[derive(Clone, Debug, Serialize)]
pub struct FileFound {
    /// What kind of file it is.
    pub path: String,
    /// What it is.
    pub what: String,
    /// The option that takes it.
    pub flag: Option<&'static str>,
    /// Its contents, or why it is not used.
    pub holds: Option<String>,
    /// What was inferred, left out or reoriented while reading it.
    pub notes: Vec<String>,
}

/// The samples of a table.
#[derive(Clone, Debug, Serialize)]
pub struct SamplesFound {
    /// Samples with reads.
    pub samples: usize,
    /// Samples without reads, with examples.
    pub empty: Examples,
    /// ASVs with reads.
    pub asvs: usize,
    /// ASVs that occur in only one sample.
    pub asvs_of_one_sample: usize,
    /// Total number of reads.
    pub reads: u64,
    /// Reads per sample.
    pub depth: Option<Distribution>,
    /// ASVs per sample.
    pub richness: Option<Distribution>,
    /// A suggested rarefaction depth.
    pub rarefaction: Option<Rarefaction>,
    /// Samples with identical reads of the same ASVs under different ids.
    pub same_reads: Vec<Vec<String>>,
}

/// The number of names, with examples.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Examples {
    /// How many there are.
    pub count: usize,
    /// The first few.
    pub examples: Vec<String>,
}

/// A rarefaction depth and what it discards.
#[derive(Clone, Debug, Serialize)]
pub struct Rarefaction {
    /// Reads to draw per sample.
    pub depth: u64,
    /// Samples with at least that many reads.
    pub kept: usize,
    /// Number of samples.
    pub of: usize,
    /// Share of all reads that is kept.
    pub reads: f64,
}

/// The sequences of a table's ASVs.
#[derive(Clone, Debug, Serialize)]
pub struct SequencesFound {
    /// Where the sequences come from.
    pub from: String,
    /// Number of sequences.
    pub count: usize,
    /// Their lengths in bases.
    pub lengths: Option<Distribution>,
    /// How many contain ambiguity codes.
    pub ambiguous: usize,
    /// Their position on the 16S gene, if it is known.
    pub place: Option<GeneFound>,
    /// How many of those examined contain no conserved stretch of the 16S gene.
    pub unplaced: usize,
    /// How many were examined; those with the most reads come first.
    pub looked_at: usize,
    /// ASVs whose reverse complement is also an ASV of the table.
    pub both_strands: usize,
}

/// Where most sequences lie on the 16S gene.
#[derive(Clone, Debug, Serialize)]
pub struct GeneFound {
    /// The variable regions, such as V4.
    pub region: Option<String>,
    /// Median start, as a base position of *E. coli*'s gene.
    pub start: i64,
    /// Median end.
    pub end: i64,
    /// How many have the orientation of the gene.
    pub forwards: usize,
    /// How many are reverse complements.
    pub reversed: usize,
}

/// How the samples or ASVs of the table match those of another file.
#[derive(Clone, Debug, Serialize)]
pub struct Matching {
    /// What is matched: samples or ASVs.
    pub of: &'static str,
    /// Name of the other file's kind.
    pub with: &'static str,
    /// Number in the table.
    pub table: usize,
    /// Number in the other file.
    pub other: usize,
    /// Number in both.
    pub both: usize,
    /// Those found only in the table.
    pub only_table: Examples,
    /// Share of the table's reads in those.
    pub lost_reads: f64,
    /// Those found only in the other file.
    pub only_other: Examples,
    /// Why they may differ, and what to do about it.
    pub guess: Option<String>,
}

/// Kind of the values of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValuesAre {
    /// Numbers.
    Numbers,
    /// Names of classes.
    Classes,
    /// Numbers that may be class codes.
    Codes,
    /// Names that are unique, or nearly unique, to each sample.
    Ids,
    /// Dates.
    Dates,
    /// Free text that few samples share.
    Text,
    /// A single value.
    Constant,
    /// No values.
    Nothing,
}

impl ValuesAre {
    /// The kind in words.
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

    /// Whether the column can be a target.
    pub fn can_be_learned(self) -> bool {
        matches!(self, Self::Numbers | Self::Classes | Self::Codes)
    }
}

/// A metadata column.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnFound {
    /// Its name.
    pub name: String,
    /// Kind of its values.
    pub kind: ValuesAre,
    /// Number of samples with a value.
    pub known: usize,
    /// Number of samples without a value.
    pub missing: usize,
    /// Words read as missing values, with the number of samples that have each.
    pub missing_words: BTreeMap<String, usize>,
    /// Number of distinct values.
    pub distinct: usize,
    /// Distribution of its numbers, if it has any.
    pub numbers: Option<Distribution>,
    /// Its classes with their numbers of samples, most frequent first; only the first if there are
    /// many.
    pub classes: Vec<(String, usize)>,
    /// Remarks, one line each.
    pub remarks: Vec<String>,
}

/// A target column.
#[derive(Clone, Debug, Serialize)]
pub struct TargetFound {
    /// The column.
    pub column: ColumnFound,
    /// Whether it is a classification target.
    pub classes: bool,
    /// Columns that group related samples, the likeliest first.
    pub groups: Vec<GroupFound>,
    /// Its values within the groups that a training run would keep together.
    pub grouped: Option<GroupedTarget>,
    /// Columns that determine it.
    pub leaks: Vec<Related>,
    /// Sample-processing columns that it is associated with.
    pub batches: Vec<Related>,
    /// Other columns that it is associated with.
    pub related: Vec<Related>,
    /// Its association with the number of reads.
    pub depth: Option<Related>,
}

/// A column that groups related samples.
#[derive(Clone, Debug, Serialize)]
pub struct GroupFound {
    /// Its name.
    pub name: String,
    /// Number of values.
    pub values: usize,
    /// Number of values that several samples share.
    pub repeated: usize,
    /// Number of samples that share their value with another.
    pub samples: usize,
    /// Whether its name suggests a unit that is sampled repeatedly.
    pub likely: bool,
}

/// Groups of samples that a training run would keep together.
#[derive(Clone, Debug, Serialize)]
pub struct GroupingFound {
    /// The column.
    pub column: String,
    /// Number of groups; samples without a value form one.
    pub groups: usize,
    /// Samples per group.
    pub sizes: Option<Distribution>,
    /// Number of samples without a value.
    pub missing: usize,
}

/// The values of a target within groups.
#[derive(Clone, Debug, Serialize)]
pub struct GroupedTarget {
    /// Number of groups with a known value of the target.
    pub groups: usize,
    /// Number of those in which all samples have the same value.
    pub constant: usize,
    /// Classes that are in only one group.
    pub classes_of_one_group: Vec<String>,
}

/// A column that a target is associated with.
#[derive(Clone, Debug, Serialize)]
pub struct Related {
    /// Its name.
    pub name: String,
    /// Strength of the association, from 0 to 1.
    pub strength: f64,
    /// How the association is measured, in words.
    pub how: String,
}

/// An error or a warning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Whether it must be fixed before the files can be used.
    pub stops: bool,
    /// The problem, with the file it is in.
    pub text: String,
    /// How to fix it.
    pub help: Option<String>,
}

/// The suggested next command.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Next {
    /// Its purpose.
    pub why: String,
    /// The arguments, without the program's name.
    pub arguments: Vec<String>,
}
