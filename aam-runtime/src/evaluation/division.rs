//! The splits of a run: by lists, at random, within classes, by group, or one per fold.

use crate::data::{DataError, Metadata, Split};
use crate::error::RunError;
use crate::options::{DataOptions, SplitOptions, TrainOptions};
use crate::random::stream;
use crate::study::{self, Notes};

use super::deal::{Order, deal};
use super::folds::folds;
use super::groups::{Groups, repeats};

/// The samples of a run, and what their division has to respect.
pub struct Division<'a> {
    ids: &'a [String],
    labels: Option<&'a [usize]>,
    groups: Option<Groups>,
    data: &'a DataOptions,
    split: &'a SplitOptions,
    seed: u64,
}

/// Splits, and what each holds out if that has a name.
pub struct Divided {
    /// One split, or one per fold.
    pub splits: Vec<Split>,
    /// The groups held out, where each is one.
    pub names: Option<Vec<String>>,
}

impl<'a> Division<'a> {
    /// Of the samples `ids`, with `labels` for their classes if they have one each.
    ///
    /// # Errors
    /// Settings at odds, or a column of groups that does not exist or has one value.
    pub fn new(
        options: &'a TrainOptions,
        metadata: &Metadata,
        ids: &'a [String],
        labels: Option<&'a [usize]>,
        notes: &mut Notes<'_>,
    ) -> Result<Self, RunError> {
        let split = &options.split;
        check(split, &options.data)?;
        let column = split.group_column.as_deref();
        let groups = column.map(|column| Groups::read(metadata, column, ids));
        let groups = groups.transpose()?;
        if let (Some(groups), Some(column)) = (&groups, column)
            && groups.missing > 0
        {
            notes(format!(
                "{} samples have no value of '{column}' and stay together as one group",
                groups.missing
            ))?;
        }
        Ok(Self {
            ids,
            labels: labels.filter(|_| split.stratify),
            groups,
            data: &options.data,
            split,
            seed: options.optimization.seed,
        })
    }

    /// The one split of a run.
    ///
    /// # Errors
    /// Lists that do not fit the samples, too few samples or groups, a group that does not exist.
    pub fn split(&self, notes: &mut Notes<'_>) -> Result<Split, RunError> {
        let (Some(groups), false) = (&self.groups, is_listed(self.data)) else {
            return study::split(self.ids, self.labels, self.data, self.seed, notes);
        };
        let fraction = self.data.test_size;
        let held_out: Vec<bool> = match &self.split.leave_group_out {
            Some(name) => {
                let group = self.group(groups, name)?;
                (0..groups.names.len())
                    .map(|other| other == group)
                    .collect()
            }
            None if fraction > 0.0 && fraction < 1.0 => {
                let rng = &mut stream(self.seed, "split");
                let shares = [1.0 - fraction, fraction];
                let (of, number) = (&groups.of, groups.names.len());
                let parts = deal(of, number, self.labels, &shares, Order::Random, rng);
                parts.into_iter().map(|part| part == 1).collect()
            }
            None => {
                return Err(RunError::Usage(format!(
                    "--test-size: expected a fraction between 0 and 1, found {fraction}"
                )));
            }
        };
        let split = groups_split(groups, |group| held_out[group]);
        let number = |side: bool| held_out.iter().filter(|held| **held == side).count();
        notes(format!(
            "{} samples of {} groups for training, {} of {} for validation",
            split.train.len(),
            number(false),
            split.validation.len(),
            number(true)
        ))?;
        Ok(split)
    }

    /// As many splits as there are folds; one where the samples are not to be divided into folds.
    /// `number` is how many, unless groups are left out one by one.
    ///
    /// # Errors
    /// Those of [`Division::split`], and more folds than samples or groups.
    pub fn folds(&self, number: usize, notes: &mut Notes<'_>) -> Result<Divided, RunError> {
        let whole = |splits| Divided {
            splits,
            names: None,
        };
        match &self.groups {
            Some(groups) if self.split.leave_one_group_out => {
                let all = 0..groups.names.len();
                Ok(Divided {
                    splits: all
                        .map(|held| groups_split(groups, |group| group == held))
                        .collect(),
                    names: Some(groups.names.clone()),
                })
            }
            _ if number < 2 || is_listed(self.data) => Ok(whole(vec![self.split(notes)?])),
            None => Ok(whole(folds(
                self.ids.len(),
                self.labels,
                number,
                self.seed,
            )?)),
            Some(groups) if number > groups.names.len() => Err(DataError::new(format!(
                "{} groups cannot be divided into {number} folds",
                groups.names.len()
            ))
            .help("choose fewer --folds, or hold out each group once with --leave-one-group-out")
            .into()),
            Some(groups) => {
                let rng = &mut stream(self.seed, "folds");
                let shares = vec![1.0 / number as f64; number];
                let (of, all) = (&groups.of, groups.names.len());
                let parts = deal(of, all, self.labels, &shares, Order::Largest, rng);
                let splits = (0..number).map(|fold| groups_split(groups, |g| parts[g] == fold));
                Ok(whole(splits.collect()))
            }
        }
    }

    /// What the samples belong to, if they were grouped.
    pub fn groups(&self) -> Option<&Groups> {
        self.groups.as_ref()
    }

    /// A warning of a column whose repeats `split` divides, unless the samples are grouped.
    pub fn warning(
        &self,
        metadata: &Metadata,
        split: &Split,
        targets: &[String],
    ) -> Option<String> {
        match self.groups {
            Some(_) => None,
            None => repeats(metadata, self.ids, split, targets),
        }
    }

    fn group(&self, groups: &Groups, name: &str) -> Result<usize, RunError> {
        let found = groups.names.iter().position(|other| other == name.trim());
        found.ok_or_else(|| {
            let names = groups.names.iter().map(String::as_str);
            let hint = match aam_api::error::nearest(name, names.clone()) {
                Some(nearest) => format!("did you mean {nearest}?"),
                None => {
                    let some: Vec<&str> = names.take(5).collect();
                    format!("there are {}, …", some.join(", "))
                }
            };
            let column = self.split.group_column.as_deref().unwrap_or_default();
            RunError::Usage(format!(
                "--leave-group-out {name}: no sample at hand has this value in column '{column}'; {hint}"
            ))
        })
    }
}

/// Whether the samples of either side are listed in files.
fn is_listed(data: &DataOptions) -> bool {
    data.train_samples.is_some() || data.validation_samples.is_some()
}

fn groups_split(groups: &Groups, held_out: impl Fn(usize) -> bool) -> Split {
    let rows = 0..groups.of.len();
    let (validation, train) = rows.partition(|&row| held_out(groups.of[row]));
    Split { train, validation }
}

fn check(split: &SplitOptions, data: &DataOptions) -> Result<(), RunError> {
    let refuse = |text: &str| Err(RunError::Usage(text.to_owned()));
    let wants_group = [
        ("leave-group-out", split.leave_group_out.is_some()),
        ("leave-one-group-out", split.leave_one_group_out),
    ];
    if split.group_column.is_none()
        && let Some((flag, _)) = wants_group.iter().find(|(_, given)| *given)
    {
        return refuse(&format!(
            "--{flag}: say with --group-column which column the groups are in"
        ));
    }
    if split.folds == Some(0) {
        return refuse("--folds: expected 1 or more, found 0");
    }
    if split.leave_group_out.is_some() && split.cross_validates() {
        return refuse(
            "--leave-group-out is one split; to hold out each group once, give --leave-one-group-out",
        );
    }
    if split.leave_one_group_out && split.folds.is_some_and(|folds| folds > 1) {
        return refuse("--leave-one-group-out makes a fold of every group: leave out --folds");
    }
    if is_listed(data) && split.cross_validates() {
        return refuse(
            "--folds: lists of samples are one split; give either lists or a number of folds",
        );
    }
    if is_listed(data) && split.leave_group_out.is_some() {
        return refuse(
            "--leave-group-out: lists of samples say what is held out; give one of both",
        );
    }
    Ok(())
}
