//! How the features of a table are related, where sequences do not say.

use std::collections::HashMap;
use std::path::Path;

use aam_core::DataError;
use aam_data::newick::Rooting;
use aam_data::{IdsAre, Kinship, KinshipFrom, Table, mismatch, read_taxonomy, shorten};
use aam_run::RunError;

use super::Notes;
use super::supervision::rooted_tree;
use crate::options::DataOptions;

/// How to relate features about which nothing is known.
const MEANS: &str = "to relate them, give their sequences with --sequences, a tree that has them as tips \
                     with --tree, or their lineages with --taxonomy";

/// One feature of so many has to be the sum of others for a warning.
const MANY_TOTALS: usize = 10;

/// How the features of `table` are related: by the tree or the taxonomy of `data`, by their ids if these are lineages, or not at all. Reports which, and how many features that covers.
///
/// # Errors
/// A file that cannot be read or that has none of the features, or both files.
pub fn kinship(
    table: &Table,
    data: &DataOptions,
    notes: &mut Notes<'_>,
) -> Result<Kinship, RunError> {
    let ids = table.feature_ids();
    let (found, path, what) = match (&data.tree, data.taxonomy.as_deref()) {
        (Some(_), Some(_)) => {
            let problem =
                "--tree is given, too, and either relates the features: leave out one of the two";
            return Err(RunError::setting("taxonomy", problem));
        }
        (Some(path), None) => {
            let tree = rooted_tree(path, &of_any_root(data), table)?;
            let found = Kinship::of_tree(&tree, ids);
            let names = || tree.tips().map(|tip| tree.name(tip));
            expect_some(table, &found, path, "tips", names)?;
            (found, Some(path.as_path()), "tips of the tree")
        }
        (None, Some(path)) => {
            let taxonomy = read_taxonomy(path)?;
            let found = Kinship::of_taxonomy(&taxonomy, ids);
            expect_some(table, &found, path, "ids", || taxonomy.ids())?;
            (found, Some(path), "in the taxonomy")
        }
        (None, None) if IdsAre::of(ids) == IdsAre::Lineages => {
            (Kinship::of_ids(ids), None, "lineages")
        }
        (None, None) => (Kinship::nothing(), None, ""),
    };
    notes(described(table, &found, path, what))?;
    if let Some(text) = totals(table).filter(|_| found.related_by() == KinshipFrom::Ids) {
        notes(text)?;
    }
    Ok(found)
}

/// The options with a tree that may look unrooted, because paths between tips do not depend on the root.
pub fn of_any_root(data: &DataOptions) -> DataOptions {
    let mut data = data.clone();
    data.tree_options.root.get_or_insert(Rooting::AsWritten);
    data
}

/// What relates the features.
fn described(table: &Table, found: &Kinship, path: Option<&Path>, what: &str) -> String {
    let ids = table.feature_ids();
    let example = ids.iter().next().map(shorten).unwrap_or_default();
    if found.related_by() == KinshipFrom::Nothing {
        return format!(
            "the ids of the table, such as '{example}', are not sequences, so every feature is learned \
             by itself, as if unrelated to the others; {MEANS}"
        );
    }
    let file = path.map_or_else(
        || "the ids of the table".to_owned(),
        |path| path.display().to_string(),
    );
    let (known, rest) = covered(table, found);
    let by = match found.related_by() {
        KinshipFrom::Tree => "the lengths of the paths between them",
        _ => "the ranks they share",
    };
    format!(
        "{file}: {known} of {} features are {what}, and are related by {by}{rest}",
        ids.len()
    )
}

/// A warning if many features are the sums of others, as in tables of several ranks.
fn totals(table: &Table) -> Option<String> {
    let mut reads = vec![0u64; table.num_features()];
    for row in 0..table.num_samples() {
        for (&column, &count) in std::iter::zip(table.row(row).0, table.row(row).1) {
            reads[column as usize] += u64::from(count);
        }
    }
    let mut below: HashMap<&str, u64> = HashMap::new();
    for (id, &reads) in table.feature_ids().iter().zip(&reads) {
        if let Some((above, _)) = id.rsplit_once([';', '|']) {
            *below.entry(above).or_default() += reads;
        }
    }
    let is_total = |(id, reads): &(&str, &u64)| {
        let sum = below.get(id).copied().unwrap_or(0);
        sum > 0 && 100 * sum.abs_diff(**reads) <= sum
    };
    let ids = table.feature_ids().iter().zip(&reads);
    let found: Vec<(&str, &u64)> = ids.filter(is_total).collect();
    let (first, _) = found.first()?;
    let many = MANY_TOTALS * found.len() >= table.num_features();
    many.then(|| {
        format!(
            "warning: {} features are the sums of others, such as '{}': their reads count more than once; keep the rows of one rank",
            found.len(),
            shorten(first)
        )
    })
}

/// The number of features of `table` that `kinship` relates, and the rest of a sentence about the others.
fn covered(table: &Table, kinship: &Kinship) -> (usize, String) {
    let ids = table.feature_ids();
    let unknown: Vec<&str> = ids.iter().filter(|id| !kinship.relates(id)).collect();
    let rest = unknown.first().map(|first| {
        format!(
            "; the others, with {:.1} % of the reads, such as '{}', are treated as unrelated",
            100.0 * share_of_reads(table, |id| !kinship.relates(id)),
            shorten(first)
        )
    });
    (ids.len() - unknown.len(), rest.unwrap_or_default())
}

/// The fraction of the reads of `table` in features for which `counts` holds.
fn share_of_reads(table: &Table, counts: impl Fn(&str) -> bool) -> f64 {
    let counts: Vec<bool> = table.feature_ids().iter().map(counts).collect();
    let (mut some, mut all) = (0u64, 0u64);
    for row in 0..table.num_samples() {
        for (&column, &reads) in std::iter::zip(table.row(row).0, table.row(row).1) {
            all += u64::from(reads);
            some += if counts[column as usize] {
                u64::from(reads)
            } else {
                0
            };
        }
    }
    some as f64 / all.max(1) as f64
}

/// Refuses a file that has none of the features of `table`. `what` are its names, such as `tips`.
fn expect_some<'a, I: Iterator<Item = &'a str>>(
    table: &'a Table,
    found: &Kinship,
    path: &Path,
    what: &str,
    names: impl Fn() -> I,
) -> Result<(), DataError> {
    let ids = table.feature_ids();
    if ids.iter().any(|id| found.relates(id)) {
        return Ok(());
    }
    let least =
        |names: &mut dyn Iterator<Item = &str>| names.min().map(shorten).unwrap_or_default();
    let error = DataError::in_file(
        path,
        format!(
            "none of the table's features is in it: the table has ids such as '{}', and the file has {what} such as '{}'",
            least(&mut ids.iter()),
            least(&mut names())
        ),
    );
    let guess = mismatch::guess(ids.iter(), names());
    Err(error.help(guess.map_or_else(
        || "give the file that belongs to this table, or leave it out".to_owned(),
        |guess| guess.to_string(),
    )))
}

/// Reports how many features of another `table` than that of the training are related to those that a
/// model learned from.
///
/// # Errors
/// Those of `notes`.
pub fn note_related(
    table: &Table,
    kinship: &Kinship,
    notes: &mut Notes<'_>,
) -> Result<(), RunError> {
    let by = match kinship.related_by() {
        KinshipFrom::Tree => "in the tree used in training",
        KinshipFrom::Taxonomy => "in the taxonomy used in training, or have lineages as ids",
        KinshipFrom::Ids => "named by their lineages",
        KinshipFrom::Nothing => return Ok(()),
    };
    let (known, rest) = covered(table, kinship);
    notes(format!(
        "{known} of {} features are {by}{rest}",
        table.num_features()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(ids: &[&str]) -> Table {
        let cells: Vec<(u32, u32, u32)> = (0..ids.len() as u32).map(|asv| (0, asv, 1)).collect();
        let ids = ids.iter().map(|&id| id.to_owned()).collect();
        Table::from_triplets(vec!["s".to_owned()], ids, &cells).expect("a table")
    }

    fn related(ids: &[&str], data: &DataOptions) -> Result<(Kinship, String), String> {
        let mut said = String::new();
        let found = kinship(&table(ids), data, &mut |note| {
            said = note;
            Ok(())
        });
        found
            .map(|found| (found, said))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn tables_of_several_ranks_are_reported() {
        let ids = ["k__A", "k__A|p__B", "k__A|p__C", "k__A|p__C|c__D"];
        let of = |reads: [u32; 4]| {
            let cells = (0..4u32).map(|asv| (0, asv, reads[asv as usize]));
            let cells: Vec<(u32, u32, u32)> = cells.collect();
            let ids = ids.map(str::to_owned).to_vec();
            totals(&Table::from_triplets(vec!["s".to_owned()], ids, &cells).expect("a table"))
        };
        let said = of([10, 3, 7, 7]).expect("a warning");
        assert!(
            said.contains("2 features are the sums of others, such as 'k__A'"),
            "{said}"
        );
        // Reads that are assigned to a phylum alone.
        assert_eq!(of([1, 3, 7, 2]), None);
    }

    #[test]
    fn what_relates_features_is_reported() {
        let folder = tempfile::tempdir().expect("a folder");
        let (tree, taxonomy) = (folder.path().join("t.nwk"), folder.path().join("t.tsv"));
        std::fs::write(&tree, "((7:1,8:1):1,9:2);").expect("a file");
        std::fs::write(&taxonomy, "Feature ID\tTaxon\n7\tk__A;p__B\n").expect("a file");
        let none = DataOptions::default();
        let with_tree = DataOptions {
            tree: Some(tree),
            ..DataOptions::default()
        };
        let (found, said) = related(&["7", "8"], &none).expect("relations");
        assert_eq!(found.related_by(), KinshipFrom::Nothing);
        assert!(
            said.contains("'7'") && said.contains("--taxonomy"),
            "{said}"
        );
        let (found, said) = related(&["k__A;p__B", "x"], &none).expect("relations");
        assert_eq!(found.related_by(), KinshipFrom::Ids);
        assert!(
            said.contains("1 of 2 features are lineages") && said.contains("50.0 % of the reads"),
            "{said}"
        );
        let (found, said) = related(&["7", "8", "9"], &with_tree).expect("relations");
        assert_eq!(found.related_by(), KinshipFrom::Tree);
        assert!(said.ends_with("3 of 3 features are tips of the tree, and are related by the lengths of the paths between them"), "{said}");
        let with_taxonomy = DataOptions {
            taxonomy: Some(taxonomy.clone()),
            ..DataOptions::default()
        };
        let (found, _) = related(&["7", "x"], &with_taxonomy).expect("relations");
        assert!(found.relates("7") && !found.relates("x"));
        let error = related(&["x"], &with_tree).expect_err("no tip");
        assert!(
            error.contains("ids such as 'x'") && error.contains("tips such as '7'"),
            "{error}"
        );
        let both = DataOptions {
            taxonomy: Some(taxonomy),
            ..with_tree
        };
        let error = related(&["7"], &both).expect_err("both");
        assert!(error.contains("leave out one"), "{error}");
    }
}
