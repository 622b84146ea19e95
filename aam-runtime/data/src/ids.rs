//! Many names in one block of memory.
//!
//! Ten million ASVs named by their sequences are 1.5 GB of letters. As individual strings they
//! would need a third more memory and ten million allocations. Clones share the letters.

use std::collections::HashSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Index;
use std::sync::Arc;

use super::DataError;

/// Packed names in order; cloning is cheap.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Ids(Arc<Packed>);

#[derive(Default, PartialEq, Eq)]
struct Packed {
    text: String,
    /// End of each name in `text`.
    ends: Vec<usize>,
}

/// Builds [`Ids`] name by name.
#[derive(Default)]
pub struct IdsBuilder(Packed);

impl IdsBuilder {
    /// Reserves room for `names` names of `bytes` bytes in total.
    pub fn with_capacity(names: usize, bytes: usize) -> Self {
        Self(Packed {
            text: String::with_capacity(bytes),
            ends: Vec::with_capacity(names),
        })
    }

    /// Appends a name.
    pub fn push(&mut self, name: &str) {
        self.0.text.push_str(name);
        self.0.ends.push(self.0.text.len());
    }

    /// Returns the names.
    pub fn finish(self) -> Ids {
        Ids(Arc::new(self.0))
    }
}

impl Ids {
    /// Number of names.
    pub fn len(&self) -> usize {
        self.0.ends.len()
    }

    /// Whether there are no names.
    pub fn is_empty(&self) -> bool {
        self.0.ends.is_empty()
    }

    /// The names in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        (0..self.len()).map(|i| &self[i])
    }

    /// Rejects empty and repeated names; `what` is the kind of thing they name.
    pub fn check(&self, what: &str) -> Result<(), DataError> {
        // Hashes prove that nothing is repeated in a tenth of the memory of a set of names.
        let mut hashes: Vec<u64> = self.iter().map(hash).collect();
        hashes.sort_unstable();
        let unique = hashes.windows(2).all(|pair| pair[0] != pair[1]);
        if unique && self.iter().all(|id| !id.is_empty()) {
            return Ok(());
        }
        drop(hashes);
        check_each(self.iter(), what)
    }
}

/// A hash of a name that is stable across runs.
pub fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// Rejects empty and repeated ids; `what` is "sample" or "feature".
pub fn check_each<'a>(
    ids: impl ExactSizeIterator<Item = &'a str>,
    what: &str,
) -> Result<(), DataError> {
    let mut seen = HashSet::with_capacity(ids.len());
    for (i, id) in ids.enumerate() {
        if id.is_empty() {
            return Err(DataError::new(format!("{what} {} has an empty id", i + 1))
                .help(format!("give every {what} a unique id")));
        }
        if !seen.insert(id) {
            return Err(
                DataError::new(format!("the {what} id '{id}' occurs more than once")).help(
                    format!("make the {what} ids unique, or merge the repeated ones"),
                ),
            );
        }
    }
    Ok(())
}

impl Index<usize> for Ids {
    type Output = str;

    fn index(&self, i: usize) -> &str {
        let Packed { text, ends } = &*self.0;
        let start = if i == 0 { 0 } else { ends[i - 1] };
        &text[start..ends[i]]
    }
}

impl<S: AsRef<str>> FromIterator<S> for Ids {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        let mut ids = IdsBuilder::default();
        for name in names {
            ids.push(name.as_ref());
        }
        ids.finish()
    }
}

impl From<Vec<String>> for Ids {
    fn from(names: Vec<String>) -> Self {
        let bytes = names.iter().map(String::len).sum();
        let mut ids = IdsBuilder::with_capacity(names.len(), bytes);
        for name in names {
            ids.push(&name);
        }
        ids.finish()
    }
}

impl<S: AsRef<str>> PartialEq<[S]> for Ids {
    fn eq(&self, other: &[S]) -> bool {
        self.iter().eq(other.iter().map(AsRef::as_ref))
    }
}

impl<S: AsRef<str>, const N: usize> PartialEq<[S; N]> for Ids {
    fn eq(&self, other: &[S; N]) -> bool {
        *self == other[..]
    }
}

impl<S: AsRef<str>, const N: usize> PartialEq<[S; N]> for &Ids {
    fn eq(&self, other: &[S; N]) -> bool {
        **self == other[..]
    }
}

impl<S: AsRef<str>> PartialEq<Vec<S>> for &Ids {
    fn eq(&self, other: &Vec<S>) -> bool {
        **self == other[..]
    }
}

impl<S: AsRef<str>> PartialEq<Vec<S>> for Ids {
    fn eq(&self, other: &Vec<S>) -> bool {
        *self == other[..]
    }
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_in_order_and_shared() {
        let ids: Ids = ["ACG", "", "T"].iter().collect();
        assert_eq!((ids.len(), &ids[0], &ids[1], &ids[2]), (3, "ACG", "", "T"));
        assert_eq!(ids, ["ACG", "", "T"]);
        assert_eq!(
            ids,
            Ids::from(vec!["ACG".to_owned(), String::new(), "T".to_owned()])
        );
        assert!(ids != ["ACG", "T", ""] && ids != ["ACG"]);
        assert!(std::ptr::eq(&ids[0], &ids.clone()[0]));
    }

    #[test]
    fn empty_and_repeated_names_are_reported() {
        let check = |names: &[&str]| {
            let ids: Ids = names.iter().collect();
            ids.check("feature").map_err(|error| error.problem)
        };
        assert_eq!(check(&["b", "a", "c"]), Ok(()));
        assert_eq!(
            check(&["b", "a", "b"]).unwrap_err(),
            "the feature id 'b' occurs more than once"
        );
        assert_eq!(check(&["b", ""]).unwrap_err(), "feature 2 has an empty id");
    }
}
