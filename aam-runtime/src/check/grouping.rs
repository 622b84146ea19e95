//! The groups of samples that a training run would keep together.

use std::collections::HashMap;

use aam_core::DataError;
use aam_core::text::{agreeing, counted};
use aam_data::Metadata;
use aam_evaluation::distribution::Distribution;
use aam_evaluation::groups::Groups;
use aam_report::check::{GroupedTarget, GroupingFound};

use super::files::Study;
use super::{Findings, SHOWN};
use crate::options::{CheckOptions, TrainOptions};

/// The column of the groups, and the groups of the samples.
pub struct Grouping {
    pub column: String,
    pub groups: Groups,
}

impl Grouping {
    /// Reads the groups named by `options` for the samples `ids`, if there are any. What prevents a
    /// training run is added to the problems.
    pub fn read(
        options: &CheckOptions,
        study: &Study,
        ids: &[String],
        found: &mut Findings,
    ) -> Option<Self> {
        let column = options.group_column.as_deref()?.trim();
        let Some(metadata) = &study.metadata else {
            let problem = format!("--group-column {column} cannot be checked without metadata");
            found.stop(DataError::new(problem).help("name the file with --metadata"));
            return None;
        };
        let targets = options.metadata_column.iter();
        if targets
            .map(|target| target.trim())
            .any(|target| target == column)
        {
            let problem =
                format!("column '{column}' is to be predicted, so it cannot define the groups");
            let help = "with --group-column, name a column such as the subject or the site";
            found.stop(DataError::in_file(metadata.file(), problem).help(help));
            return None;
        }
        match Groups::read(metadata, column, ids) {
            Ok(groups) => Some(Self {
                column: column.to_owned(),
                groups,
            }),
            Err(error) => {
                found.stop(error);
                None
            }
        }
    }

    /// Describes the groups, and warns if there are few.
    pub fn section(&self, metadata: &Metadata, found: &mut Findings) -> GroupingFound {
        let mut sizes = vec![0usize; self.groups.names.len()];
        self.groups.of.iter().for_each(|&group| sizes[group] += 1);
        let (number, folds) = (sizes.len(), TrainOptions::FOLDS);
        if sizes.iter().all(|&size| size == 1) {
            let problem = format!(
                "column '{}' has a different value for every sample, so it keeps none together",
                self.column
            );
            let help = "name a column that the samples of a subject or a site share";
            found.warn(DataError::in_file(metadata.file(), problem).help(help));
        }
        if number < folds {
            let problem = format!(
                "column '{}' has {} for {folds} folds: each group is a fold, and how well others are predicted is measured on very few",
                self.column,
                counted(number, "group")
            );
            let help = "treat the metrics as rough, or group by a column with more values";
            found.warn(DataError::in_file(metadata.file(), problem).help(help));
        }
        GroupingFound {
            column: self.column.clone(),
            groups: number,
            sizes: Distribution::of(sizes.iter().map(|&size| size as f64)),
            missing: self.groups.missing,
        }
    }

    /// Describes the values of a target, one per sample, within and between groups. Warns of classes
    /// that are in a single group.
    pub fn of_target(
        &self,
        (metadata, name): (&Metadata, &str),
        (values, classes): (&[Option<&str>], bool),
        found: &mut Findings,
    ) -> GroupedTarget {
        let mut of_groups: Vec<Vec<&str>> = vec![Vec::new(); self.groups.names.len()];
        for (&group, value) in self.groups.of.iter().zip(values) {
            of_groups[group].extend(*value);
        }
        let known: Vec<&Vec<&str>> = of_groups
            .iter()
            .filter(|values| !values.is_empty())
            .collect();
        let constant = known
            .iter()
            .filter(|values| values.iter().all(|value| *value == values[0]));
        let constant = constant.count();
        let mut groups_of: HashMap<&str, usize> = HashMap::new();
        for values in &known {
            let mut distinct = (*values).clone();
            distinct.sort_unstable();
            distinct.dedup();
            for value in distinct {
                *groups_of.entry(value).or_default() += 1;
            }
        }
        let of_one = groups_of
            .into_iter()
            .filter(|(_, groups)| classes && *groups == 1);
        let mut of_one: Vec<String> = of_one.map(|(class, _)| class.to_owned()).collect();
        of_one.sort_unstable();
        if !of_one.is_empty() {
            let shown: Vec<String> = of_one
                .iter()
                .take(SHOWN)
                .map(|c| format!("'{c}'"))
                .collect();
            let more = if of_one.len() > SHOWN { ", …" } else { "" };
            let problem = format!(
                "'{name}': {} in only one group of '{}' ({}{more}), so no training sample has {} when that group is held out",
                match of_one.len() {
                    1 => "1 class is".to_owned(),
                    several => format!("{several} classes are"),
                },
                self.column,
                shown.join(", "),
                agreeing(of_one.len(), "it", "them")
            );
            let help =
                "leave out the samples of such a class (--where), or group by another column";
            found.warn(DataError::in_file(metadata.file(), problem).help(help));
        }
        GroupedTarget {
            groups: known.len(),
            constant,
            classes_of_one_group: of_one,
        }
    }

    /// Whether samples with the same value of the column `name` are always in the same group.
    pub fn keeps_together(&self, metadata: &Metadata, name: &str, ids: &[String]) -> bool {
        let mut groups: HashMap<&str, usize> = HashMap::new();
        let values = metadata.texts(name, ids).unwrap_or_default();
        let known = values.iter().zip(&self.groups.of);
        let mut known = known.filter_map(|(value, group)| Some(((*value)?, group)));
        known.all(|(value, group)| groups.entry(value).or_insert(*group) == group)
    }
}
