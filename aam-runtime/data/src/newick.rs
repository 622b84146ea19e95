//! Trees in Newick format.
//!
//! # The format
//!
//! A tree is one node followed by `;`. A node is an optional list of children in parentheses,
//! separated by commas, then an optional label, then an optional length of the branch to its parent
//! after a colon:
//!
//! ```text
//! ((A:0.1,B:0.2)0.98:0.3,'C (new)':0.4[a comment])root;
//! ```
//!
//! - A node without children is a tip, and its label is the id of an ASV. Labels of inner nodes,
//!   which may be support values such as `0.98` here, are ignored.
//! - A label contains no blank, bracket, parenthesis, colon, semicolon, comma or quote, unless it
//!   is in single quotes; a quote inside is then doubled. Underscores are kept (some programs read
//!   them as blanks).
//! - `[…]` is a comment, may contain further brackets, and may appear between any two parts. A
//!   comment `[&R]` before the tree declares it rooted.
//! - Nodes may have any number of children, including one. A root with three or more children is
//!   how programs write unrooted trees (RAxML and FastTree with a length, `):0.0;`), so such a tree
//!   is rejected unless it is declared rooted or [`NewickOptions::root`] says how to root it. A
//!   tree declared unrooted, `[&U]`, is also rejected.
//!
//! The parser keeps open nodes on its own stack, so the depth of trees is limited only by memory.

mod finish;
mod rooting;
mod write;

use super::DataError;
use super::tree::{Tree, shorten};

pub use rooting::Rooting;
pub use write::write;

/// How to handle trees with missing parts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewickOptions {
    /// Length of branches without a length; if not set, these are an error.
    pub missing_length: Option<f64>,
    /// How to root the tree; if not set, the root is as written, and unrooted trees are an error.
    pub root: Option<Rooting>,
}

/// Parses a single Newick tree.
///
/// # Errors
/// The text is not valid Newick; a branch has no length (unless the options give one), or one that
/// is negative or not finite; a tip has no name or a repeated one; or the tree is unrooted. Errors
/// name the line and column; the caller adds the file.
pub fn parse(text: &[u8], options: &NewickOptions) -> Result<Tree, DataError> {
    let text = std::str::from_utf8(text).map_err(|e| {
        DataError::new("the tree is not UTF-8 text")
            .at(place(text, e.valid_up_to()))
            .help("give a tree in Newick format")
    })?;
    Parser::new(text).tree(options)
}

/// Formats the position of the byte at `offset` as `line L, column C`, both counted from 1.
fn place(text: &[u8], offset: usize) -> String {
    let before = &text[..offset.min(text.len())];
    let line = 1 + before.iter().filter(|&&b| b == b'\n').count();
    let start = before
        .iter()
        .rposition(|&b| b == b'\n')
        .map_or(0, |i| i + 1);
    let column = 1 + String::from_utf8_lossy(&before[start..]).chars().count();
    format!("line {line}, column {column}")
}

struct Parser<'a> {
    text: &'a str,
    /// Byte offset of the next character.
    next: usize,
    /// What a comment `[&R]` or `[&U]` declares.
    declared_rooted: Option<bool>,
    /// Completed nodes, children before parents.
    parent: Vec<u32>,
    length: Vec<f64>,
    name: Vec<Box<str>>,
    /// Start of each node's label.
    start: Vec<usize>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text: text.strip_prefix('\u{feff}').unwrap_or(text),
            next: 0,
            declared_rooted: None,
            parent: Vec::new(),
            length: Vec::new(),
            name: Vec::new(),
            start: Vec::new(),
        }
    }

    fn error(&self, offset: usize, problem: impl Into<String>) -> DataError {
        DataError::new(problem).at(place(self.text.as_bytes(), offset))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.next).copied()
    }

    /// Describes the next character, for messages.
    fn found(&self) -> String {
        match self.text[self.next..].chars().next() {
            Some(c) => format!("found '{c}'"),
            None => "the file ends".to_owned(),
        }
    }

    /// Skips blanks and comments.
    fn skip(&mut self) -> Result<(), DataError> {
        loop {
            match self.peek() {
                Some(b) if b.is_ascii_whitespace() => self.next += 1,
                Some(b'[') => self.comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn comment(&mut self) -> Result<(), DataError> {
        let start = self.next;
        let mut depth = 0usize;
        for (i, b) in self.text.bytes().enumerate().skip(start) {
            match b {
                b'[' => depth += 1,
                b']' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let comment = self.text[start + 1..i].trim();
                for (mark, rooted) in [("&R", true), ("&U", false)] {
                    if comment.eq_ignore_ascii_case(mark) {
                        self.declared_rooted.get_or_insert(rooted);
                    }
                }
                self.next = i + 1;
                return Ok(());
            }
        }
        Err(self.error(start, "the comment that '[' opens here is never closed"))
    }

    /// Reads a label; empty if there is none.
    fn label(&mut self) -> Result<Box<str>, DataError> {
        self.skip()?;
        let start = self.next;
        if self.peek() == Some(b'\'') {
            let mut label = String::new();
            loop {
                let rest = &self.text[self.next + 1..];
                let Some(end) = rest.find('\'') else {
                    return Err(self
                        .error(start, "the label that a quote opens here is never closed")
                        .help("write a quote inside a quoted label twice"));
                };
                label.push_str(&rest[..end]);
                self.next += 1 + end;
                if rest.as_bytes().get(end + 1) == Some(&b'\'') {
                    label.push('\'');
                    self.next += 1;
                } else {
                    self.next += 1;
                    return Ok(label.into());
                }
            }
        }
        Ok(self.word().into())
    }

    /// Reads characters up to the next special one.
    fn word(&mut self) -> &'a str {
        let rest = &self.text[self.next..];
        let end = rest
            .find(|c: char| c.is_whitespace() || "()[]:;,'".contains(c))
            .unwrap_or(rest.len());
        self.next += end;
        &rest[..end]
    }

    /// Reads a branch length; NaN if there is none.
    fn branch(&mut self) -> Result<f64, DataError> {
        self.skip()?;
        if self.peek() != Some(b':') {
            return Ok(f64::NAN);
        }
        self.next += 1;
        self.skip()?;
        let start = self.next;
        let word = self.word();
        if word.is_empty() {
            return Err(self.error(
                start,
                format!("expected a branch length after ':', {}", self.found()),
            ));
        }
        match word.parse::<f64>() {
            Err(_) => Err(self.error(
                start,
                format!("expected a branch length, found '{}'", shorten(word)),
            )),
            Ok(length) if !length.is_finite() => Err(self.error(
                start,
                format!("the branch length '{}' is not a finite number", shorten(word)),
            )),
            Ok(length) if length < 0.0 => Err(self
                .error(start, format!("the branch length {} is negative", shorten(word)))
                .help("UniFrac needs lengths of zero or more: re-estimate the tree with a program that ensures this, or set negative lengths to 0")),
            Ok(length) => Ok(length + 0.0), // Turns -0 into 0.
        }
    }

    /// Reads the label and length of a node whose children have been read, and stores it.
    fn node(&mut self, children: &[u32]) -> Result<u32, DataError> {
        self.skip()?;
        let start = self.next;
        let name = self.label()?;
        if name.is_empty() && children.is_empty() {
            return Err(self.error(
                start,
                format!("expected the name of a tip, {}", self.found()),
            ));
        }
        let length = self.branch()?;
        let Ok(id) = u32::try_from(self.length.len()) else {
            return Err(self.error(start, "the tree has more than 4294967295 nodes"));
        };
        for &child in children {
            self.parent[child as usize] = id;
        }
        self.parent.push(id);
        self.length.push(length);
        self.name.push(name);
        self.start.push(start);
        Ok(id)
    }

    fn tree(mut self, options: &NewickOptions) -> Result<Tree, DataError> {
        // Nodes without a parent so far; and for each open parenthesis its offset and first child.
        let mut orphans: Vec<u32> = Vec::new();
        let mut open: Vec<(usize, usize)> = Vec::new();
        self.skip()?;
        if matches!(self.peek(), None | Some(b';')) {
            return Err(self
                .error(self.next, format!("expected a tree, {}", self.found()))
                .help("give a tree in Newick format, such as '((A:0.1,B:0.2):0.3,C:0.4);'"));
        }
        'subtree: loop {
            self.skip()?;
            if self.peek() == Some(b'(') {
                open.push((self.next, orphans.len()));
                self.next += 1;
                continue;
            }
            let tip = self.node(&[])?;
            orphans.push(tip);
            loop {
                self.skip()?;
                match (self.peek(), open.last().copied()) {
                    (Some(b','), Some(_)) => {
                        self.next += 1;
                        continue 'subtree;
                    }
                    (Some(b')'), Some((_, first))) => {
                        self.next += 1;
                        open.pop();
                        let children = orphans.split_off(first);
                        let node = self.node(&children)?;
                        orphans.push(node);
                    }
                    (Some(b';'), None) => break 'subtree,
                    (Some(b';') | None, Some((offset, _))) => {
                        return Err(self
                            .error(offset, "the parenthesis that opens here is never closed")
                            .help("the file may be cut short: fetch or write it again"));
                    }
                    (None, None) => {
                        return Err(self
                            .error(self.next, "the tree does not end with ';'")
                            .help("the file may be cut short: fetch or write it again"));
                    }
                    (Some(b')'), None) => {
                        return Err(self.error(self.next, "')' closes no parenthesis"));
                    }
                    (Some(b','), None) => {
                        return Err(self.error(self.next, "',' outside of any parenthesis"));
                    }
                    (Some(_), _) => {
                        return Err(self
                            .error(
                                self.next,
                                format!("expected ',', ')' or ';', {}", self.found()),
                            )
                            .help(
                                "labels with blanks or any of ()[]:;,' must be in single quotes",
                            ));
                    }
                }
            }
        }
        self.next += 1;
        self.skip()?;
        if self.next < self.text.len() {
            return Err(self
                .error(
                    self.next,
                    format!("expected nothing after the tree, {}", self.found()),
                )
                .help("give a file with a single tree"));
        }
        self.finish(options)
    }
}

#[cfg(test)]
#[path = "newick_tests.rs"]
mod tests;
