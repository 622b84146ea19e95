//! The splits of a run: from lists, at random, stratified, by group, or one per fold.

use crate::Notes;
use crate::options::{DataOptions, SplitOptions};
use aam_core::DataError;
use aam_core::random::stream;
use aam_core::text::{agreeing, counted};
use aam_data::{Metadata, Split};
use aam_run::RunError;

use aam_evaluation::deal::{Balance, Order, deal};
use aam_evaluation::folds::folds;
use aam_evaluation::groups::Groups;
use aam_evaluation::repeats;

/// The samples of a run, and the constraints on how they are split.
pub struct Division<'a> {
    ids: &'a [String],
    labels: Option<Vec<usize>>,
    groups: Option<Groups>,
    data: &'a DataOptions,
    split: &'a SplitOptions,
    seed: u64,
}

/// The splits of a run, and the held-out groups if they have names.
pub struct Folds {
    /// A single split, or one per fold.
    pub splits: Vec<Split>,
    /// The held-out groups, if each fold holds out one group.
    pub names: Option<Vec<String>>,
}

impl Folds {
    /// The name of a fold (from 0): its number from 1, or the group that it holds out.
    pub fn name(&self, fold: usize) -> String {
        match &self.names {
            Some(names) => names[fold].clone(),
            None => (fold + 1).to_string(),
        }
    }

    /// The name of the fold that holds out each of `samples` samples.
    pub fn of_samples(&self, samples: usize) -> Vec<String> {
        let mut names = vec![String::new(); samples];
        for (fold, split) in self.splits.iter().enumerate() {
            for &row in &split.validation {
                names[row] = self.name(fold);
            }
        }
        names
    }
}

impl<'a> Division<'a> {
    /// Creates a division of the samples `ids`, with class `labels` if they have one class each.
    ///
    /// # Errors
    /// A group column that does not exist or has only one value.
    pub fn new(
        (data, split): (&'a DataOptions, &'a SplitOptions),
        seed: u64,
        metadata: &Metadata,
        ids: &'a [String],
        labels: Option<Vec<usize>>,
        notes: &mut Notes<'_>,
    ) -> Result<Self, RunError> {
        let column = split.group_column.as_deref();
        let groups = column.map(|column| Groups::read(metadata, column, ids));
        let groups = groups.transpose()?;
        if let (Some(groups), Some(column)) = (&groups, column)
            && groups.missing > 0
        {
            notes(format!(
                "{} without a value of '{column}' {} one group",
                counted(groups.missing, "sample"),
                agreeing(groups.missing, "is", "stay together as")
            ))?;
        }
        Ok(Self {
            ids,
            labels: labels.filter(|_| split.stratify),
            groups,
            data,
            split,
            seed,
        })
    }

    /// The single split of a run.
    ///
    /// # Errors
    /// Lists that do not match the samples, too few samples or groups, or a group that does not
    /// exist.
    pub fn split(&self, notes: &mut Notes<'_>) -> Result<Split, RunError> {
        if self.holds_out_none() {
            notes(format!(
                "all {} for training",
                counted(self.ids.len(), "sample")
            ))?;
            return Ok(Split {
                train: (0..self.ids.len()).collect(),
                validation: Vec::new(),
            });
        }
        let (Some(groups), false) = (&self.groups, self.data.lists_samples()) else {
            return crate::split(
                self.ids,
                self.labels.as_deref(),
                self.data,
                self.seed,
                notes,
            );
        };
        let fraction = self.data.held_out_fraction();
        let held_out: Vec<bool> = match &self.split.leave_group_out {
            Some(name) => {
                let group = self.group(groups, name)?;
                (0..groups.names.len())
                    .map(|other| other == group)
                    .collect()
            }
            None => {
                let rng = &mut stream(self.seed, "split");
                let shares = [1.0 - fraction, fraction];
                let (of, number) = (&groups.of, groups.names.len());
                let parts = deal(
                    of,
                    number,
                    self.labels.as_deref(),
                    &shares,
                    (Order::Random, Balance::ClassesAndSizes),
                    rng,
                );
                parts.into_iter().map(|part| part == 1).collect()
            }
        };
        let split = groups_split(groups, |group| held_out[group]);
        let number = |side: bool| held_out.iter().filter(|held| **held == side).count();
        notes(format!(
            "{} of {} for training, {} of {} for validation",
            counted(split.train.len(), "sample"),
            counted(number(false), "group"),
            split.validation.len(),
            number(true)
        ))?;
        Ok(split)
    }

    fn holds_out_none(&self) -> bool {
        !self.data.lists_samples()
            && self.split.leave_group_out.is_none()
            && self.data.test_size == Some(0.0)
    }

    /// The splits of all folds; a single split if there is no cross-validation. `number` is the
    /// number of folds, unless groups are left out one by one.
    ///
    /// # Errors
    /// Those of [`Division::split`], and more folds than samples or groups.
    pub fn folds(&self, number: usize, notes: &mut Notes<'_>) -> Result<Folds, RunError> {
        let whole = |splits| Folds {
            splits,
            names: None,
        };
        match &self.groups {
            Some(groups) if self.split.leave_one_group_out => {
                let all = 0..groups.names.len();
                Ok(Folds {
                    splits: all
                        .map(|held| groups_split(groups, |group| group == held))
                        .collect(),
                    names: Some(groups.names.clone()),
                })
            }
            _ if number < 2 || self.data.lists_samples() => Ok(whole(vec![self.split(notes)?])),
            None => Ok(whole(folds(
                self.ids.len(),
                self.labels.as_deref(),
                number,
                self.seed,
            )?)),
            Some(groups) if number > groups.names.len() => Err(DataError::new(format!(
                "{} cannot be divided into {}",
                counted(groups.names.len(), "group"),
                counted(number, "fold")
            ))
            .help("choose fewer --folds, or hold out each group once with --leave-one-group-out")
            .into()),
            Some(groups) => {
                let rng = &mut stream(self.seed, "folds");
                let shares = vec![1.0 / number as f64; number];
                let (of, all) = (&groups.of, groups.names.len());
                let parts = deal(
                    of,
                    all,
                    self.labels.as_deref(),
                    &shares,
                    (Order::Largest, Balance::ClassesAndSizes),
                    rng,
                );
                let splits = (0..number).map(|fold| groups_split(groups, |g| parts[g] == fold));
                Ok(whole(splits.collect()))
            }
        }
    }

    /// The groups of the samples, if any.
    pub fn groups(&self) -> Option<&Groups> {
        self.groups.as_ref()
    }

    /// Returns the groups of the samples, if any.
    pub fn into_groups(self) -> Option<Groups> {
        self.groups
    }

    /// A warning about a column whose repeated measurements are separated by `split`, unless the
    /// samples are grouped.
    pub fn warning(
        &self,
        metadata: &Metadata,
        split: &Split,
        targets: &[String],
    ) -> Option<String> {
        match self.groups {
            Some(_) => None,
            None => repeats::warning(metadata, self.ids, split, targets),
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
            let problem = format!("no sample has this value in column '{column}'; {hint}");
            RunError::value("leave-group-out", name, problem)
        })
    }
}

fn groups_split(groups: &Groups, held_out: impl Fn(usize) -> bool) -> Split {
    let rows = 0..groups.of.len();
    let (validation, train) = rows.partition(|&row| held_out(groups.of[row]));
    Split { train, validation }
}

/// Rejects split options that leave open, or say twice, which samples are held out.
///
/// # Errors
/// The first such option.
pub fn check(split: &SplitOptions, data: &DataOptions) -> Result<(), RunError> {
    let wants_group = [
        ("leave-group-out", split.leave_group_out.is_some()),
        ("leave-one-group-out", split.leave_one_group_out),
    ];
    if split.group_column.is_none()
        && let Some((key, _)) = wants_group.iter().find(|(_, given)| *given)
    {
        let problem = "name the column of the groups with --group-column";
        return Err(RunError::setting(*key, problem));
    }
    let given = ways(split, data);
    let [(first, divides), (second, _), ..] = given.as_slice() else {
        return Ok(());
    };
    let problem = format!("--{first} is given, too, and {divides}: leave out one of the two");
    Err(RunError::setting(*second, problem))
}

/// The options that say which samples are held out, of which a run has one at most, and what each does.
fn ways(split: &SplitOptions, data: &DataOptions) -> Vec<(&'static str, &'static str)> {
    let list = match data.validation_samples {
        Some(_) => "validation-samples",
        None => "train-samples",
    };
    let folds = match split.leave_one_group_out {
        true => split.folds.is_some(),
        // A single fold is a single split, which another option may define.
        false => split.folds.is_some_and(|folds| folds > 1),
    };
    let all = [
        (
            data.lists_samples(),
            list,
            "lists the samples of a single split",
        ),
        (
            split.leave_group_out.is_some(),
            "leave-group-out",
            "holds out one group",
        ),
        (
            split.leave_one_group_out,
            "leave-one-group-out",
            "uses every group as a fold",
        ),
        (folds, "folds", "holds out every sample once"),
        (
            data.test_size.is_some(),
            "test-size",
            "holds out a share of the samples once",
        ),
    ];
    let given = all.into_iter().filter(|(given, ..)| *given);
    given.map(|(_, option, does)| (option, does)).collect()
}

/// Rejects a group column that is a target: no value of the target would be both trained on and held
/// out.
///
/// # Errors
/// It is one of the `targets`.
pub fn check_group_column(split: &SplitOptions, targets: &[String]) -> Result<(), RunError> {
    let column = split.group_column.as_deref().map(str::trim);
    match column.filter(|column| targets.iter().any(|target| target.trim() == *column)) {
        None => Ok(()),
        Some(column) => Err(RunError::value(
            "group-column",
            column,
            "this is the column to predict, so the held-out samples would have only values that no \
             training sample has; name a column such as the subject or the site",
        )),
    }
}
