//! Coverage of intervals and prediction sets, over all samples and for each group.

use aam_core::text::cell;

use crate::evaluation::Reported;
use crate::results::{HeldOut, RawColumn, TargetPrediction};

/// How many samples have their actual value inside their interval or set.
#[derive(Clone, Debug, PartialEq)]
pub struct Coverage {
    /// The target.
    pub target: String,
    /// The nominal level.
    pub level: f64,
    /// The group of the samples; `None` for all samples.
    pub group: Option<String>,
    /// Number of samples.
    pub samples: usize,
    /// Number of samples whose value is inside.
    pub inside: usize,
    /// Mean width of the interval, or mean number of classes in the set.
    pub size: f64,
}

impl Coverage {
    /// Share of the samples whose value is inside.
    pub fn share(&self) -> f64 {
        self.inside as f64 / self.samples as f64
    }

    /// The coverage among those of `samples` whose prediction has an interval or a set; `None` if
    /// there are none.
    fn new<'s>(
        (target, column): (usize, &RawColumn),
        level: f64,
        group: Option<&str>,
        samples: impl Iterator<Item = &'s HeldOut>,
    ) -> Option<Self> {
        let (mut number, mut inside, mut size) = (0, 0, 0.0);
        for sample in samples {
            let actual = column.values[sample.row];
            let (is_inside, own_size) = match sample.predictions.get(target) {
                Some(TargetPrediction::Number {
                    interval: Some((low, high)),
                    ..
                }) => ((*low..=*high).contains(&actual), high - low),
                Some(TargetPrediction::Classes { set: Some(set), .. }) => {
                    (set.contains(&(actual as usize)), set.len() as f64)
                }
                _ => continue,
            };
            number += 1;
            inside += usize::from(is_inside);
            size += own_size;
        }
        (number > 0).then(|| Self {
            target: column.name.clone(),
            level,
            group: group.map(str::to_owned),
            samples: number,
            inside,
            size: size / number as f64,
        })
    }
}

/// The coverage of each target at each level: over all samples, then for each group.
pub fn of(reported: &Reported<'_>) -> Vec<Coverage> {
    let mut all = Vec::new();
    for target in reported.targets.iter().enumerate() {
        for at in reported.levels {
            let samples = || at.samples.iter();
            all.extend(Coverage::new(target, at.level, None, samples()));
            let Some(groups) = reported.groups else {
                continue;
            };
            for (group, name) in groups.names.iter().enumerate() {
                let own = samples().filter(|sample| groups.of[sample.row] == group);
                all.extend(Coverage::new(target, at.level, Some(name), own));
            }
        }
    }
    all
}

/// `coverage.tsv`: one line per target, level and group; the group is empty for all samples.
pub fn tsv(all: &[Coverage]) -> String {
    let mut text = String::from("target\tlevel\tgroup\tsamples\tinside\tcoverage\tsize\n");
    for coverage in all {
        let group = coverage.group.as_deref().unwrap_or_default();
        text.push_str(&format!(
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\n",
            cell(&coverage.target),
            coverage.level,
            cell(group),
            coverage.samples,
            coverage.inside,
            coverage.share(),
            coverage.size
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::groups::Groups;
    use crate::out_of_fold::AtLevel;

    #[test]
    fn all_samples_and_each_group_are_counted() {
        let targets = [RawColumn {
            name: "age".to_owned(),
            classes: None,
            values: vec![1.0, 2.0, 3.0, 9.0],
        }];
        let samples = (0..4).map(|row| HeldOut {
            row,
            predictions: vec![TargetPrediction::Number {
                value: 2.0,
                interval: Some((1.0, 3.0)),
            }],
        });
        let levels = [AtLevel {
            level: 0.8,
            samples: samples.collect(),
        }];
        let groups = Groups {
            names: ["mouse\t1", "mouse 2"].map(str::to_owned).to_vec(),
            of: vec![0, 1, 0, 1],
            missing: 0,
        };
        let ids = ["a", "b", "c", "d"].map(str::to_owned);
        let reported = Reported {
            targets: &targets,
            ids: &ids,
            groups: Some(&groups),
            folds: None,
            reads: &[],
            levels: &levels,
            seed: 1,
        };
        let expected = "target\tlevel\tgroup\tsamples\tinside\tcoverage\tsize\n\
                        age\t0.8\t\t4\t3\t0.75\t2\n\
                        age\t0.8\t\"mouse\t1\"\t2\t2\t1\t2\n\
                        age\t0.8\tmouse 2\t2\t1\t0.5\t2\n";
        assert_eq!(tsv(&of(&reported)), expected);
    }
}
