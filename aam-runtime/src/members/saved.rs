//! Members saved in a checkpoint, in addition to the weights of the network.

use std::path::Path;

use aam_api::export::{ExportedPrediction, Graph};
use aam_api::learner::learner;
use aam_api::{Kind, LearnerKind, PluginError, Registry, Resolved};
use aam_data::Table;
use aam_evaluation::evaluation::{NETWORK, Other};
use aam_evaluation::out_of_fold::{AtLevel, TargetOutOfFold};
use aam_evaluation::results::{HeldOut, RawColumn};
use aam_features::FeatureSpace;
use aam_run::RunError;
use aam_study::batches::Batches;
use aam_study::categories::CategoryIds;
use aam_train::checkpoint::directory;
use aam_train::checkpoint::manifest::{PredictorManifest, TargetManifest};
use aam_train::state::is_for_resuming;
use serde::{Deserialize, Serialize};

use super::fitted::{FittedMember, FittedMembers, combined};

/// The checkpoint file that holds the members.
pub const MEMBERS: &str = "members.bin";
/// The file that holds the mean log-ratios of the training samples, if batches are centred.
pub const USUAL: &str = "batches-of-members.bin";

/// The learners of a checkpoint, and the calibration of its intervals and probabilities from
/// held-out predictions.
#[derive(Debug)]
pub struct SavedMembers {
    /// The learners.
    pub members: FittedMembers,
    /// The calibration from out-of-fold predictions.
    pub out_of_fold: OutOfFold,
}

/// The calibration of each target from out-of-fold predictions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct OutOfFold {
    targets: Vec<TargetOutOfFold>,
    /// The levels of intervals and prediction sets.
    levels: Vec<f64>,
}

/// The contents of the file.
#[derive(Serialize, Deserialize)]
struct Contents {
    with_network: bool,
    space: FeatureSpace,
    learners: Vec<Learner>,
    out_of_fold: OutOfFold,
}

#[derive(Serialize, Deserialize)]
struct Learner {
    /// The component and its options as JSON, because options can be of any type.
    component: String,
    /// The states, one per target.
    states: Vec<Vec<u8>>,
}

impl OutOfFold {
    /// Calibrates combined predictions of held-out samples, with intervals and prediction sets at
    /// `levels`.
    pub fn of(targets: &[RawColumn], samples: &[HeldOut], levels: &[f64]) -> Self {
        let columns = targets.iter().enumerate();
        Self {
            targets: columns
                .map(|(target, column)| TargetOutOfFold::of(column, target, samples))
                .collect(),
            levels: levels.to_vec(),
        }
    }

    /// Returns `samples` with intervals and prediction sets at `levels`, or at those of the
    /// training if `levels` is empty.
    fn applied(&self, samples: &[HeldOut], levels: &[f64]) -> Vec<AtLevel> {
        let levels = match levels {
            [] => self.levels.iter(),
            named => named.iter(),
        };
        let applied = levels.map(|&level| {
            let mut samples = samples.to_vec();
            for sample in &mut samples {
                let targets = self.targets.iter().zip(&mut sample.predictions);
                targets.for_each(|(known, prediction)| known.apply(prediction, level));
            }
            AtLevel { level, samples }
        });
        applied.collect()
    }

    /// The same in a graph, for one prediction per target, at the levels of the training.
    pub(super) fn export(
        &self,
        graph: &mut Graph,
        predictions: &[ExportedPrediction],
    ) -> Vec<(f64, Vec<ExportedPrediction>)> {
        let at_levels = self.levels.iter().map(|&level| {
            let targets = self.targets.iter().zip(predictions);
            let applied = targets.map(|(known, one)| known.export(graph, one, level));
            (level, applied.collect())
        });
        at_levels.collect()
    }

    fn check(&self, targets: &[TargetManifest]) -> Result<(), String> {
        let mut known = self.targets.iter().zip(targets);
        let sound = self.targets.len() == targets.len()
            && !self.levels.is_empty()
            && self.levels.iter().all(|level| (0.0..=1.0).contains(level))
            && known.all(|(known, target)| {
                known.is_sound(target.values.classes().map_or(0, <[String]>::len))
            });
        match sound {
            true => Ok(()),
            false => Err("its intervals or probabilities are out of range".to_owned()),
        }
    }
}

impl SavedMembers {
    /// Serialises the file.
    ///
    /// # Errors
    /// Never in practice: the bytes are written to memory.
    pub fn bytes(&self) -> Result<Vec<u8>, RunError> {
        let broken = |problem: String| RunError::checkpoint(MEMBERS, problem);
        let learners = self.members.learners.iter().map(|member| {
            Ok(Learner {
                component: serde_json::to_string(&member.resolved)
                    .map_err(|error| broken(error.to_string()))?,
                states: member.targets.iter().map(|target| target.state()).collect(),
            })
        });
        let contents = Contents {
            with_network: self.members.with_network,
            space: self.members.space.clone(),
            learners: learners.collect::<Result<_, RunError>>()?,
            out_of_fold: self.out_of_fold.clone(),
        };
        postcard::to_stdvec(&contents).map_err(|error| broken(error.to_string()))
    }

    /// Writes the files of the checkpoint at `from` and the members to the checkpoint at `to`,
    /// which cannot resume a training run unless it is the same.
    ///
    /// # Errors
    /// A checkpoint that cannot be read or written.
    pub fn add_to(&self, from: &Path, to: &Path) -> Result<(), RunError> {
        let (manifest, mut files) = directory::load(from)?;
        if from != to {
            files.retain(|name, _| !is_for_resuming(name));
        }
        files.insert(MEMBERS.to_owned(), self.bytes()?);
        if !self.members.usual.is_empty() {
            let usual = postcard::to_stdvec(&self.members.usual)
                .map_err(|error| RunError::checkpoint(USUAL, error.to_string()))?;
            files.insert(USUAL.to_owned(), usual);
        }
        let files = files.iter();
        let files: Vec<(&str, &[u8])> = files
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
            .collect();
        directory::save(to, &manifest, &files)
    }

    /// Sets the mean log-ratios of the training samples from the `bytes` of the file at `path`.
    ///
    /// # Errors
    /// A damaged file.
    pub fn with_usual(mut self, bytes: &[u8], path: &Path) -> Result<Self, RunError> {
        let usual: Result<Vec<f32>, _> = postcard::from_bytes(bytes);
        match usual {
            Ok(usual)
                if usual.len() == self.members.space.width()
                    && usual.iter().all(|value| value.is_finite()) =>
            {
                self.members.usual = usual;
                Ok(self)
            }
            _ => Err(RunError::checkpoint(path, "it is damaged")),
        }
    }

    /// Parses the `bytes` of the file at `path`, for the model described by `parts`.
    ///
    /// # Errors
    /// A damaged file, or a learner that is not linked.
    pub fn read(bytes: &[u8], path: &Path, parts: &PredictorManifest) -> Result<Self, RunError> {
        let targets = parts.targets.as_slice();
        let levels: usize = parts.categories.levels().iter().sum();
        let damaged =
            |problem: String| RunError::checkpoint(path, format!("it is damaged: {problem}"));
        let contents: Contents =
            postcard::from_bytes(bytes).map_err(|error| damaged(error.to_string()))?;
        contents.out_of_fold.check(targets).map_err(damaged)?;
        let mut learners = Vec::with_capacity(contents.learners.len());
        for saved in &contents.learners {
            let resolved: Resolved = serde_json::from_str(&saved.component)
                .map_err(|error| damaged(error.to_string()))?;
            let widths = (contents.space.width(), levels);
            let member = fitted(resolved, saved, widths, targets);
            learners.push(member.map_err(|error| match error {
                error @ PluginError::NotLinked { .. } => RunError::from(error),
                error => damaged(error.to_string()),
            })?);
        }
        Ok(Self {
            members: FittedMembers {
                with_network: contents.with_network,
                space: contents.space,
                usual: Vec::new(),
                categories: parts.categories.clone(),
                learners,
            },
            out_of_fold: contents.out_of_fold,
        })
    }

    /// The combined predictions of all members for the samples of `table` with the given
    /// `categories` and network predictions `network`, with intervals and prediction sets at
    /// `levels`, or at those of the training if `levels` is empty.
    ///
    /// # Errors
    /// Those of [`FittedMembers::predict`].
    pub fn predict(
        &self,
        (table, batches): (&Table, Option<&Batches>),
        categories: &CategoryIds,
        network: &[HeldOut],
        numbers: &[bool],
        levels: &[f64],
    ) -> Result<Vec<AtLevel>, RunError> {
        let rows: Vec<usize> = network.iter().map(|sample| sample.row).collect();
        let all: Vec<usize> = (0..table.num_samples()).collect();
        let offsets = self.members.offsets(table, &all, batches);
        let members = &self.members;
        let learners = members.predict(table, categories, &rows, offsets.as_ref(), numbers)?;
        Ok(self.together(network, &learners, levels))
    }

    /// The same from the learners' predictions for these samples, in the same order.
    pub fn together(
        &self,
        network: &[HeldOut],
        learners: &[Other],
        levels: &[f64],
    ) -> Vec<AtLevel> {
        let samples = combined(self.members.with_network, network, learners);
        self.out_of_fold.applied(&samples, levels)
    }

    /// Whether the network is one of the members.
    pub fn has_network(&self) -> bool {
        self.members.with_network
    }

    /// Names of the members in table order: the network first.
    pub fn names(&self) -> Vec<&'static str> {
        let network = self.members.with_network.then_some(NETWORK);
        let learners = self.members.learners.iter().map(|member| member.name);
        network.into_iter().chain(learners).collect()
    }
}

/// Restores a learner from its states, one per target.
fn fitted(
    resolved: Resolved,
    saved: &Learner,
    widths: (usize, usize),
    targets: &[TargetManifest],
) -> Result<FittedMember, PluginError> {
    let registry = Registry::<LearnerKind>::load()?;
    let not_linked = |_| PluginError::NotLinked {
        kind: LearnerKind::NAME,
        name: resolved.name.clone(),
        provider: resolved.provider.clone(),
        version: resolved.version.clone(),
    };
    let plugin = registry.find(&resolved.name).map_err(not_linked)?;
    let bad = |problem: String| PluginError::bad_state(LearnerKind::NAME, plugin.name, problem);
    if saved.states.len() != targets.len() {
        return Err(bad(format!(
            "it has {} targets, but the model has {}",
            saved.states.len(),
            targets.len()
        )));
    }
    let learner = learner(&resolved)?;
    let mut fitted = Vec::with_capacity(targets.len());
    for (state, target) in saved.states.iter().zip(targets) {
        let outputs = target.values.classes().map_or(1, <[String]>::len);
        let one = learner.read(state)?;
        one.check(widths, outputs).map_err(bad)?;
        fitted.push(one);
    }
    Ok(FittedMember {
        name: plugin.name,
        resolved,
        targets: fitted,
    })
}
