//! The sequences of the ASVs: their lengths, and their position and orientation on the gene; or what
//! relates features without sequences.

use std::collections::HashSet;
use std::path::Path;

use aam_core::DataError;
use aam_core::text::counted;
use aam_data::{
    IdsAre, Lie, NO_EXCEPTION, Table, TokenOptions, TokenizedSequences, mismatch,
    reverse_complement,
};
use aam_evaluation::distribution::Distribution;
use aam_report::check::{FileFound, GeneFound, SequencesFound};

use super::Findings;
use super::files::Study;

/// Maximum number of ASVs that are aligned to the gene: those with the most reads.
const MOST_PLACED: usize = 5000;
/// Shorter strings are names.
const SHORTEST: usize = 20;

/// Whether the ASVs of `table` are named by their sequences.
pub fn named_by_sequences(table: &Table) -> bool {
    unnamed(table).is_ok()
}

fn unnamed(table: &Table) -> Result<TokenizedSequences, DataError> {
    let longest = table.feature_ids().iter().map(str::len).max();
    let options = TokenOptions {
        max_bp: longest.unwrap_or(1),
        truncate: false,
    };
    TokenizedSequences::of(table.feature_ids(), &options)
}

/// A message if most ASVs have names.
fn named_otherwise(table: &Table) -> Option<String> {
    let ids = table.feature_ids();
    let named = ids.iter().filter(|id| {
        let letters = id.bytes().all(|letter| letter.is_ascii_alphabetic());
        !letters || id.len() < SHORTEST
    });
    (2 * named.clone().count() > ids.len()).then(|| {
        let names = mismatch::three(named);
        format!("its ASVs have names, such as {names}, instead of sequences")
    })
}

/// Describes the sequences, and reports their problems.
pub fn section(study: &Study, found: &mut Findings) -> Option<SequencesFound> {
    let Some((path, table)) = &study.table else {
        let (path, sequences) = study.sequences.as_ref()?;
        let all: Vec<&str> = sequences.iter().collect();
        let from = path.display().to_string();
        return Some(described(&all, from, found));
    };
    let Some((from, sequences)) = &study.sequences else {
        let ids = IdsAre::of(table.feature_ids());
        // Only a training run on metadata can do without sequences.
        if study.metadata.is_some() && ids != IdsAre::Sequences {
            relations(study, (path, table), ids, found);
            return None;
        }
        if let Err(error) = unnamed(table) {
            found.stop(match named_otherwise(table) {
                Some(problem) => DataError::in_file(path, problem).help(
                    "ASVs are learned by their sequences: provide these with \
                     --sequences (FASTA)",
                ),
                None => error.file(path),
            });
            return None;
        }
        let from = "the ids of the table".to_owned();
        return Some(described(&by_reads(table, Some), from, found));
    };
    // ASVs without a sequence are reported in the section on matching.
    let all = by_reads(table, |id| sequences.get(id));
    (!all.is_empty()).then(|| described(&all, from.display().to_string(), found))
}

/// Says what the `ids` of the table are and what relates its features, and warns if nothing does.
fn relations(study: &Study, (path, table): (&Path, &Table), ids: IdsAre, found: &mut Findings) {
    let example = mismatch::three(table.feature_ids().iter());
    let is_tip = |id: &str| {
        study
            .tree
            .as_ref()
            .is_some_and(|(_, tree)| tree.tip(id).is_some())
    };
    let by_tree = table.feature_ids().iter().any(is_tip);
    let note = match (ids, by_tree) {
        (_, true) => {
            format!("its ids, such as {example}, are not sequences; --tree relates the features")
        }
        (IdsAre::Lineages, false) => format!(
            "its ids are lineages, such as {example}: the features are related by the ranks they share"
        ),
        _ => format!("its ids, such as {example}, are not sequences"),
    };
    let of_table = |file: &&mut FileFound| file.path == path.display().to_string();
    if let Some(file) = found.files.iter_mut().find(of_table) {
        file.notes.push(note);
    }
    if ids == IdsAre::Names && !by_tree {
        let problem = format!(
            "its ids are names, such as {example}, so every feature is learned by itself, as if unrelated to the others"
        );
        found.warn(DataError::in_file(path, problem).help(
            "to relate them, provide their sequences with --sequences (FASTA), a tree that has them as \
             tips with --tree, or their lineages with `aam train --taxonomy`",
        ));
    }
}

/// The sequences of the ASVs of `table`, by decreasing number of reads.
fn by_reads<'a>(table: &'a Table, sequence: impl Fn(&'a str) -> Option<&'a str>) -> Vec<&'a str> {
    let mut reads = vec![0u64; table.num_features()];
    for row in 0..table.num_samples() {
        for (&column, &count) in std::iter::zip(table.row(row).0, table.row(row).1) {
            reads[column as usize] += u64::from(count);
        }
    }
    let mut columns: Vec<usize> = (0..reads.len()).collect();
    columns.sort_by_key(|&column| std::cmp::Reverse(reads[column]));
    let ids = columns
        .into_iter()
        .map(|column| &table.feature_ids()[column]);
    ids.filter_map(sequence).collect()
}

/// Describes `all`, which are sorted by decreasing number of reads.
fn described(all: &[&str], from: String, found: &mut Findings) -> SequencesFound {
    let looked_at = &all[..all.len().min(MOST_PLACED)];
    let lie = Lie::of(looked_at.iter().copied());
    let ambiguous = |sequence: &&&str| {
        let plain = |letter: u8| b"ACGTUacgtu".contains(&letter);
        !sequence.bytes().all(plain)
    };
    let sequences = SequencesFound {
        count: all.len(),
        lengths: Distribution::of_counts(all.iter().map(|sequence| sequence.len() as u64)),
        ambiguous: all.iter().filter(ambiguous).count(),
        unplaced: lie.as_ref().map_or(looked_at.len(), |lie| lie.unplaced),
        place: lie.map(|lie| GeneFound {
            region: lie.region,
            start: lie.start,
            end: lie.end,
            forwards: lie.forwards,
            reversed: lie.reversed,
        }),
        looked_at: looked_at.len(),
        both_strands: both_strands(all),
        from,
    };
    warn(&sequences, found);
    sequences
}

/// The number of ASVs whose reverse complement is also present.
fn both_strands(all: &[&str]) -> usize {
    let known: HashSet<&str> = all.iter().copied().collect();
    let turned = |sequence: &&&str| {
        let turned = reverse_complement(sequence);
        turned != ***sequence && known.contains(turned.as_str())
    };
    all.iter().filter(turned).count()
}

fn warn(sequences: &SequencesFound, found: &mut Findings) {
    let turn = "`aam train` reorients them, unless it is given a tree; to reorient the files, use for \
                example `seqkit seq -rp`, and merge the ASVs that are then identical";
    let from = &sequences.from;
    if sequences.both_strands > 0 {
        let problem = format!(
            "{from}: for {}, the reverse complement is present, too: one organism counts as two",
            counted(sequences.both_strands, "ASV")
        );
        found.warn(DataError::new(problem).help(turn));
    }
    let Some(place) = &sequences.place else {
        return;
    };
    let placed = place.forwards + place.reversed;
    let share = place.reversed as f64 / placed as f64;
    let mixed = (NO_EXCEPTION..=1.0 - NO_EXCEPTION).contains(&share);
    if mixed && sequences.both_strands == 0 {
        let problem = format!(
            "{from}: {} of {placed} ASVs are reverse complements of the 16S gene, and the others are not",
            place.reversed
        );
        found.warn(DataError::new(problem).help(turn));
    } else if share > 1.0 - NO_EXCEPTION {
        let problem = format!("{from}: the sequences are reverse complements of the 16S gene");
        found.warn(DataError::new(problem).help(turn));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_strands_of_one_sequence_are_found() {
        let sequence = "ACGGTTACCAGTAGGCTAATCCGG";
        let turned = reverse_complement(sequence);
        assert_eq!(both_strands(&[sequence, &turned, "ACGT", "TTTT"]), 2);
        assert_eq!(both_strands(&[sequence, "AAAA"]), 0);
    }
}
