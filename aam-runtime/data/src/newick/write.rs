//! Writing of trees in Newick format.

use crate::Tree;

/// Formats `tree` in Newick format, on one line.
pub fn write(tree: &Tree) -> String {
    let (offsets, children) = tree.children();
    let root = tree.root();
    let branches = offsets[root + 1] - offsets[root];
    // A root with three or more branches would otherwise look unrooted.
    let mut out = String::from(if branches > 2 { "[&R] " } else { "" });
    let mut open: Vec<(usize, usize)> = vec![(root, 0)];
    while let Some((node, done)) = open.pop() {
        let below = &children[offsets[node]..offsets[node + 1]];
        if let Some(&child) = below.get(done) {
            out.push(if done == 0 { '(' } else { ',' });
            open.push((node, done + 1));
            open.push((child as usize, 0));
            continue;
        }
        if !below.is_empty() {
            out.push(')');
        }
        let name = tree.name(node);
        if name.contains(|c: char| c.is_whitespace() || "()[]:;,'".contains(c)) {
            out.push('\'');
            out.push_str(&name.replace('\'', "''"));
            out.push('\'');
        } else {
            out.push_str(name);
        }
        out.push_str(&format!(":{}", tree.length(node)));
    }
    out.push_str(";\n");
    out
}
