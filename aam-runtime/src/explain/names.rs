//! What ASVs are called: by the files of the user, and by a taxonomy.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use aam_core::DataError;
use aam_data::{Lineage, Table, mismatch, read_sequences, read_taxonomy, reverse_complement};
use aam_run::RunError;
use aam_run::events::{Event, Observer};

/// Letters of an id that stand for the whole of it where there is little room.
const SHORT: usize = 10;

/// Names of the ASVs of a table, in the order of its columns.
pub struct Names {
    /// As the user's files have them.
    pub ids: Vec<String>,
    /// Their lineages, where they are known.
    pub lineages: Vec<Option<Lineage>>,
    /// Their ids as far as there is room: the beginning where that tells each from all others, as it does
    /// hashes; or their numbers in the table, as sequences of one gene begin alike.
    short: Vec<String>,
}

impl Names {
    /// Those of the ASVs of `table`, whose ids are sequences: the ids that the file of `sequences` has for
    /// them, and the lineages that the file `taxonomy` has for these or for the sequences.
    ///
    /// # Errors
    /// Files that cannot be read, or a taxonomy of none of the ASVs.
    pub fn read(
        table: &Table,
        sequences: Option<&Path>,
        taxonomy: Option<&Path>,
        observer: &mut dyn Observer,
    ) -> Result<Self, RunError> {
        let own: Vec<String> = table.feature_ids().iter().map(str::to_owned).collect();
        let ids = match sequences {
            None => own.clone(),
            Some(path) => {
                let sequences = read_sequences(path)?;
                let mut of = HashMap::new();
                for (id, sequence) in sequences.ids().zip(sequences.iter()) {
                    of.entry(sequence).or_insert(id);
                }
                let named = own.iter().map(|own| {
                    let found = either_strand(own, |own| of.get(own).copied());
                    found.unwrap_or(own).to_owned()
                });
                named.collect()
            }
        };
        let mut lineages = vec![None; own.len()];
        if let Some(path) = taxonomy {
            let taxonomy = read_taxonomy(path)?;
            for ((lineage, id), own) in lineages.iter_mut().zip(&ids).zip(&own) {
                let by_sequence = || either_strand(own, |own| taxonomy.get(own));
                *lineage = taxonomy.get(id).or_else(by_sequence).cloned();
            }
            let found = lineages.iter().flatten().count();
            if found == 0 {
                return Err(of_others(path, &ids, &taxonomy).into());
            }
            observer.observe(&Event::Note(&format!(
                "{}: lineages of {found} of {} ASVs",
                path.display(),
                own.len()
            )))?;
        }
        Ok(Self::new(ids, lineages))
    }

    fn new(ids: Vec<String>, lineages: Vec<Option<Lineage>>) -> Self {
        let short: Vec<String> = ids.iter().map(|id| short(id)).collect();
        let different: HashSet<&String> = short.iter().collect();
        let short = match different.len() == ids.len() {
            true => short,
            false => (1..=ids.len())
                .map(|number| format!("ASV {number}"))
                .collect(),
        };
        Self {
            ids,
            lineages,
            short,
        }
    }

    /// What people call the ASV in `column`: its lowest name, with its short id, as several ASVs have
    /// one name; the short id alone where no name is known.
    pub fn label(&self, column: usize) -> String {
        let id = &self.short[column];
        match self.lineages[column].as_ref().and_then(Lineage::name) {
            Some(name) => format!("{name} · {id}"),
            None => id.clone(),
        }
    }

    /// The columns of each genus, or of what is known above it.
    pub fn genera(&self) -> BTreeMap<String, Vec<u32>> {
        let mut genera: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for (column, lineage) in (0..).zip(&self.lineages) {
            if let Some(genus) = lineage.as_ref().and_then(Lineage::genus) {
                genera.entry(genus).or_default().push(column);
            }
        }
        genera
    }

    /// What the ASVs in `columns` have in common.
    pub fn common(&self, columns: &[u32]) -> Option<String> {
        let lineages = columns
            .iter()
            .map(|&column| self.lineages[column as usize].as_ref());
        let lineages: Option<Vec<&Lineage>> = lineages.collect();
        Lineage::common(lineages?)?.genus()
    }
}

/// What `find` has for a sequence, which may have been turned when the table was read, or else for its
/// reverse complement.
pub(super) fn either_strand<T>(sequence: &str, find: impl Fn(&str) -> Option<T>) -> Option<T> {
    find(sequence).or_else(|| find(&reverse_complement(sequence)))
}

/// The beginning of an id.
fn short(id: &str) -> String {
    match id.chars().count() > SHORT + 2 {
        true => id.chars().take(SHORT).chain(['…']).collect(),
        false => id.to_owned(),
    }
}

/// The error that a taxonomy has none of the ASVs `ids`.
fn of_others(path: &Path, ids: &[String], taxonomy: &aam_data::Taxonomy) -> DataError {
    let example = |mut ids: Vec<&str>| {
        ids.sort_unstable();
        ids.first().copied().map(short).unwrap_or_default()
    };
    let ours = ids.iter().map(String::as_str);
    let error = DataError::in_file(
        path,
        format!(
            "none of the table's ASVs is in the taxonomy: the table has ASVs such as `{}`, the taxonomy such as `{}`",
            example(ours.clone().collect()),
            example(taxonomy.ids().collect())
        ),
    );
    let guess = mismatch::guess(ours, taxonomy.ids());
    error.help(guess.map_or_else(
        || "give the taxonomy of these ASVs; where it has hashes for ids and the table sequences, add --sequences".to_owned(),
        |guess| guess.to_string(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asvs_are_called_by_their_lowest_name_and_genera_hold_them() {
        let lineages = [
            Some("k__Bacteria;p__F;c__C;o__O;f__L;g__Blautia;s__obeum"),
            Some("k__Bacteria;p__F;c__C;o__O;f__L;g__Blautia;s__"),
            None,
        ];
        let lineages = lineages.map(|text| text.map(Lineage::parse)).to_vec();
        let ids = |ids: [&str; 3]| ids.map(str::to_owned).to_vec();
        let names = Names::new(ids(["abcdefghijklmnop", "x1", "x2"]), lineages.clone());
        assert_eq!(names.label(0), "Blautia obeum · abcdefghij…");
        assert_eq!(names.label(2), "x2");
        let alike = Names::new(ids(["TACGTAGGTGGCAAG", "TACGTAGGTGGCAAT", "x2"]), lineages);
        assert_eq!(alike.label(1), "Blautia · ASV 2");
        assert_eq!(names.genera(), [("Blautia".to_owned(), vec![0, 1])].into());
        assert_eq!(names.common(&[0, 1]).as_deref(), Some("Blautia"));
        assert_eq!(names.common(&[0, 2]), None);
    }
}
