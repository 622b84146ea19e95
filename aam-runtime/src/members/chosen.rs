//! Selection of the members of an ensemble.

use aam_api::learner::learner;
use aam_api::{
    BoxedLearner, LearnerKind, LearnerTarget, PluginError, Registry, Resolved, TrainingSamples,
};
use aam_data::{Kinship, Metadata, Table};
use aam_evaluation::evaluation::NETWORK;
use aam_evaluation::folds::inner_folds;
use aam_evaluation::groups::Groups;
use aam_evaluation::results::RawColumn;
use aam_features::FeatureSpace;
use aam_run::RunError;
use aam_run::named_components::ComponentList;
use aam_study::batches::Batches;
use aam_study::categories::{CategoryColumns, CategoryIds, CategoryVocabulary};

use super::centring;
use super::fitted::{FittedMember, FittedMembers};

/// Number of inner folds on which learners tune their settings.
const INNER_FOLDS: usize = 5;

/// A learner to be fitted.
#[derive(Debug)]
pub(super) struct Member {
    /// Its name in tables.
    pub name: &'static str,
    /// Its description in a checkpoint.
    pub resolved: Resolved,
    learner: BoxedLearner,
}

impl Member {
    fn unfitted(&self) -> FittedMember {
        FittedMember {
            name: self.name,
            resolved: self.resolved.clone(),
            targets: Vec::new(),
        }
    }

    /// Parses a learner with options, as in `forest:trees=300:min-samples-leaf=3`.
    fn read(text: &str) -> Result<Self, RunError> {
        let list = ComponentList {
            setting: "members",
            what: "member",
            others: &[NETWORK],
            of_items: &[],
        };
        let resolved = list.resolved::<LearnerKind>(text)?;
        Ok(Self {
            name: Registry::<LearnerKind>::load()?.find(&resolved.name)?.name,
            learner: learner(&resolved)?,
            resolved,
        })
    }
}

/// The members of a training run.
#[derive(Debug)]
pub struct Members {
    /// Whether the network is a member.
    pub with_network: bool,
    learners: Vec<Member>,
}

/// Samples with their targets.
#[derive(Clone, Copy, Debug)]
pub struct LabelledSamples<'a> {
    /// Reads, with sequences as the names of the ASVs.
    pub table: &'a Table,
    /// The rows of the samples of the run, whose batches are centred.
    pub rows: &'a [usize],
    /// How the features are related, if they have no sequences.
    pub kinship: Option<&'a Kinship>,
    /// The batches of the samples, if what they have in common is removed.
    pub batches: Option<&'a Batches>,
    /// The target columns.
    pub targets: &'a [RawColumn],
    /// The groups of the samples, if given.
    pub groups: Option<&'a Groups>,
    /// The metadata of the samples.
    pub metadata: &'a Metadata,
    /// The metadata columns used as additional features.
    pub categories: &'a CategoryColumns,
    /// Random seed of the run.
    pub seed: u64,
}

impl Members {
    /// Parses `named`: `network`, and linked learners, as in `forest:trees=300`.
    ///
    /// # Errors
    /// A learner that is not linked, an unknown option, a duplicate name, or no member at all.
    pub fn read(named: &[String]) -> Result<Self, RunError> {
        let mut members = Self {
            with_network: false,
            learners: Vec::new(),
        };
        for text in named.iter().map(|text| text.trim()) {
            let is_new = match text == NETWORK {
                true => !std::mem::replace(&mut members.with_network, true),
                false => {
                    let member = Member::read(text)?;
                    let mut known = members.learners.iter();
                    let is_new = known.all(|known| known.name != member.name);
                    members.learners.push(member);
                    is_new
                }
            };
            if !is_new {
                return Err(RunError::value("members", text, "it is named twice"));
            }
        }
        match members.with_network || !members.learners.is_empty() {
            true => Ok(members),
            false => Err(RunError::missing("members", "name at least one")),
        }
    }

    /// Whether the network is the only member.
    pub fn is_network_alone(&self) -> bool {
        self.learners.is_empty()
    }

    /// Fits every learner to the samples at `rows`.
    ///
    /// # Errors
    /// Samples from which a learner cannot learn.
    pub fn fit(
        &self,
        samples: &LabelledSamples<'_>,
        rows: &[usize],
    ) -> Result<FittedMembers, RunError> {
        if self.learners.is_empty() {
            return Ok(FittedMembers {
                with_network: self.with_network,
                space: FeatureSpace::default(),
                usual: Vec::new(),
                categories: CategoryVocabulary::default(),
                learners: Vec::new(),
            });
        }
        let space = FeatureSpace::fit(samples.table, rows, samples.kinship);
        let categories = samples.vocabulary(rows)?;
        let ids = CategoryIds::new(
            &categories,
            Some(samples.metadata),
            samples.table.sample_ids(),
        )?;
        let features = space.of(samples.table, rows);
        let (features, usual) = match samples.batches {
            Some(batches) => {
                let usual = centring::usual(&features);
                let offsets =
                    centring::offsets(&space, samples.table, samples.rows, batches, &usual);
                (centring::without(features, rows, &offsets), usual)
            }
            None => (features, Vec::new()),
        };
        let features = features.with_categories(ids.indicators(rows, &categories));
        let mut learners: Vec<FittedMember> = self.learners.iter().map(Member::unfitted).collect();
        for column in samples.targets {
            let truth = samples.truth(column, rows);
            let training =
                TrainingSamples::new(&features, truth.target(), &truth.folds, samples.seed);
            for (member, fitted) in self.learners.iter().zip(&mut learners) {
                let learned = member.learner.fit(&training);
                fitted.targets.push(learned.map_err(|error| match error {
                    PluginError::Study { problem, help } => PluginError::Study {
                        problem: format!(
                            "learner '{}', target '{}': {problem}",
                            member.name, column.name
                        ),
                        help,
                    },
                    error => error,
                })?);
            }
        }
        Ok(FittedMembers {
            with_network: self.with_network,
            space,
            usual,
            categories,
            learners,
        })
    }
}

impl LabelledSamples<'_> {
    /// Whether each target is numeric.
    pub fn numbers(&self) -> Vec<bool> {
        let targets = self.targets.iter();
        targets.map(|column| column.classes.is_none()).collect()
    }

    /// The categories of the samples at `rows`. Warnings about them come from the network.
    fn vocabulary(&self, rows: &[usize]) -> Result<CategoryVocabulary, RunError> {
        let ids = self.table.sample_ids();
        let ids: Vec<String> = rows.iter().map(|&row| ids[row].to_owned()).collect();
        CategoryVocabulary::fit(self.categories, self.metadata, &ids, &mut |_| Ok(()))
    }

    /// The true values of the samples at `rows`, and the inner fold of each.
    fn truth(&self, column: &RawColumn, rows: &[usize]) -> Truth {
        let classes = |rows: &mut dyn Iterator<Item = f64>| -> Vec<usize> {
            rows.map(|class| class as usize).collect()
        };
        let number = column.classes.as_ref().map(Vec::len);
        let labels = number.map(|_| classes(&mut column.values.iter().copied()));
        let values: Vec<f64> = rows.iter().map(|&row| column.values[row]).collect();
        Truth {
            folds: inner_folds(rows, self.groups, labels.as_deref(), INNER_FOLDS, self.seed),
            classes: number.map(|number| (classes(&mut values.iter().copied()), number)),
            values,
        }
    }
}

/// The true values of training samples.
struct Truth {
    values: Vec<f64>,
    /// The class of each sample and the number of classes, for categorical targets.
    classes: Option<(Vec<usize>, usize)>,
    folds: Vec<usize>,
}

impl Truth {
    fn target(&self) -> LearnerTarget<'_> {
        match &self.classes {
            None => LearnerTarget::Numbers(&self.values),
            Some((of, number)) => LearnerTarget::Classes {
                of,
                number: *number,
            },
        }
    }
}
