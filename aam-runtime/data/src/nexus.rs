//! NEXUS files, in which FigTree, MrBayes, BEAST and others store trees. They consist of blocks of
//! commands terminated by `;`; the block `trees` contains trees in Newick format, whose tips may be
//! numbered.

use std::collections::HashMap;

use super::newick::{NewickOptions, parse};
use super::{DataError, Tree};

/// Whether `text` is a NEXUS file.
pub fn is_nexus(text: &[u8]) -> bool {
    let text = text
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(text)
        .trim_ascii_start();
    text.get(..6)
        .is_some_and(|begin| begin.eq_ignore_ascii_case(b"#nexus"))
}

/// Reads the only tree of a NEXUS file.
///
/// # Errors
/// There is no tree or several, or an error of [`parse`], with the line in the file.
pub fn read(text: &str, options: &NewickOptions) -> Result<Tree, DataError> {
    let mut names = HashMap::new();
    let mut trees = Vec::new();
    let mut inside = false;
    for (start, command) in commands(text) {
        let (word, rest) = first_word(command);
        match &*word {
            "begin" => inside = first_word(rest).0 == "trees",
            "end" | "endblock" => inside = false,
            "translate" if inside => names = translated(rest),
            "tree" | "utree" if inside => {
                let Some(at) = rest.find('=') else { continue };
                let begins = start + (command.len() - rest.len()) + at + 1;
                trees.push((begins, start + command.len(), word == "utree"));
            }
            _ => {}
        }
    }
    let &[(begins, ends, unrooted)] = &trees[..] else {
        return Err(match trees.len() {
            0 => DataError::new("is a NEXUS file without trees")
                .help("export the tree, in FigTree with File, Export Trees, as Newick"),
            many => DataError::new(format!("is a NEXUS file of {many} trees, expected one"))
                .help("export the tree to use as Newick, for example in FigTree"),
        });
    };
    // Positions in messages are those in the file.
    let before = text[..begins].chars();
    let mut newick: String = before.map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
    if unrooted {
        newick.push_str("[&U]");
    }
    newick.push_str(&text[begins..ends]);
    newick.push(';');
    let tree = parse(newick.as_bytes(), options)?;
    tree.with_tips_renamed(|tip| names.get(tip).map(String::as_str))
}

/// The commands of a NEXUS file and their positions; `;` in quotes and comments is ignored.
fn commands(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let (mut start, mut comments, mut quoted) = (0, 0usize, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\'' if comments == 0 => quoted = !quoted,
            b'[' if !quoted => comments += 1,
            b']' if !quoted => comments = comments.saturating_sub(1),
            b';' if !quoted && comments == 0 => {
                found.push((start, &text[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

/// The first word of a command in lower case, and the rest.
fn first_word(command: &str) -> (String, &str) {
    let mut rest = command.trim_start();
    // The first line of the file is not a command.
    if rest
        .get(..6)
        .is_some_and(|begin| begin.eq_ignore_ascii_case("#nexus"))
    {
        rest = rest[6..].trim_start();
    }
    while let Some(comment) = rest.strip_prefix('[') {
        let Some(end) = comment.find(']') else { break };
        rest = comment[end + 1..].trim_start();
    }
    let end = rest
        .find(|c: char| c.is_whitespace() || "[=".contains(c))
        .unwrap_or(rest.len());
    (rest[..end].to_lowercase(), &rest[end..])
}

/// The names that `translate` assigns to those in the tree.
fn translated(list: &str) -> HashMap<String, String> {
    let unquoted = |name: &str| match name.strip_prefix('\'').and_then(|n| n.strip_suffix('\'')) {
        Some(inner) => inner.replace("''", "'"),
        None => name.to_owned(),
    };
    list.split(',')
        .filter_map(|pair| {
            let (key, name) = pair.trim().split_once(char::is_whitespace)?;
            Some((unquoted(key), unquoted(name.trim())))
        })
        .collect()
}

/// The error for placements of sequences on a tree, which are not a tree of these sequences.
pub fn placements() -> DataError {
    DataError::new("holds placements in jplace format, expected a tree with the ASVs at its tips")
        .help(
            "make a tree of it first: `gappa examine graft --jplace-path FILE` writes one in \
             Newick; q2-fragment-insertion gives it as an artifact",
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::newick::write;

    fn read_text(text: &str) -> Result<String, String> {
        assert!(is_nexus(text.as_bytes()));
        let tree = read(text, &NewickOptions::default());
        tree.map(|tree| write(&tree)).map_err(|e| e.to_string())
    }

    #[test]
    fn trees_with_and_without_numbered_tips() {
        for text in [
            "#NEXUS\nbegin trees;\n\ttree one = [&R] ((A:1,'B 2':2)0.9:3,C:4);\nend;\n",
            "#nexus\n[made; by hand]\nBEGIN TAXA;\n dimensions ntax=3;\nEND;\nBegin Trees;\n\
             Translate 1 A, 2 'B 2',\n 3 C\n;\nTREE one=[&R][&lnP=-1]((1[&rate=2]:1,2:2)0.9:3,3:4);\n\
             End;\nbegin figtree;\n set x=\"tree y = (a,b)\";\nend;\n",
        ] {
            assert_eq!(
                read_text(text).unwrap(),
                "((A:1,'B 2':2)0.9:3,C:4):0;\n",
                "{text}"
            );
        }
    }

    #[test]
    fn several_or_no_trees_are_reported_and_places_kept() {
        let trees = |trees: &str| read_text(&format!("#NEXUS\nbegin trees;\n{trees}end;\n"));
        assert!(trees("").unwrap_err().contains("without trees"));
        let two = trees("tree a = (A:1,B:1);\ntree b = (A:1,B:1);\n").unwrap_err();
        assert!(two.contains("of 2 trees"), "{two}");
        let error = trees("tree a = (A:1,B:x);\n").unwrap_err();
        assert!(
            error.starts_with("line 3, column 17: expected a branch length"),
            "{error}"
        );
        let error = trees("utree a = (A:1,B:1);\n").unwrap_err();
        assert!(error.contains("[&U]"), "{error}");
    }
}
