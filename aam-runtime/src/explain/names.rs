//! Names of ASVs, from the user's files and from a taxonomy.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use aam_core::text::counted;
use aam_data::{IdsAre, Lineage, Table};
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_study::ids_in_file;

/// Number of characters of an abbreviated id.
const SHORT: usize = 10;

/// Names of the ASVs of a table, in column order.
pub struct Names {
    /// The ids in the user's files.
    pub ids: Vec<String>,
    /// The lineages, if known.
    pub lineages: Vec<Option<Lineage>>,
    /// Abbreviated ids: prefixes if these are unique, as for hashes, or the ASVs' numbers in the
    /// table, because the sequences of one gene start alike.
    short: Vec<String>,
}

impl Names {
    /// The names of the ASVs of `table`: if its ids are sequences, those in the file `sequences`; and
    /// their lineages in the file `taxonomy`, by id or by sequence, or in ids that are lineages.
    ///
    /// # Errors
    /// Files that cannot be read, or a taxonomy that contains none of the ASVs.
    pub fn read(
        table: &Table,
        sequences: Option<&Path>,
        taxonomy: Option<&Path>,
        observer: &mut dyn Observer,
    ) -> Result<Self, RunError> {
        let ids = ids_in_file(table, sequences)?;
        let mut lineages = match IdsAre::of(table.feature_ids()) {
            IdsAre::Lineages => lineages_in(table.feature_ids().iter()),
            IdsAre::Sequences | IdsAre::Names => vec![None; ids.len()],
        };
        if let Some(path) = taxonomy {
            lineages = aam_study::lineages(table, &ids, path)?;
            observer.observe(&Event::Note(&format!(
                "{}: lineages of {} of {}",
                path.display(),
                lineages.iter().flatten().count(),
                counted(ids.len(), "ASV")
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

    /// The display name of the ASV in `column`: its lowest known taxon with the abbreviated id,
    /// because several ASVs may have the same taxon; only the abbreviated id if no taxon is known.
    pub fn label(&self, column: usize) -> String {
        let id = &self.short[column];
        match self.lineages[column].as_ref().and_then(Lineage::name) {
            Some(name) => format!("{name} · {id}"),
            None => id.clone(),
        }
    }

    /// The columns of each genus, or of the lowest known taxon above it.
    pub fn genera(&self) -> BTreeMap<String, Vec<u32>> {
        let mut genera: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for (column, lineage) in (0..).zip(&self.lineages) {
            if let Some(genus) = lineage.as_ref().and_then(Lineage::genus) {
                genera.entry(genus).or_default().push(column);
            }
        }
        genera
    }

    /// The lowest common taxon of the ASVs in `columns`.
    pub fn common(&self, columns: &[u32]) -> Option<String> {
        let lineages = columns
            .iter()
            .map(|&column| self.lineages[column as usize].as_ref());
        let lineages: Option<Vec<&Lineage>> = lineages.collect();
        Lineage::common(lineages?)?.genus()
    }
}

/// The lineages that `ids` are, separated by semicolons or bars.
fn lineages_in<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<Option<Lineage>> {
    let lineages = ids.map(|id| match id.contains(';') {
        true => Lineage::parse(id),
        false => Lineage::parse(&id.replace('|', ";")),
    });
    lineages
        .map(|lineage| lineage.name().map(|_| lineage))
        .collect()
}

/// The prefix of an id.
fn short(id: &str) -> String {
    match id.chars().count() > SHORT + 2 {
        true => id.chars().take(SHORT).chain(['…']).collect(),
        false => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_lineages_are_read_as_such() {
        let ids = ["k__A|p__B|c__C|o__D|f__E|g__F", "d__A; p__B", "Unassigned"];
        let found = lineages_in(ids.into_iter());
        let genus = |place: usize| found[place].as_ref().and_then(Lineage::genus);
        assert_eq!(genus(0).as_deref(), Some("F"));
        assert_eq!(genus(1).as_deref(), Some("B (phylum)"));
        assert!(found[2].is_none());
    }

    #[test]
    fn asvs_are_named_by_their_lowest_taxon_and_grouped_by_genus() {
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
