//! How samples and ASVs of the table match the other files, and what is lost.

use std::collections::HashSet;

use aam_core::DataError;
use aam_core::text::counted;
use aam_data::{Table, mismatch};
use aam_report::check::{Examples, Matching};

use super::files::Study;
use super::sequences::named_by_sequences;
use super::{Findings, examples};

/// Checks how the files match, and reports mismatches that prevent a training run.
pub fn section(study: &Study, found: &mut Findings) -> Vec<Matching> {
    let Some((_, table)) = &study.table else {
        return metadata_alone(study).into_iter().collect();
    };
    let mut all = Vec::new();
    if let Some(metadata) = &study.metadata {
        let matching = samples(table, "metadata", metadata.ids());
        if matching.both == 0 {
            let path = metadata.file();
            found.stop(mismatch::error(table, "the metadata", path, metadata.ids()));
        } else {
            warn(&matching, metadata.file(), found);
        }
        all.push(matching);
    }
    if let Some((path, distances)) = &study.distances {
        let matching = samples(table, "distances", &distances.ids);
        if matching.both == 0 {
            found.stop(mismatch::error(table, "the matrix", path, &distances.ids));
        } else {
            warn(&matching, path, found);
        }
        all.push(matching);
    }
    if let Some((path, sequences)) = &study.sequences {
        let others = Others {
            with: "sequences",
            names: sequences.ids().collect(),
            whole: true,
        };
        let matching = asvs(table, &others, |id| sequences.label(id));
        if let Err(error) = sequences.of(table.feature_ids()) {
            found.stop(error.file(path));
        }
        all.push(matching);
    }
    all.extend(tree(study, table, found));
    all
}

/// How metadata and distances match if there is no table.
fn metadata_alone(study: &Study) -> Option<Matching> {
    let (metadata, (_, distances)) = (study.metadata.as_ref()?, study.distances.as_ref()?);
    let known: HashSet<&str> = metadata.ids().iter().map(String::as_str).collect();
    let both = distances
        .ids
        .iter()
        .filter(|id| known.contains(id.as_str()))
        .count();
    Some(Matching {
        of: "samples of the distances",
        with: "metadata",
        table: distances.ids.len(),
        other: metadata.ids().len(),
        both,
        only_table: examples(
            distances
                .ids
                .iter()
                .map(String::as_str)
                .filter(|id| !known.contains(id)),
        ),
        lost_reads: 0.0,
        only_other: Examples::default(),
        guess: None,
    })
}

/// The samples common to table and metadata, in table order. If there is only one of the two, or no
/// common sample, those of the metadata.
pub fn common_samples(study: &Study) -> Vec<String> {
    let Some(metadata) = &study.metadata else {
        return Vec::new();
    };
    let Some((_, table)) = &study.table else {
        return metadata.ids().to_vec();
    };
    let rows = 0..table.num_samples();
    let common: Vec<String> = rows
        .filter(|&row| !table.row(row).0.is_empty())
        .map(|row| &table.sample_ids()[row])
        .filter(|id| metadata.contains(id))
        .cloned()
        .collect();
    match common.is_empty() {
        true => metadata.ids().to_vec(),
        false => common,
    }
}

/// How the samples of the table match `others`.
fn samples(table: &Table, with: &'static str, others: &[String]) -> Matching {
    let theirs: HashSet<&str> = others.iter().map(String::as_str).collect();
    let index = table.sample_index();
    let lost: Vec<&str> = table
        .sample_ids()
        .iter()
        .map(String::as_str)
        .filter(|id| !theirs.contains(id))
        .collect();
    let only_other = others.iter().map(String::as_str);
    let only_other = only_other.filter(|id| !index.contains_key(id));
    let guess = mismatch::likely_guess(&lost, only_other.clone());
    let reads = |row: usize| table.depth(row);
    let all: u64 = (0..table.num_samples()).map(reads).sum();
    let lost_reads: u64 = lost.iter().map(|id| reads(index[id])).sum();
    Matching {
        of: "samples",
        with,
        table: table.num_samples(),
        other: others.len(),
        both: table.num_samples() - lost.len(),
        lost_reads: lost_reads as f64 / all.max(1) as f64,
        only_table: examples(lost.iter().copied()),
        only_other: examples(only_other),
        guess: guess.map(|guess| guess.to_string()),
    }
}

/// The ASVs of another file.
struct Others<'a> {
    /// The kind of file.
    with: &'static str,
    /// The ASV names.
    names: Vec<&'a str>,
    /// Whether ASVs without reads must be included, too.
    whole: bool,
}

/// How the ASVs of the table match `others`. `name` gives the name of an ASV there, if it exists.
fn asvs<'a>(
    table: &'a Table,
    others: &Others<'a>,
    name: impl Fn(&'a str) -> Option<&'a str>,
) -> Matching {
    let mut reads = vec![0u64; table.num_features()];
    for row in 0..table.num_samples() {
        for (&column, &count) in std::iter::zip(table.row(row).0, table.row(row).1) {
            reads[column as usize] += u64::from(count);
        }
    }
    let (mut lost, mut lost_reads) = (Vec::new(), 0);
    let mut taken: HashSet<&str> = HashSet::new();
    for (id, reads) in table.feature_ids().iter().zip(&reads) {
        match name(id) {
            Some(name) => {
                taken.insert(name);
            }
            None if *reads > 0 || others.whole => {
                lost.push(id);
                lost_reads += reads;
            }
            None => {}
        }
    }
    let names = others.names.iter().copied();
    let only_other = names.filter(|name| !taken.contains(name));
    let guess = mismatch::likely_guess(&lost, only_other.clone());
    let all: u64 = reads.iter().sum();
    Matching {
        of: "ASVs",
        with: others.with,
        table: table.num_features(),
        other: others.names.len(),
        both: table.num_features() - lost.len(),
        lost_reads: lost_reads as f64 / all.max(1) as f64,
        only_table: examples(lost.iter().copied()),
        only_other: examples(only_other),
        guess: guess.map(|guess| guess.to_string()),
    }
}

/// How the ASVs match the tips of the tree, which may be named by table id or by sequence.
fn tree(study: &Study, table: &Table, found: &mut Findings) -> Option<Matching> {
    let (path, tree) = study.tree.as_ref()?;
    let sequences = study.sequences.as_ref().map(|(_, sequences)| sequences);
    let tip = |id| tree.tip(id).map(|tip| tree.name(tip));
    let others = Others {
        with: "tree",
        names: tree.tips().map(|tip| tree.name(tip)).collect(),
        whole: false,
    };
    let matching = asvs(table, &others, |id| {
        tip(id).or_else(|| tip(sequences?.get(id)?))
    });
    let lost = &matching.only_table;
    if lost.count > 0 {
        let problem = format!(
            "the tree lacks {} of {}, with {:.1} % of the reads, such as {}",
            lost.count,
            counted(matching.table, "ASV"),
            100.0 * matching.lost_reads,
            lost.examples.join(", ")
        );
        let error = DataError::in_file(path, problem);
        let error = match (&matching.guess, matching.both) {
            (Some(guess), _) => error.help(guess.clone()),
            (None, 0) => error.help("check that the tree and the table belong to the same study"),
            (None, _) => error.help("--drop-missing drops these ASVs"),
        };
        // Training on metadata does not require a tree.
        let relates = sequences.is_none() && !named_by_sequences(table) && matching.both > 0;
        let needed = study.metadata.is_none() || study.tree_named && !relates;
        let left_out = study.drop_missing && matching.both > 0;
        match needed && !left_out {
            true => found.stop(error),
            false => found.warn(error),
        }
    }
    Some(matching)
}

/// Warns of samples that are lost due to their spelling, and of files where most samples are lost.
fn warn(matching: &Matching, path: &std::path::Path, found: &mut Findings) {
    let lost = &matching.only_table;
    if let Some(guess) = &matching.guess {
        let problem = format!(
            "{} of the table may be lost due to a different spelling, such as {}",
            counted(lost.count, "sample"),
            lost.examples.join(", ")
        );
        found.warn(DataError::in_file(path, problem).help(guess.clone()));
    } else if 2 * lost.count > matching.table {
        let problem = format!(
            "it lacks {} of {} of the table, such as {}",
            lost.count,
            counted(matching.table, "sample"),
            lost.examples.join(", ")
        );
        let help = "they are dropped; check that the two files belong to the same study";
        found.warn(DataError::in_file(path, problem).help(help));
    }
}
