//! Names of metrics, as used in files and flags.

use super::info::{Headline, MetricInfo, MetricOf, Subject, named, subjects};

/// Observations of components are reported under this name followed by that of the observation.
const OBSERVED: &str = "observed";
/// Prefix of means over training batches.
const TRAINING: &str = "train_";
/// The loss, of training batches or of validation samples.
const LOSS: &str = "loss";

/// The parsed name of a metric: `[target:][train_][subject_]metric`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricName<'a> {
    /// The target, if there are several. In tables of methods, the method and the target.
    pub target: Option<&'a str>,
    /// Whether it is the mean over training batches.
    pub of_training: bool,
    /// What the metric measures the learning of, if not targets.
    pub subject: Option<&'static Subject>,
    /// The metric.
    pub metric: &'static MetricInfo,
}

impl<'a> MetricName<'a> {
    /// Parses `name`; `None` if no linked crate describes its metric.
    pub fn read(name: &'a str) -> Option<Self> {
        let (target, figure) = match name.rsplit_once(':') {
            Some((target, figure)) => (Some(target), figure),
            None => (None, name),
        };
        let known = Self::without_target(figure).map(|read| Self { target, ..read });
        // Components name their own observations.
        let observed = || {
            let (OBSERVED, _) = name.split_once(':')? else {
                return None;
            };
            Some(Self {
                target: None,
                of_training: false,
                subject: None,
                metric: named(OBSERVED)?,
            })
        };
        known.or_else(observed)
    }

    fn without_target(figure: &'a str) -> Option<Self> {
        let (of_training, figure) = match figure.strip_prefix(TRAINING) {
            Some(figure) => (true, figure),
            None => (false, figure),
        };
        let read = |subject: Option<&'static Subject>, figure| {
            Some(Self {
                target: None,
                of_training,
                subject,
                metric: named(figure)?,
            })
        };
        read(None, figure).or_else(|| {
            subjects().find_map(|subject| {
                let rest = figure.strip_prefix(subject.name)?.strip_prefix('_')?;
                read(Some(subject), rest)
            })
        })
    }

    /// Whether it describes the course of the training rather than the model's predictions.
    pub fn is_of_course(&self) -> bool {
        self.metric.of == MetricOf::Course
    }

    /// Whether it is the headline metric at `headline`. Metrics of anything learned in addition to targets
    /// are not, where predictions are compared.
    pub fn leads(&self, headline: Headline) -> bool {
        let of_predictions = [Headline::Folds, Headline::Comparison];
        !self.of_training
            && self.metric.leads(headline)
            && (self.subject.is_none() || !of_predictions.contains(&headline))
    }
}

/// The label of the metric `name` for users: `age: R²`, `UniFrac: R²`. A name that no linked crate
/// describes is returned in words.
pub fn label(name: &str) -> String {
    let read = MetricName::read(name).filter(|read| read.metric.name != OBSERVED);
    let Some(read) = read else {
        return name.replace(':', ": ").replace('_', " ");
    };
    let mut label = read.target.map_or_else(String::new, |t| format!("{t}: "));
    if read.of_training {
        label.push_str("training ");
    }
    if let Some(subject) = read.subject {
        label.push_str(&format!("{}: ", subject.title));
    }
    label + read.metric.label
}

/// The metric `name` where losses of training and of validation samples meet: `training loss`,
/// `validation loss`. Other metrics keep the names that files and flags use.
pub fn spoken(name: &str) -> String {
    let Some(read) = MetricName::read(name) else {
        return name.to_owned();
    };
    let target = read.target.map_or_else(String::new, |t| format!("{t}:"));
    let figure = name.strip_prefix(&target).unwrap_or(name);
    match figure.strip_prefix(TRAINING) {
        Some(rest) => format!("{target}training {}", rest.replace('_', " ")),
        None if read.metric.name == LOSS => {
            format!("{target}validation {}", figure.replace('_', " "))
        }
        None => name.to_owned(),
    }
}

/// Whether the metric `name` is the headline metric at `headline` ([`MetricName::leads`]).
pub fn leads(name: &str, headline: Headline) -> bool {
    MetricName::read(name).is_some_and(|read| read.leads(headline))
}

/// Whether the metric `name` describes held-out samples rather than the training.
pub fn is_held_out(name: &str) -> bool {
    match MetricName::read(name) {
        Some(read) => !read.of_training && !read.is_of_course(),
        None => !name.starts_with(TRAINING),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Better;

    crate::describe_metrics!(
        MetricInfo::new("r2", "R²", Better::Higher).leading(&[Headline::Card, Headline::Folds]),
        MetricInfo::new("loss", "loss", Better::Lower),
        MetricInfo::new("observed", "observed", Better::Neither),
        MetricInfo::new("learning_rate", "learning rate", Better::Neither).of(MetricOf::Course),
        Subject::new("unifrac", "UniFrac"),
    );

    fn read(name: &str) -> Option<(Option<&str>, bool, Option<&'static str>, &'static str)> {
        let read = MetricName::read(name)?;
        let subject = read.subject.map(|subject| subject.name);
        Some((read.target, read.of_training, subject, read.metric.name))
    }

    #[test]
    fn names_are_split_into_their_parts() {
        assert_eq!(read("r2"), Some((None, false, None, "r2")));
        assert_eq!(read("age:r2"), Some((Some("age"), false, None, "r2")));
        let of_a_colon = Some((Some("trivial:a:b"), false, None, "r2"));
        assert_eq!(read("trivial:a:b:r2"), of_a_colon);
        let of_training = Some((None, true, Some("unifrac"), "loss"));
        assert_eq!(read("train_unifrac_loss"), of_training);
        let observed = Some((None, false, None, "observed"));
        assert_eq!(read("observed:expert_share_1"), observed);
        // A target that happens to have this name.
        assert_eq!(
            read("observed:r2"),
            Some((Some("observed"), false, None, "r2"))
        );
        for unknown in ["r3", "unifracr2", "jaccard_r2", "r2:age", "train_", ""] {
            assert_eq!(read(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn labels_are_readable() {
        let names = [
            ("age:r2", "age: R²"),
            ("unifrac_r2", "UniFrac: R²"),
            ("train_unifrac_loss", "training UniFrac: loss"),
            ("observed:gate", "observed: gate"),
            ("someone_elses", "someone elses"),
        ];
        for (name, expected) in names {
            assert_eq!(label(name), expected);
        }
    }

    #[test]
    fn losses_of_training_and_validation_have_different_names() {
        for (name, expected) in [
            ("train_loss", "training loss"),
            ("loss", "validation loss"),
            ("train_unifrac_loss", "training unifrac loss"),
            ("unifrac_loss", "validation unifrac loss"),
            ("age:loss", "age:validation loss"),
            ("age:r2", "age:r2"),
            ("unifrac_r2", "unifrac_r2"),
            ("someone_elses", "someone_elses"),
        ] {
            assert_eq!(spoken(name), expected);
        }
    }

    #[test]
    fn metrics_of_other_objectives_never_head_a_table_of_predictions() {
        assert!(leads("age:r2", Headline::Folds) && leads("r2", Headline::Card));
        assert!(!leads("unifrac_r2", Headline::Folds) && leads("unifrac_r2", Headline::Card));
        assert!(!leads("r2", Headline::Run) && !leads("train_r2", Headline::Card));
        let held_out = ["loss", "unifrac_r2", "someone_elses"];
        assert!(held_out.into_iter().all(is_held_out));
        let others = [
            "learning_rate",
            "train_loss",
            "train_unifrac_loss",
            "train_x",
        ];
        assert!(!others.into_iter().any(is_held_out));
    }
}
