//! The levels of categorical columns in the training samples.

use std::collections::BTreeMap;

use aam_api::{CategoryColumn, CategorySchema};
use aam_core::text::{agreeing, counted};
use serde::{Deserialize, Serialize};

use super::CategoryColumns;
use crate::Notes;
use aam_data::Metadata;
use aam_run::RunError;

/// The categorical columns of a model, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryVocabulary {
    /// The columns.
    pub columns: Vec<CategoryLevels>,
}

/// The levels of a categorical column.
///
/// Level `i` has the id `i + 1`. All pooled levels share the next id. If there are pooled levels,
/// levels without training samples share this id, too, because they are equally rare. Otherwise
/// they have the id 0, like missing values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryLevels {
    /// Name of the metadata column.
    pub column: String,
    /// The levels, in lexical order.
    pub levels: Vec<String>,
    /// Levels that are too rare for an id of their own, in lexical order.
    #[serde(default)]
    pub pooled: Vec<String>,
    /// The embedding width.
    pub width: usize,
    /// The index of the parent column, whose embedding is added.
    #[serde(default)]
    pub parent: Option<usize>,
    /// The id of the parent level for each level, 0 if it is unknown from the training samples.
    /// Empty without a parent.
    #[serde(default)]
    pub parent_ids: Vec<i32>,
}

impl CategoryLevels {
    /// The id of `level`; 0 for a missing one.
    pub fn id(&self, level: Option<&str>) -> i32 {
        let Some(level) = level else { return 0 };
        match (position(&self.levels, level), self.pooled.is_empty()) {
            (Some(position), _) => position as i32 + 1,
            (None, false) => self.levels.len() as i32 + 1,
            (None, true) => 0,
        }
    }

    /// The level with the id `id` as text.
    pub fn level(&self, id: i32) -> &str {
        let place = usize::try_from(id - 1).ok();
        match place.map(|place| self.levels.get(place)) {
            Some(Some(level)) => level,
            Some(None) => "(rare)",
            None => "(unknown)",
        }
    }

    /// Whether `level` occurs in the training samples.
    pub fn knows(&self, level: &str) -> bool {
        position(&self.levels, level).is_some() || position(&self.pooled, level).is_some()
    }

    /// The parent's id for the id `id`, or 0 if unknown.
    pub fn parent_id(&self, id: i32) -> i32 {
        let place = usize::try_from(id - 1).ok();
        place
            .and_then(|place| self.parent_ids.get(place))
            .copied()
            .unwrap_or(0)
    }

    fn ids(&self) -> usize {
        1 + self.levels.len() + usize::from(!self.pooled.is_empty())
    }
}

fn position(levels: &[String], level: &str) -> Option<usize> {
    levels
        .binary_search_by(|known| known.as_str().cmp(level))
        .ok()
}

impl CategoryVocabulary {
    /// Collects the levels of the requested columns `asked` in the samples `train`.
    ///
    /// # Errors
    /// A column missing from the metadata, or a level with two parents.
    pub fn fit(
        asked: &CategoryColumns,
        metadata: &Metadata,
        train: &[String],
        notes: &mut Notes<'_>,
    ) -> Result<Self, RunError> {
        let least = asked.min_count;
        let mut columns = Vec::with_capacity(asked.names.len());
        for (name, &width) in asked.names.iter().zip(&asked.widths) {
            let column = levels(name, width, least, metadata, train)?;
            warn_of_levels(&column, least, train.len(), notes)?;
            columns.push(column);
        }
        asked.hierarchy.fit(&mut columns, metadata, train)?;
        Ok(Self { columns })
    }

    /// The columns in the format for components.
    pub fn schema(&self) -> CategorySchema {
        let columns = self.columns.iter();
        let columns =
            columns.map(|column| CategoryColumn::new(&column.column, column.ids(), column.width));
        CategorySchema::new(columns.collect())
    }

    /// The number of distinct level ids of each column, where all pooled levels count as one.
    pub fn levels(&self) -> Vec<usize> {
        self.columns.iter().map(|column| column.ids() - 1).collect()
    }

    /// The parent of each column.
    pub fn parents(&self) -> Vec<Option<usize>> {
        self.columns.iter().map(|column| column.parent).collect()
    }
}

fn levels(
    name: &str,
    width: usize,
    least: usize,
    metadata: &Metadata,
    train: &[String],
) -> Result<CategoryLevels, RunError> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for level in metadata.texts(name, train)?.into_iter().flatten() {
        *counts.entry(level).or_default() += 1;
    }
    let (kept, rare): (Vec<_>, Vec<_>) = counts.into_iter().partition(|(_, n)| *n >= least);
    let texts = |levels: Vec<(&str, usize)>| -> Vec<String> {
        levels
            .into_iter()
            .map(|(level, _)| level.to_owned())
            .collect()
    };
    Ok(CategoryLevels {
        column: name.to_owned(),
        levels: texts(kept),
        pooled: texts(rare),
        width,
        parent: None,
        parent_ids: Vec::new(),
    })
}

fn warn_of_levels(
    column: &CategoryLevels,
    least: usize,
    samples: usize,
    notes: &mut Notes<'_>,
) -> Result<(), RunError> {
    let name = &column.column;
    if !column.pooled.is_empty() {
        notes(format!(
            "column '{name}': {} with fewer than {} {} pooled into one",
            counted(column.pooled.len(), "level"),
            counted(least, "training sample"),
            agreeing(column.pooled.len(), "is", "are")
        ))?;
    }
    if column.levels.is_empty() && column.pooled.is_empty() {
        notes(format!("column '{name}': no training sample has a value"))?;
    } else if column.levels.len() * 2 > samples {
        notes(format!(
            "column '{name}': {} among {}, so most levels identify a single sample; --min-category-count pools rare levels",
            counted(column.levels.len(), "level"),
            counted(samples, "training sample")
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(levels: &[&str], pooled: &[&str]) -> CategoryLevels {
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        CategoryLevels {
            column: "site".to_owned(),
            levels: texts(levels),
            pooled: texts(pooled),
            width: 4,
            parent: None,
            parent_ids: vec![2, 0],
        }
    }

    #[test]
    fn what_is_missing_new_or_rare() {
        let plain = levels(&["gut", "skin"], &[]);
        assert_eq!(plain.id(Some("skin")), 2);
        assert_eq!((plain.id(None), plain.id(Some("soil"))), (0, 0));
        assert_eq!(plain.ids(), 3);
        let pooling = levels(&["gut", "skin"], &["ear", "nose"]);
        assert_eq!(pooling.id(Some("ear")), 3);
        assert_eq!((pooling.id(None), pooling.id(Some("soil"))), (0, 3));
        assert_eq!(pooling.ids(), 4);
        assert!(pooling.knows("nose") && pooling.knows("gut") && !pooling.knows("soil"));
    }

    #[test]
    fn the_parent_of_an_id_that_has_none_is_unknown() {
        let column = levels(&["gut", "skin"], &[]);
        assert_eq!(
            [-1, 0, 1, 2, 3].map(|id| column.parent_id(id)),
            [0, 0, 2, 0, 0]
        );
    }
}
