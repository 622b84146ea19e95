//! The files saved by the training loop: `last` with everything needed to resume, `best`, and
//! recent epochs if requested.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use burn::module::Module;

use super::fingerprint::RunFingerprint;
use super::loss_scale::LossScale;
use super::objective::Objective;
use super::progress::Progress;
use super::resume::{BEST, LAST};
use super::schedule::ChosenSchedule;
use super::state::{AVERAGE, Limits, TRAINER, TRAINING, TrainerState, optimizer_file, parameters};
use crate::checkpoint::directory;
use crate::checkpoint::directory::WEIGHTS;
use crate::options::OptimizationOptions;
use aam_run::RunError;
use aam_run::run_directory::RunDirectory;

/// Where and how a run is saved.
#[derive(Clone, Copy)]
pub struct Saving<'a> {
    /// The directory of the run.
    pub run: &'a RunDirectory,
    /// The fingerprint of its settings and data.
    pub fingerprint: &'a RunFingerprint,
    /// Stage of the run, from 0.
    pub stage: usize,
    /// The limits of its length.
    pub limits: Limits,
}

/// The time after a checkpoint in which epochs without improvement are not saved: if epochs take
/// milliseconds, saving would take longer than training.
#[derive(Default)]
pub(super) struct Rest(Option<(Instant, Duration)>);

impl Rest {
    /// Its duration as a multiple of the time for saving.
    const SHARE: u32 = 20;

    /// Starts it, after a checkpoint that was started at `began`.
    pub fn begin(&mut self, began: Instant) {
        self.0 = Some((Instant::now(), began.elapsed()));
    }

    /// Whether it is over, or was never started.
    pub fn is_over(&self) -> bool {
        let over = |(saved, took): (Instant, Duration)| saved.elapsed() >= took * Self::SHARE;
        self.0.is_none_or(over)
    }
}

/// The mutable state of a run.
pub(super) struct Snapshot<'a, O: Objective> {
    pub objective: &'a O,
    pub model: &'a O::Model,
    /// The average of the models, if used.
    pub average: Option<&'a O::Model>,
    /// The weights in the format of a checkpoint.
    pub weights: Vec<u8>,
    /// The optimizer's state, in one part or one per rank.
    pub optimizer: Vec<Vec<u8>>,
    pub schedule: &'a ChosenSchedule,
    pub loss_scale: Option<&'a LossScale>,
    pub progress: &'a Progress<O::Model>,
}

impl Saving<'_> {
    /// Saves `last`, and after an epoch the other checkpoints. A kill at any moment leaves a run
    /// that can be resumed.
    ///
    /// # Errors
    /// A file that cannot be written, or a directory that no longer exists.
    pub(super) fn save<O: Objective>(
        &self,
        options: &OptimizationOptions,
        snapshot: &Snapshot<'_, O>,
        finished: bool,
    ) -> Result<(), RunError> {
        let saved = self.save_files(options, snapshot, finished);
        if saved.is_err() {
            self.run.check_that_it_is_there()?;
        }
        saved
    }

    fn save_files<O: Objective>(
        &self,
        options: &OptimizationOptions,
        snapshot: &Snapshot<'_, O>,
        finished: bool,
    ) -> Result<(), RunError> {
        self.run.check_that_it_is_there()?;
        let progress = snapshot.progress;
        let mut manifest = snapshot.objective.manifest();
        manifest.epoch = progress.done.epochs;
        manifest.step = progress.done.steps;
        manifest.metrics = progress.metrics.clone();
        manifest.best = progress.best.as_ref().and_then(|(best, _)| best.chosen());
        let weights = &snapshot.weights;
        let state = self.state(snapshot, finished);
        let state = serde_json::to_vec_pretty(&state)
            .map_err(|error| RunError::checkpoint(TRAINER, error.to_string()))?;
        let parts: Vec<String> = (0..snapshot.optimizer.len()).map(optimizer_file).collect();
        let mut used: Vec<(&str, &[u8])> = vec![(WEIGHTS, weights)];
        used.extend(snapshot.objective.files());
        let mut files = used.clone();
        files.push((TRAINER, &state));
        files.extend(
            parts
                .iter()
                .map(String::as_str)
                .zip(snapshot.optimizer.iter().map(Vec::as_slice)),
        );
        let training = training_parts(snapshot)?;
        files.extend(
            training
                .iter()
                .map(|(name, bytes)| (*name, bytes.as_slice())),
        );
        let (checkpoints, keep) = (self.run.checkpoints(), options.keep_checkpoints);
        let is_whole = progress.place.rows == 0;
        // Before the last one, which marks the epoch as complete.
        if is_whole && keep > 0 {
            let path = checkpoints.join(epoch_name(manifest.epoch));
            directory::save(&path, &manifest, &used)?;
        }
        directory::save(&checkpoints.join(LAST), &manifest, &files)?;
        // After the last one, which is then the best, too, and replaces it after a kill.
        if is_whole && progress.since_best == 0 {
            directory::save(&checkpoints.join(BEST), &manifest, &used)?;
        }
        if is_whole && keep > 0 {
            remove_epochs(&checkpoints, manifest.epoch, keep)?;
        }
        Ok(())
    }

    fn state<O: Objective>(&self, snapshot: &Snapshot<'_, O>, finished: bool) -> TrainerState {
        let progress = snapshot.progress;
        TrainerState {
            fingerprint: self.fingerprint.clone(),
            stage: self.stage,
            before: progress.before,
            done: progress.done,
            place: progress.place.clone(),
            optimizer_parts: snapshot.optimizer.len(),
            schedule: Some(snapshot.schedule.name().to_owned()),
            schedule_state: snapshot.schedule.state(),
            loss_scale: snapshot.loss_scale.cloned(),
            best: progress.best.as_ref().map(|(best, _)| best.clone()),
            since_best: progress.since_best,
            limits: self.limits,
            finished,
            parameters: parameters(snapshot.model),
        }
    }
}

/// The weights needed to resume a training run, if they differ from the saved ones: trainable
/// weights, with separate adapters, and their average.
fn training_parts<O: Objective>(
    snapshot: &Snapshot<'_, O>,
) -> Result<Vec<(&'static str, Vec<u8>)>, RunError> {
    let mut files = Vec::new();
    if snapshot.average.is_some() || has_adapters(snapshot.model) {
        files.push((TRAINING, directory::parts(snapshot.model)?));
    }
    if let Some(average) = snapshot.average {
        files.push((AVERAGE, directory::parts(average)?));
    }
    Ok(files)
}

fn has_adapters<M: Module>(model: &M) -> bool {
    parameters(model).len() > parameters(&model.clone().materialize()).len()
}

/// Removes the checkpoints of epochs except for the last `keep` until `epoch`. Those of later
/// epochs are from a run that was resumed from an earlier one.
fn remove_epochs(checkpoints: &Path, epoch: usize, keep: usize) -> Result<(), RunError> {
    for (number, path) in epochs(checkpoints) {
        if number > epoch || number + keep <= epoch {
            directory::remove(&path)?;
        }
    }
    Ok(())
}

fn epoch_name(epoch: usize) -> String {
    format!("{EPOCH}{epoch:04}")
}

/// The prefix of the names of epoch checkpoints.
const EPOCH: &str = "epoch-";

/// Numbers and directories of the epoch checkpoints.
fn epochs(checkpoints: &Path) -> Vec<(usize, PathBuf)> {
    let entries = fs::read_dir(checkpoints).into_iter().flatten().flatten();
    let numbered = entries.filter_map(|entry| {
        let name = entry.file_name();
        let number = name.to_str()?.strip_prefix(EPOCH)?.parse().ok()?;
        Some((number, entry.path()))
    });
    numbered.collect()
}
