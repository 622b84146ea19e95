//! Taxonomies: the lineage of each sequence, as Greengenes, SILVA and QIIME 2 write it.

use std::collections::HashMap;
use std::path::Path;

use super::separator::Separator;
use super::tsv_rows::Rows;
use super::{DataError, container};

/// The ranks of a lineage, from the highest.
pub const RANKS: [&str; 7] = [
    "domain", "phylum", "class", "order", "family", "genus", "species",
];

/// The names of a lineage, by rank; nothing where a rank has none.
pub type Lineage = [Option<Box<str>>; RANKS.len()];

/// Lineages by the ids of sequences.
#[derive(Clone, Debug, Default)]
pub struct Taxonomy {
    lineages: HashMap<String, Lineage>,
}

impl Taxonomy {
    /// The lineage of `id`.
    pub fn get(&self, id: &str) -> Option<&Lineage> {
        self.lineages.get(id)
    }

    /// How many lineages there are.
    pub fn len(&self) -> usize {
        self.lineages.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Reads a text of two columns, ids and lineages such as `k__Bacteria; p__Firmicutes; …`, gzipped or
/// not; further columns and a header do not count.
///
/// # Errors
/// A file that cannot be read, a row of one column, an id that occurred before, no row at all.
pub fn read_taxonomy(path: impl AsRef<Path>) -> Result<Taxonomy, DataError> {
    let (source, _) = container::open(path.as_ref())?;
    let text = source.text()?;
    taxonomy_in(&text).map_err(|error| source.in_file(error))
}

fn taxonomy_in(text: &str) -> Result<Taxonomy, DataError> {
    let mut lineages = HashMap::new();
    let mut rows = Rows::new(text, Separator::Tab);
    while let Some((line, cells)) = rows.next_row()? {
        let mut cells = cells.into_iter();
        let id = cells.next().unwrap_or_default().trim().to_owned();
        if id.is_empty() || id.starts_with('#') || (line == 1 && id.eq_ignore_ascii_case("feature id")) {
            continue;
        }
        let at = || format!("line {line}");
        let Some(names) = cells.next() else {
            let problem = "expected an id, a tab and a lineage such as `k__Bacteria; p__Firmicutes`";
            return Err(DataError::new(problem).at(at()));
        };
        if lineages.contains_key(&id) {
            return Err(DataError::new(format!("`{id}` has a lineage already")).at(at()));
        }
        lineages.insert(id, lineage(&names));
    }
    match lineages.is_empty() {
        true => Err(DataError::new("there is no lineage in the file")),
        false => Ok(Taxonomy { lineages }),
    }
}

/// The names of `text`, which are parted by semicolons and may begin with `k__`, `D_0__` and the like.
fn lineage(text: &str) -> Lineage {
    let mut names = text.split(';').map(|name| {
        let name = name.trim();
        let name = name.split_once("__").map_or(name, |(_, name)| name);
        let name = name.trim_matches(['[', ']']);
        (!name.is_empty()).then(|| name.into())
    });
    std::array::from_fn(|_| names.next().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lineages_have_a_name_for_each_rank_that_is_known() {
        let text = "Feature ID\tTaxon\tConfidence\n\
                    1\tk__Bacteria; p__Firmicutes; c__; o__[Clostridiales]\t0.9\n\
                    2\tD_0__Archaea\n";
        let taxonomy = taxonomy_in(text).unwrap();
        let names = |id| -> Vec<String> {
            let names = taxonomy.get(id).unwrap().iter();
            names.map(|name| name.as_deref().unwrap_or("-").to_owned()).collect()
        };
        assert_eq!(names("1"), ["Bacteria", "Firmicutes", "-", "Clostridiales", "-", "-", "-"]);
        assert_eq!(names("2")[..2], ["Archaea", "-"]);
        assert_eq!((taxonomy.len(), taxonomy.is_empty()), (2, false));
    }

    #[test]
    fn rows_without_a_lineage_and_repeated_ids_are_named() {
        let refused = |text: &str| taxonomy_in(text).unwrap_err().to_string();
        assert!(refused("1\tk__Bacteria\n2\n").contains("line 2"));
        assert!(refused("1\tk__A\n1\tk__B\n").contains("`1` has a lineage already"));
        assert!(refused("").contains("no lineage"));
    }
}
