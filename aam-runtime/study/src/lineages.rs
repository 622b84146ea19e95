//! The lineages of a table's ASVs, from a file.

use std::collections::HashMap;
use std::path::Path;

use aam_api::study::{RANKS, SampleTaxonomy};
use aam_core::DataError;
use aam_data::{
    Lineage, Table, Taxonomy, mismatch, read_sequences, read_taxonomy, reverse_complement, shorten,
};

/// The ids of the ASVs of `table`, whose own ids are sequences, in the file `sequences`; their own ids
/// without it.
///
/// # Errors
/// A file that cannot be read.
pub fn ids_in_file(table: &Table, sequences: Option<&Path>) -> Result<Vec<String>, DataError> {
    let own = table.feature_ids().iter();
    let Some(path) = sequences else {
        return Ok(own.map(str::to_owned).collect());
    };
    let sequences = read_sequences(path)?;
    let mut of = HashMap::new();
    for (id, sequence) in sequences.ids().zip(sequences.iter()) {
        of.entry(sequence).or_insert(id);
    }
    let named = own.map(|own| {
        let found = either_strand(own, |own| of.get(own).copied());
        found.unwrap_or(own).to_owned()
    });
    Ok(named.collect())
}

/// The lineages of the ASVs of `table`, which other files call `ids`, in the file `taxonomy`: by that id
/// or by sequence. ASVs that the file lacks have none.
///
/// # Errors
/// A file that cannot be read, or that has none of the ASVs.
pub fn lineages(
    table: &Table,
    ids: &[String],
    taxonomy: &Path,
) -> Result<Vec<Option<Lineage>>, DataError> {
    let read = read_taxonomy(taxonomy)?;
    let lineage = |(id, own): (&String, &str)| {
        let by_sequence = || either_strand(own, |own| read.get(own));
        read.get(id).or_else(by_sequence).cloned()
    };
    let found: Vec<Option<Lineage>> = ids
        .iter()
        .zip(table.feature_ids().iter())
        .map(lineage)
        .collect();
    match found.iter().any(Option::is_some) {
        true => Ok(found),
        false => Err(of_others(taxonomy, ids, &read)),
    }
}

/// Applies `find` to a sequence, and then to its reverse complement, because sequences may have been
/// turned when the table was read.
pub fn either_strand<T>(sequence: &str, find: impl Fn(&str) -> Option<T>) -> Option<T> {
    find(sequence).or_else(|| find(&reverse_complement(sequence)))
}

/// The error of a taxonomy that contains none of the ASVs `ids`.
fn of_others(path: &Path, ids: &[String], taxonomy: &Taxonomy) -> DataError {
    let example = |mut ids: Vec<&str>| {
        ids.sort_unstable();
        ids.first().copied().map(shorten).unwrap_or_default()
    };
    let ours = ids.iter().map(String::as_str);
    let error = DataError::in_file(
        path,
        format!(
            "none of the table's ASVs is in the taxonomy: the table has ASVs such as '{}', the taxonomy such as '{}'",
            example(ours.clone().collect()),
            example(taxonomy.ids().collect())
        ),
    );
    let guess = mismatch::guess(ours, taxonomy.ids());
    error.help(guess.map_or_else(
        || "give the taxonomy of these ASVs; if its ids are hashes and the table has sequences, add --sequences".to_owned(),
        |guess| guess.to_string(),
    ))
}

/// The taxa of a table's ASVs, as objectives see them.
#[derive(Debug)]
pub(super) struct AsvTaxa(pub(super) Vec<Option<Lineage>>);

impl SampleTaxonomy for AsvTaxa {
    fn taxa(&self, rank: usize) -> Option<Vec<u32>> {
        let of_asv = |lineage: &Option<Lineage>| -> Vec<Option<String>> {
            let name = |rank| Some(lineage.as_ref()?.rank(rank)?.to_owned());
            (0..=rank.min(RANKS.len() - 1)).map(name).collect()
        };
        let paths: Vec<_> = self.0.iter().map(of_asv).collect();
        let is_named = paths
            .iter()
            .any(|path| path.last().is_some_and(Option::is_some));
        let mut numbers = HashMap::new();
        let number = |path| {
            let next = numbers.len() as u32;
            *numbers.entry(path).or_insert(next)
        };
        is_named.then(|| paths.into_iter().map(number).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taxa_are_lineages_down_to_a_rank() {
        assert_eq!(RANKS, aam_data::RANK_NAMES);
        let lineages = [
            Some("k__B;p__F;c__C;o__O;f__L;g__Blautia"),
            Some("k__B;p__F;c__C;o__O;f__L;g__"),
            Some("k__B;p__F;c__C;o__O;f__M;g__Blautia"),
            None,
            Some("k__B;p__F;c__C;o__O;f__L"),
        ];
        let taxa = AsvTaxa(lineages.map(|text| text.map(Lineage::parse)).to_vec());
        assert_eq!(taxa.taxa(1), Some(vec![0, 0, 0, 1, 0]));
        assert_eq!(taxa.taxa(4), Some(vec![0, 0, 1, 2, 0]));
        // A genus of the same name in another family is another one.
        assert_eq!(taxa.taxa(5), Some(vec![0, 1, 2, 3, 1]));
        assert_eq!(taxa.taxa(6), None);
    }
}
