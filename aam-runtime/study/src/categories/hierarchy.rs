//! Hierarchies of categorical columns, such as cities in states in countries.
//!
//! The embedding of a column with a parent is its own plus its parent's. A level with few samples
//! therefore starts from the embedding of its parent level, and a level without training samples
//! uses only that of its parent level.

use std::collections::BTreeMap;

use aam_api::categories::ancestors;

use super::CategoryLevels;
use super::columns::place_of;
use crate::options::ColumnParents;
use aam_core::DataError;
use aam_data::Metadata;
use aam_run::RunError;
use aam_run::named_values::NamedValues;
use serde_json::Value;

/// The parent of each categorical column, by position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hierarchy {
    parents: Vec<Option<usize>>,
}

const KEY: &str = "categorical-hierarchy";

impl Hierarchy {
    /// Reads the parents of the columns `names`, whose embeddings have `widths`.
    ///
    /// # Errors
    /// An entry that is not `child=parent`, a file that cannot be read, a column that is not among
    /// `names` or has two parents, a cycle, or widths that differ within the hierarchy.
    pub fn parse(
        given: &ColumnParents,
        names: &[String],
        widths: &[usize],
    ) -> Result<Self, RunError> {
        let mut parents: Vec<Option<usize>> = vec![None; names.len()];
        for (child, parent) in pairs(given)? {
            let entry = format!("{child}={parent}");
            let problem =
                |expected: String| RunError::value(KEY, &entry, format!("expected {expected}"));
            let child = place_of(&child, names).map_err(problem)?;
            let parent = place_of(&parent, names).map_err(problem)?;
            match parents[child].replace(parent) {
                Some(other) if other != parent => {
                    return Err(RunError::setting(
                        KEY,
                        format!(
                            "'{}' has two parents, '{}' and '{}'; a column has at most one",
                            names[child], names[other], names[parent]
                        ),
                    ));
                }
                _ => {}
            }
        }
        let hierarchy = Self { parents };
        for column in 0..names.len() {
            let ancestors = hierarchy.ancestors(column);
            if ancestors.last() == Some(&column) {
                let path: Vec<&str> = std::iter::once(&column)
                    .chain(&ancestors)
                    .map(|&place| names[place].as_str())
                    .collect();
                return Err(RunError::setting(
                    KEY,
                    format!(
                        "{} is a cycle; one of these columns must have no parent",
                        path.join(" → ")
                    ),
                ));
            }
        }
        hierarchy.check_widths(names, widths)?;
        Ok(hierarchy)
    }

    /// The parents by the `names` of the columns.
    pub(super) fn named(&self, names: &[String]) -> ColumnParents {
        let children = names.iter().zip(&self.parents);
        let entries = children.filter_map(|(child, parent)| {
            let parent = &names[(*parent)?];
            Some(format!("{child}={parent}"))
        });
        ColumnParents::Entries(entries.collect())
    }

    fn check_widths(&self, names: &[String], widths: &[usize]) -> Result<(), RunError> {
        let pairs = self.parents.iter().enumerate();
        let mut pairs = pairs.filter_map(|(child, parent)| Some((child, (*parent)?)));
        match pairs.find(|(child, parent)| widths[*child] != widths[*parent]) {
            None => Ok(()),
            Some((child, parent)) => Err(RunError::value(
                KEY,
                format!("{}={}", names[child], names[parent]),
                format!(
                    "the embeddings are added, so their widths must be equal, found {} and {}; see --categorical-embed-dims",
                    widths[child], widths[parent]
                ),
            )),
        }
    }

    /// The ancestors of a column, starting with its parent; for a cycle, each column once.
    fn ancestors(&self, column: usize) -> Vec<usize> {
        ancestors(&self.parents, column)
    }

    /// Sets the parents of `columns` and of their levels.
    ///
    /// # Errors
    /// A level with two parents.
    pub(super) fn fit(
        &self,
        columns: &mut [CategoryLevels],
        metadata: &Metadata,
        train: &[String],
    ) -> Result<(), RunError> {
        for child in 0..columns.len() {
            let Some(parent) = self.parents[child] else {
                continue;
            };
            let parent_ids = parent_ids(&columns[child], &columns[parent], metadata, train)?;
            columns[child].parent = Some(parent);
            columns[child].parent_ids = parent_ids;
        }
        Ok(())
    }
}

/// Children and their parents, as given: one by one, or as an object here or in a file.
fn pairs(given: &ColumnParents) -> Result<Vec<(String, String)>, RunError> {
    let object = match given {
        ColumnParents::Table(values) => NamedValues::Table(values.clone()),
        ColumnParents::Entries(entries) => {
            let text = entries.join(",");
            let is_file = [".json", ".toml"].iter().any(|end| text.ends_with(end));
            if !text.starts_with('{') && (!is_file || text.contains('=')) {
                return entries.iter().map(|entry| pair(entry)).collect();
            }
            NamedValues::Text(text)
        }
    };
    let named = object.read(KEY, &[])?;
    let values = named.values.iter().map(|(child, parent)| match parent {
        Value::String(parent) => Ok((child.clone(), parent.clone())),
        other => Err(named.problem(format!(
            "'{child}': expected the name of a column, found {other}"
        ))),
    });
    values.collect()
}

fn pair(entry: &str) -> Result<(String, String), RunError> {
    let expected = "expected child=parent, such as city=state, a JSON object or the path of a \
                    .json or .toml file";
    let pair = entry.split_once('=');
    let (child, parent) = pair.ok_or_else(|| RunError::value(KEY, entry, expected))?;
    Ok((child.to_owned(), parent.to_owned()))
}

fn parent_ids(
    child: &CategoryLevels,
    parent: &CategoryLevels,
    metadata: &Metadata,
    train: &[String],
) -> Result<Vec<i32>, RunError> {
    let levels = metadata.texts(&child.column, train)?;
    let above = metadata.texts(&parent.column, train)?;
    let mut found: BTreeMap<&str, (&str, &String)> = BTreeMap::new();
    for ((level, above), sample) in levels.into_iter().zip(above).zip(train) {
        let (Some(level), Some(above)) = (level, above) else {
            continue;
        };
        let (known, first) = *found.entry(level).or_insert((above, sample));
        if known != above {
            return Err(DataError::in_file(
                metadata.file(),
                format!(
                    "'{level}' of the column '{}' has two parents in '{}': '{known}' (sample {first}) and '{above}' (sample {sample})",
                    child.column, parent.column
                ),
            )
            .help(format!(
                "correct one of them, give the levels different names, or leave {}={} out of --{KEY}",
                child.column, parent.column
            ))
            .into());
        }
    }
    let id = |level: &String| {
        let above = found.get(level.as_str()).map(|(above, _)| *above);
        parent.id(above)
    };
    Ok(child.levels.iter().map(id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(entries: &[&str]) -> Result<Vec<Option<usize>>, String> {
        let names = ["city", "country", "state"].map(str::to_owned);
        let entries = entries.iter().map(|&entry| entry.to_owned());
        Hierarchy::parse(&ColumnParents::Entries(entries.collect()), &names, &[4; 3])
            .map(|hierarchy| hierarchy.parents)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_chain_in_any_order() {
        let expected = vec![Some(2), None, Some(1)];
        for entries in [
            ["state=country", "city=state"].as_slice(),
            &["city = state", "state=country", "city=state"],
        ] {
            assert_eq!(parse(entries).as_ref(), Ok(&expected));
        }
        assert_eq!(ancestors(&expected, 0), [2, 1]);
    }

    #[test]
    fn inline_objects_and_files_are_equivalent() {
        let expected = vec![Some(2), None, Some(1)];
        // A flag divides its text at the commas.
        let json = ["{\"city\": \"state\"", "\"state\": \"country\"}"];
        assert_eq!(parse(&json).as_ref(), Ok(&expected));
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("h.json", json.join(",")),
            (
                "h.toml",
                "city = \"state\"\nstate = \"country\"\n".to_owned(),
            ),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            assert_eq!(
                parse(&[&path.display().to_string()]).as_ref(),
                Ok(&expected)
            );
        }
        let error = parse(&["{\"city\": 2}"]).unwrap_err();
        assert!(
            error.contains("'city': expected the name of a column, found 2"),
            "{error}"
        );
        let error = parse(&["none/h.toml"]).unwrap_err();
        assert!(error.contains("none/h.toml: cannot be read"), "{error}");
        let names = ["city", "country", "state"].map(str::to_owned);
        let read = Hierarchy::parse(
            &ColumnParents::Entries(json.map(str::to_owned).to_vec()),
            &names,
            &[4; 3],
        );
        let named = read.unwrap().named(&names);
        let again = Hierarchy::parse(&named, &names, &[4; 3]).unwrap();
        assert_eq!(again.parents, expected);
    }

    #[test]
    fn invalid_hierarchies_are_refused_by_name() {
        let refused = |entries: &[&str], words: &str| {
            let error = parse(entries).unwrap_err();
            assert!(error.contains(words), "{error}");
        };
        refused(
            &["city=state", "city=country"],
            "'city' has two parents, 'state' and 'country'",
        );
        refused(
            &["city=state", "state=country", "country=city"],
            "city → state → country → city is a cycle",
        );
        refused(&["city=city"], "city → city is a cycle");
        refused(&["city"], "expected child=parent");
        refused(&["city=stat"], "found 'stat'; did you mean 'state'?");
    }

    #[test]
    fn embeddings_that_are_added_have_one_width() {
        let names = ["city", "state"];
        let entries = ColumnParents::Entries(vec!["city=state".to_owned()]);
        let names = names.map(str::to_owned);
        assert!(Hierarchy::parse(&entries, &names, &[4, 4]).is_ok());
        let error = Hierarchy::parse(&entries, &names, &[3, 4]).unwrap_err();
        assert!(error.to_string().contains("found 3 and 4"), "{error}");
    }
}
