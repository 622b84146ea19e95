//! The most important ASVs on the tree.

use aam_core::text::counted;
use aam_evaluation::distribution::number;
use aam_report::chart::{Bar, Ink, Phylogram, PhylogramNode};
use aam_run::RunError;

use super::clades::TreeOfAsvs;
use super::findings::{Explained, Findings, GroupFound};
use super::importance::Importance;

/// Maximum number of ASVs on the tree.
const MOST_TIPS: usize = 40;

/// The most important of the ASVs in the tree, with their importance and that of the clades that hold them.
/// `None` if no tree is given.
///
/// # Errors
/// Never in practice: the tips are those of the tree.
pub fn phylogram(found: &Findings<'_>) -> Result<Option<Phylogram>, RunError> {
    let Some(TreeOfAsvs { tree, tips }) = &found.tree else {
        return Ok(None);
    };
    let important = found.order.iter();
    let important = important.filter(|&&column| found.importance[column].sizes[0] > 0.0);
    let named =
        important.filter_map(|&column| Some((tips.get(&(column as u32))?.as_str(), column)));
    let columns: std::collections::HashMap<&str, usize> = named.take(MOST_TIPS).collect();
    if columns.len() < 2 {
        return Ok(None);
    }
    let sheared = tree.shear(columns.keys().copied())?;
    let mut below: Vec<Vec<u32>> = vec![Vec::new(); sheared.len()];
    let mut nodes = Vec::with_capacity(sheared.len());
    for node in 0..sheared.len() {
        let parent = sheared.parent(node);
        let mut own = std::mem::take(&mut below[node]);
        let bar = match columns.get(sheared.name(node)).filter(|_| own.is_empty()) {
            Some(&column) => {
                own.push(column as u32);
                Some(tip(found, column))
            }
            None => smallest(&found.clades, &own).map(|clade| inner(found, clade)),
        };
        if let Some(parent) = parent {
            below[parent].extend(own);
        }
        nodes.push(PhylogramNode {
            parent,
            length: sheared.length(node),
            bar,
        });
    }
    // The root keeps its distance from the tips, which may be far longer than all other branches.
    while let Some(root) = nodes.len().checked_sub(1)
        && let [only] = children(&nodes, root)[..]
        && only + 1 == root
    {
        nodes.pop();
        nodes[only].parent = None;
        nodes[only].length = 0.0;
    }
    Ok(Some(Phylogram {
        name: "importance".to_owned(),
        nodes,
    }))
}

fn children(nodes: &[PhylogramNode], of: usize) -> Vec<usize> {
    let all = nodes.iter().enumerate();
    let own = all.filter(|(_, node)| node.parent == Some(of));
    own.map(|(place, _)| place).collect()
}

/// The smallest of `clades` that holds all ASVs in `columns`.
fn smallest<'a>(clades: &'a [GroupFound], columns: &[u32]) -> Option<&'a GroupFound> {
    let has = |clade: &&GroupFound| {
        let mut columns = columns.iter();
        columns.all(|column| clade.columns.binary_search(column).is_ok())
    };
    clades
        .iter()
        .filter(has)
        .min_by_key(|clade| clade.columns.len())
}

fn tip(found: &Findings<'_>, column: usize) -> Bar {
    let label = found.names.label(column);
    bar(
        &found.explained,
        &found.importance[column],
        label.clone(),
        &label,
    )
}

fn inner(found: &Findings<'_>, clade: &GroupFound) -> Bar {
    let name = found.clade_name(&clade.name, &clade.columns);
    let text = format!("{name}, {}", counted(clade.columns.len(), "ASV"));
    bar(&found.explained, &clade.importance, name, &text)
}

fn bar(explained: &Explained, of: &Importance, label: String, text: &str) -> Bar {
    Bar {
        label,
        value: of.sizes[0],
        interval: Some(of.interval),
        ink: if of.slope > 0.0 {
            Ink::Second
        } else {
            Ink::First
        },
        pale: !of.stable,
        text: format!(
            "{text}: {} ({} to {}), {}",
            number(of.sizes[0]),
            number(of.interval.0),
            number(of.interval.1),
            explained.direction(of)
        ),
    }
}
