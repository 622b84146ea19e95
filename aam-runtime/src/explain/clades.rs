//! Clades of ASVs, from a tree or from sequences with shared k-mers.

use std::collections::HashMap;
use std::path::Path;

use aam_core::DataError;
use aam_data::newick::{NewickOptions, Rooting};
use aam_data::{Table, Tree, read_tree};
use aam_run::RunError;
use aam_study::either_strand;

use super::names::Names;
use super::relatives::Relatives;

/// A clade of ASVs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clade {
    /// The name of the clade.
    pub name: String,
    /// Its ASVs, as ascending columns of the table.
    pub columns: Vec<u32>,
}

/// The clades of ASVs, and the tree that they are from.
#[derive(Clone, Debug)]
pub struct Clades {
    /// The clades.
    pub all: Vec<Clade>,
    /// The user's tree, if one is given.
    pub tree: Option<TreeOfAsvs>,
}

/// A tree, some of whose tips are ASVs.
#[derive(Clone, Debug)]
pub struct TreeOfAsvs {
    /// The tree.
    pub tree: Tree,
    /// The name of the tip of each column of the table, if it is in the tree.
    pub tips: HashMap<u32, String>,
}

/// The clades of two or more ASVs, but not of all: those of the tree at `tree`, whose tips are named as in the
/// user's files or by sequence, or those of `relatives`.
///
/// # Errors
/// A tree that cannot be read, or that contains none of the ASVs.
pub fn clades(
    table: &Table,
    names: &Names,
    relatives: &Relatives,
    tree: Option<&Path>,
) -> Result<Clades, RunError> {
    let Some(path) = tree else {
        let clades = relatives.clades().into_iter().enumerate();
        let named = clades.map(|(place, columns)| Clade {
            name: format!("clade-{}", place + 1),
            columns,
        });
        let all = table.num_features();
        return Ok(Clades {
            all: named.filter(|clade| clade.columns.len() < all).collect(),
            tree: None,
        });
    };
    let options = NewickOptions {
        // The composition of clades depends neither on branch lengths nor on the root.
        missing_length: Some(0.0),
        root: Some(Rooting::AsWritten),
    };
    let tree = read_tree(path, &options)?;
    let own = table.feature_ids().iter().zip(0..);
    let given = names.ids.iter().map(String::as_str).zip(0..);
    let columns: HashMap<&str, u32> = own.chain(given).collect();
    let column = |tip: &str| either_strand(tip, |tip| columns.get(tip).copied());
    let all = of_tree(&tree, column);
    if all.is_empty() {
        let example = names.ids.first().map_or("", String::as_str);
        let tip = tree.tips().next().map_or("", |tip| tree.name(tip));
        let problem = format!(
            "no two of the table's ASVs are in the tree: the table has ASVs such as '{}', the tree tips such as '{}'",
            aam_data::shorten(example),
            aam_data::shorten(tip)
        );
        return Err(DataError::in_file(path, problem)
            .help("give the tree of these ASVs; if its tips are hashes and the table has sequences, add --sequences")
            .into());
    }
    let tips = tree.tips().filter_map(|tip| {
        let name = tree.name(tip);
        Some((column(name)?, name.to_owned()))
    });
    let tips = tips.collect();
    Ok(Clades {
        all: without_all(all),
        tree: Some(TreeOfAsvs { tree, tips }),
    })
}

/// Leaves out clades of all ASVs, such as the root's, which say nothing about which ASVs matter.
fn without_all(mut clades: Vec<Clade>) -> Vec<Clade> {
    let all = clades.iter().map(|clade| clade.columns.len()).max();
    clades.retain(|clade| Some(clade.columns.len()) != all);
    clades
}

/// The inner nodes of `tree` that separate the ASVs (whose columns are given by `column`)
/// differently than the nodes below them.
fn of_tree(tree: &Tree, column: impl Fn(&str) -> Option<u32>) -> Vec<Clade> {
    let mut below: Vec<Vec<u32>> = vec![Vec::new(); tree.len()];
    for tip in tree.tips() {
        below[tip].extend(column(tree.name(tip)));
    }
    let mut clades = Vec::new();
    for node in 0..tree.len() {
        let mut own = std::mem::take(&mut below[node]);
        own.sort_unstable();
        own.dedup();
        if let Some(parent) = tree.parent(node) {
            below[parent].extend(&own);
        }
        if own.len() > 1 {
            let name = match tree.name(node) {
                "" => format!("node-{node}"),
                name => name.to_owned(),
            };
            clades.push(Clade { name, columns: own });
        }
    }
    // A node whose ASVs are all below one of its children is redundant.
    let mut known = std::collections::HashSet::new();
    clades.retain(|clade| known.insert(clade.columns.clone()));
    clades
}

#[cfg(test)]
mod tests {
    use super::*;
    use aam_data::newick::parse;

    #[test]
    fn a_tree_has_the_clades_of_its_inner_nodes() {
        let text = "(((a:1,b:1)inner:1,x:1):1,(c:1,y:1):1)root;";
        let tree = parse(text.as_bytes(), &NewickOptions::default()).unwrap();
        let columns = HashMap::from([("a", 4), ("b", 2), ("c", 0)]);
        let clade = |name: &str, columns: &[u32]| Clade {
            name: name.to_owned(),
            columns: columns.to_vec(),
        };
        let all = of_tree(&tree, |tip| columns.get(tip).copied());
        assert_eq!(all, [clade("inner", &[2, 4]), clade("root", &[0, 2, 4])]);
        assert_eq!(without_all(all), [clade("inner", &[2, 4])]);
    }
}
