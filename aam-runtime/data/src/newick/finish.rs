//! What a tree must have once its text has been read: lengths, a root, and a name for each tip.

use super::{NewickOptions, Parser, Rooting, place, rooting};
use crate::DataError;
use crate::tree::{TipFault, Tree, shorten};
use aam_core::text::{agreeing, counted};

/// Maximum sum of the branch lengths of a tree. Beyond it, sums of products with lengths may overflow
/// single precision, which distances may use.
const LONGEST: f64 = 1e30;

impl Parser<'_> {
    /// The tree of all nodes, rooted and with all its lengths.
    ///
    /// # Errors
    /// A branch without a length, lengths that are too long together, an unrooted tree, or a tip without a
    /// name of its own.
    pub(super) fn finish(mut self, options: &NewickOptions) -> Result<Tree, DataError> {
        let root = self.length.len() - 1;
        self.parent.pop();
        let unrooted = self.unrooted(root);
        if self.length[root].is_nan() {
            self.length[root] = 0.0;
        }
        let missing = self.length.iter().filter(|l| l.is_nan()).count();
        if let Some(first) = self.length.iter().position(|l| l.is_nan()) {
            let Some(fill) = options.missing_length else {
                let name = match &*self.name[first] {
                    "" => "this inner node".to_owned(),
                    name => format!("'{}'", shorten(name)),
                };
                return Err(self
                    .error(
                        self.start[first],
                        format!(
                            "the branch of {name} has no length; {missing} of {} {} none",
                            counted(root, "branch"),
                            agreeing(missing, "has", "have")
                        ),
                    )
                    .help("give a tree with branch lengths, or the length to use for these (--missing-length 0)"));
            };
            if !fill.is_finite() || fill < 0.0 {
                return Err(DataError::new(format!(
                    "the length for branches without one must be 0 or more, found {fill}"
                )));
            }
            for length in self.length.iter_mut().filter(|l| l.is_nan()) {
                *length = fill;
            }
        }
        if self.length.iter().sum::<f64>() > LONGEST {
            let longest = self.length.iter().enumerate();
            let longest = longest.max_by(|a, b| a.1.total_cmp(b.1));
            let (node, length) = longest.unwrap_or((root, &0.0));
            return Err(self
                .error(
                    self.start[node],
                    format!("the branch lengths add up to more than {LONGEST:e}, so distances cannot be computed; the longest is {length:e}"),
                )
                .help("lengths are substitutions per site, mostly below 1: rewrite the tree with such lengths"));
        }
        if let (Some(why), None) = (unrooted, options.root) {
            return Err(rooting::refused(&why));
        }
        let (start, text) = (std::mem::take(&mut self.start), self.text.as_bytes());
        let tree = Tree::index(self.parent, self.length, self.name);
        let tree = tree.map_err(|fault| match fault {
            TipFault::Unnamed(node) => {
                DataError::new("a tip has no name").at(place(text, start[node]))
            }
            TipFault::Duplicate(node, name) => {
                DataError::new(format!("a second tip is named '{}'", shorten(&name)))
                    .at(place(text, start[node]))
                    .help("tips represent ASVs and need unique names")
            }
        })?;
        match options.root {
            Some(Rooting::Midpoint) => tree.rooted_at_midpoint(),
            Some(Rooting::AsWritten) | None => Ok(tree),
        }
    }

    /// Why the tree looks unrooted, if it does.
    fn unrooted(&self, root: usize) -> Option<String> {
        match self.declared_rooted {
            Some(true) => return None,
            Some(false) => return Some("'[&U]' declares it unrooted".to_owned()),
            None => {}
        }
        let (fork, branches) = self.first_fork(root);
        let stem = fork != root && self.length[fork] > 0.0; // A stem marks the root.
        (branches > 2 && !stem)
            .then(|| format!("{branches} branches meet at its root, where a rooted tree has 2"))
    }

    /// The first node, from the root down, that does not have exactly one child, and its number of
    /// children.
    fn first_fork(&self, root: usize) -> (usize, usize) {
        let mut children = vec![0usize; root + 1];
        for &parent in &self.parent {
            children[parent as usize] += 1;
        }
        // A node's last child directly precedes it.
        let mut fork = root;
        while children[fork] == 1 {
            fork -= 1;
        }
        (fork, children[fork])
    }
}
