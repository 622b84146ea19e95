//! Taxonomies of ASVs, as written by classifiers.

use std::collections::HashMap;
use std::path::Path;

use super::qza::Artifact;
use super::read_metadata::read;
use super::source::{Kind, Source};
use super::{DataError, container, shorten};

/// Index of the genus among the ranks.
const GENUS: usize = 5;
/// Prefix letters of the ranks, highest first.
const RANKS: [&[char]; 7] = [&['d', 'k'], &['p'], &['c'], &['o'], &['f'], &['g'], &['s']];
/// Names of the ranks, highest first.
pub const RANK_NAMES: [&str; 7] = [
    "domain", "phylum", "class", "order", "family", "genus", "species",
];
/// Names of the taxonomy column.
const COLUMNS: [&str; 3] = ["taxon", "taxonomy", "lineage"];
/// Prefixes of uninformative names.
const NOTHING: [&str; 6] = [
    "uncultured",
    "unclassified",
    "unidentified",
    "unassigned",
    "unknown",
    "metagenome",
];

/// The lineages of ASVs in a file.
#[derive(Clone, Debug, Default)]
pub struct Taxonomy {
    of: HashMap<String, Lineage>,
}

/// Names of an ASV from domain to species, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lineage {
    ranks: [Option<String>; 7],
    written: String,
}

impl Taxonomy {
    /// The lineage of the ASV `id`.
    pub fn get(&self, id: &str) -> Option<&Lineage> {
        self.of.get(id)
    }

    /// Number of ASVs.
    pub fn len(&self) -> usize {
        self.of.len()
    }

    /// Whether there are no ASVs.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// The ASVs.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.of.keys().map(String::as_str)
    }
}

impl Lineage {
    /// Parses names separated by semicolons, with or without rank prefixes, as in `k__Bacteria;
    /// p__Firmicutes` (Greengenes), `D_0__Bacteria;D_1__Firmicutes` (SILVA) and `Bacteria;Firmicutes`.
    pub fn parse(text: &str) -> Self {
        let mut ranks: [Option<String>; 7] = Default::default();
        for (place, part) in text.split(';').map(str::trim).enumerate() {
            let (rank, name) = match part.split_once("__") {
                Some((prefix, name)) => (rank_of(prefix), name),
                None => (Some(place), part),
            };
            let name = name.trim().replace('_', " ");
            let plain = name.to_lowercase();
            let says = !plain.is_empty() && !NOTHING.iter().any(|word| plain.starts_with(word));
            if let Some(slot) = rank.and_then(|rank| ranks.get_mut(rank)).filter(|_| says) {
                *slot = Some(name);
            }
        }
        Self {
            ranks,
            written: text.trim().to_owned(),
        }
    }

    /// The name at a rank, from 0 for the domain to 6 for the species.
    pub fn rank(&self, rank: usize) -> Option<&str> {
        self.ranks.get(rank)?.as_deref()
    }

    /// The lineage as written in the file.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// The genus, or the lowest known name above it with its rank: `Blautia`, `Lachnospiraceae
    /// (family)`.
    pub fn genus(&self) -> Option<String> {
        self.down_to(GENUS)
    }

    /// The lowest name: `Blautia obeum`, `Blautia`, `Lachnospiraceae (family)`.
    pub fn name(&self) -> Option<String> {
        let [.., genus, species] = &self.ranks;
        match (genus, species) {
            (Some(genus), Some(species)) if !species.starts_with(genus.as_str()) => {
                Some(format!("{genus} {species}"))
            }
            (_, Some(species)) => Some(species.clone()),
            _ => self.genus(),
        }
    }

    /// The lowest known name, down to rank `lowest`.
    fn down_to(&self, lowest: usize) -> Option<String> {
        let named = self.ranks.iter().enumerate().take(lowest + 1);
        let (rank, name) = named
            .rev()
            .find_map(|(rank, name)| Some((rank, name.as_ref()?)))?;
        Some(match rank {
            GENUS => name.clone(),
            other => format!("{name} ({})", RANK_NAMES[other]),
        })
    }

    /// What all `lineages` have in common, down to the genus.
    pub fn common<'a>(lineages: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut lineages = lineages.into_iter();
        let mut common = lineages.next()?.clone();
        for other in lineages {
            let differs =
                (0..common.ranks.len()).find(|&rank| common.ranks[rank] != other.ranks[rank]);
            if let Some(first) = differs {
                common.ranks[first..].fill(None);
            }
        }
        common.written = String::new();
        Some(common)
    }
}

/// Index of the rank written as `prefix`.
pub(super) fn rank_of(prefix: &str) -> Option<usize> {
    if let Some(number) = prefix.strip_prefix("D_") {
        return number.parse().ok();
    }
    let letter = prefix.to_lowercase();
    let mut letters = letter.chars();
    let letter = letters.next().filter(|_| letters.next().is_none())?;
    RANKS.iter().position(|known| known.contains(&letter))
}

/// Reads the taxonomy at `path`: text whose first column contains ids and that has a column `Taxon` or
/// `taxonomy` (or two columns without a header, as in Greengenes), or a QIIME 2 artifact of type
/// `FeatureData[Taxonomy]`, gzipped or not.
///
/// # Errors
/// The file cannot be read or has no such column.
pub fn read_taxonomy(path: impl AsRef<Path>) -> Result<Taxonomy, DataError> {
    let path = path.as_ref();
    let (source, _) = container::open(path)?;
    let source = match source.kind() {
        Kind::Zip => {
            let mut artifact = Artifact::open(&source)?;
            let found = artifact.semantic_type().to_owned();
            artifact.taxonomy()?.ok_or_else(|| {
                DataError::in_file(
                    path,
                    format!("expected a taxonomy, found an artifact of type {found}"),
                )
                .help("give the FeatureData[Taxonomy] that `qiime feature-classifier` wrote")
            })?
        }
        _ => source,
    };
    if let Some(of) = without_header(&source)? {
        return Ok(Taxonomy { of });
    }
    let rows = read(&source)?;
    let column = rows.columns().iter().find(|column| {
        let name = column.name.to_lowercase();
        COLUMNS.contains(&name.as_str())
    });
    let Some(column) = column else {
        let names: Vec<&str> = rows
            .columns()
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        let problem = format!(
            "expected a taxonomy with a column 'Taxon' or 'taxonomy', found the columns {}",
            names.join(", ")
        );
        return Err(DataError::in_file(path, problem)
            .help("the first column holds the ids of the ASVs, as 'Feature ID' does in QIIME 2"));
    };
    let lineages = rows.ids().iter().zip(&column.values);
    let of = lineages.filter_map(|(id, text)| Some((id.clone(), Lineage::parse(text.as_ref()?))));
    Ok(Taxonomy { of: of.collect() })
}

/// The lineages in a text without a header, whose first line is an id and a lineage.
fn without_header(source: &Source) -> Result<Option<HashMap<String, Lineage>>, DataError> {
    let first = String::from_utf8_lossy(source.head());
    let first = first.lines().next().unwrap_or_default();
    let is_lineage = |cell: &str| {
        let highest = cell.split_once("__").map(|(prefix, _)| prefix);
        cell.contains(';') && highest.and_then(rank_of) == Some(0)
    };
    if !first.split('\t').nth(1).is_some_and(is_lineage) {
        return Ok(None);
    }
    let text = source.text()?;
    let mut of = HashMap::new();
    for (number, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
    {
        let fault = |problem: String| {
            source.in_file(DataError::new(problem).at(format!("line {}", number + 1)))
        };
        let Some((id, lineage)) = line.split_once('\t') else {
            return Err(fault("expected an id, a tab and a lineage".to_owned()));
        };
        let lineage = Lineage::parse(lineage.split('\t').next().unwrap_or_default());
        if of.insert(id.trim().to_owned(), lineage).is_some() {
            return Err(fault(format!("'{}' already has a lineage", shorten(id))));
        }
    }
    Ok(Some(of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lineages_are_read_as_classifiers_write_them() {
        for text in [
            "k__Bacteria; p__Firmicutes; c__Clostridia; o__Clostridiales; f__Lachnospiraceae; g__Blautia; s__obeum",
            "d__Bacteria;p__Firmicutes;c__Clostridia;o__Clostridiales;f__Lachnospiraceae;g__Blautia;s__Blautia_obeum",
            "D_0__Bacteria;D_1__Firmicutes;D_2__Clostridia;D_3__Clostridiales;D_4__Lachnospiraceae;D_5__Blautia;D_6__obeum",
            "Bacteria;Firmicutes;Clostridia;Clostridiales;Lachnospiraceae;Blautia;obeum",
        ] {
            let lineage = Lineage::parse(text);
            assert_eq!(lineage.genus().as_deref(), Some("Blautia"), "{text}");
            assert_eq!(lineage.name().as_deref(), Some("Blautia obeum"), "{text}");
        }
        let family = Lineage::parse(
            "k__Bacteria;p__Firmicutes;c__;o__;f__Lachnospiraceae;g__uncultured;s__",
        );
        assert_eq!(family.name().as_deref(), Some("Lachnospiraceae (family)"));
        assert_eq!(Lineage::parse("Unassigned").name(), None);
    }

    #[test]
    fn clades_have_the_lineage_that_their_asvs_share() {
        let lineages = ["a;b;c;d;e;f", "a;b;c;d;x;f"].map(Lineage::parse);
        let common = Lineage::common(&lineages).unwrap();
        assert_eq!(common.name().as_deref(), Some("d (order)"));
        assert_eq!(Lineage::common([]), None);
    }

    #[test]
    fn files_have_a_column_of_taxa() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taxonomy.tsv");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read_taxonomy(&path)
        };
        let found =
            read("Feature ID\tTaxon\tConfidence\nabc\tk__Bacteria; p__X\t0.9\ndef\t\t\n").unwrap();
        assert_eq!(
            found.get("abc").unwrap().name().as_deref(),
            Some("X (phylum)")
        );
        assert!(found.len() == 1 && found.get("def").is_none());
        let found = read("abc\tk__Bacteria; p__X\ndef\tk__Archaea; p__\n").unwrap();
        assert_eq!(found.get("abc").unwrap().rank(1), Some("X"));
        assert!(found.len() == 2 && found.get("def").unwrap().rank(1).is_none());
        for (text, problem) in [
            ("abc\tk__A;\nabc\tk__B;\n", "line 2"),
            ("abc\tk__A;\ndef\n", "an id, a tab and a lineage"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
        let error = read("Feature ID\tConfidence\nabc\t0.9\n").unwrap_err();
        assert!(error.to_string().contains("Confidence"), "{error}");
    }
}
