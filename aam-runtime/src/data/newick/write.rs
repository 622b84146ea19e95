//! Writing trees in Newick format.

use crate::data::Tree;

/// `tree` in Newick format, one line.
pub fn write(tree: &Tree) -> String {
    let (offsets, children) = tree.children();
    let mut out = String::new();
    let mut open: Vec<(usize, usize)> = vec![(tree.root(), 0)];
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
        // The root's too: it says that the tree is rooted.
        out.push_str(&format!(":{}", tree.length(node)));
    }
    out.push_str(";\n");
    out
}
