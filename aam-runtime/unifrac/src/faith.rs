//! Faith's phylogenetic diversity: the total branch length spanned by a sample's ASVs.

use rayon::prelude::*;

use super::{Metric, UniFrac};
use aam_core::DataError;
use aam_data::{Table, Tree};

/// Faith's PD of every sample of `table`, in units of branch length: the sum of the lengths of all
/// branches between the sample's ASVs and the root, each counted once.
///
/// The branch above the root does not count. Branches between the root and the first fork do, as in
/// scikit-bio and unifrac-binaries. A sample without reads has a PD of 0.
///
/// Reference: Faith 1992, *Conservation evaluation and phylogenetic diversity*.
///
/// # Errors
/// ASVs with reads are missing from the tree ([`drop_missing`](super::drop_missing) removes them).
pub fn faith_pd(tree: &Tree, table: &Table) -> Result<Vec<f64>, DataError> {
    // Only the prepared tree and table of UniFrac are used.
    let prepared = UniFrac::new(tree, table, Metric::Unweighted)?;
    let rows = (0..table.num_samples()).into_par_iter();
    Ok(rows.map(|row| prepared.spanned(row)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aam_data::newick::{NewickOptions, parse};

    #[test]
    fn branches_to_the_root_count_once() {
        let text = b"(((a:1,b:2):0.5,c:4):0.25,(d:8,e:16):32);";
        let tree = parse(text, &NewickOptions::default()).unwrap();
        let names = |all: &[&str]| all.iter().map(|&name| name.to_owned()).collect();
        let entries = [
            (0, 0, 7),
            (1, 0, 1),
            (1, 1, 9),
            (2, 2, 1),
            (2, 3, 1),
            (3, 0, 1),
            (3, 1, 1),
            (3, 2, 1),
            (3, 3, 1),
        ];
        let table = Table::from_triplets(
            names(&["one", "sisters", "far", "most"]),
            names(&["a", "b", "c", "d"]),
            &entries,
        )
        .unwrap();
        let found = faith_pd(&tree, &table).unwrap();
        assert_eq!(found, [1.75, 3.75, 44.25, 47.75]);
    }

    #[test]
    fn asvs_that_the_tree_lacks_are_an_error() {
        let tree = parse(b"(a:1,b:2);", &NewickOptions::default()).unwrap();
        let table =
            Table::from_triplets(vec!["s".to_owned()], vec!["x".to_owned()], &[(0, 0, 1)]).unwrap();
        assert!(faith_pd(&tree, &table).is_err());
    }
}
