//! Restoring a stopped run from its directory to resume it.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use aam_core::text::counted;
use burn::module::Module;
use burn::optim::ModuleOptimizer;

use super::state::{
    AVERAGE, Done, Limits, OPTIMIZER, TRAINER, TRAINING, TrainerState, optimizer_file, restored,
    with_ids,
};
use crate::checkpoint::Manifest;
use crate::checkpoint::directory;
use crate::checkpoint::directory::WEIGHTS;
use crate::checkpoint::manifest::{BATCHES, KINSHIP, PredictorManifest};
use crate::options::OptimizationOptions;
use crate::parallel::update::Updater;
use aam_core::DataError;
use aam_data::Split;
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_run::run_directory::RunDirectory;
use aam_run::settings::{self, Options};
use aam_study::familiarity::FILE;

/// The checkpoint from which a run is resumed.
pub const LAST: &str = "last";
/// The checkpoint of the best epoch.
pub const BEST: &str = "best";

/// A run to resume.
pub struct Resumed {
    /// The manifest of its last checkpoint.
    pub manifest: Manifest,
    /// Its progress.
    pub state: TrainerState,
    last: PathBuf,
    files: BTreeMap<String, Vec<u8>>,
    best: Option<Vec<u8>>,
}

impl Resumed {
    /// The run in the output directory, if it is to be resumed and has a checkpoint.
    ///
    /// # Errors
    /// A checkpoint that cannot be read; the error names the file.
    pub fn of(options: &OptimizationOptions) -> Result<Option<Self>, RunError> {
        match (&options.output_dir, options.resume) {
            (Some(path), true) => Self::read(&RunDirectory::checkpoints_of(path)),
            _ => Ok(None),
        }
    }

    fn read(checkpoints: &Path) -> Result<Option<Self>, RunError> {
        let (last, best) = (checkpoints.join(LAST), checkpoints.join(BEST));
        if !directory::exists(&last) {
            return Ok(None);
        }
        let (manifest, mut files) = directory::load(&last)?;
        let at = last.join(TRAINER);
        let Some(text) = files.remove(TRAINER) else {
            return Err(RunError::checkpoint(
                &last,
                "it has no state to resume from: it was written by an older aam\n  help: start a new run from its weights with --pretrained-encoder",
            ));
        };
        let state: TrainerState = serde_json::from_slice(&text)
            .map_err(|error| RunError::checkpoint(&at, format!("it is damaged: {error}")))?;
        let mut resumed = Self {
            manifest,
            state,
            last,
            files,
            best: None,
        };
        resumed.find_best(&best)?;
        Ok(Some(resumed))
    }

    /// Reads the best weights. The last checkpoint is saved before the best one, so that a kill
    /// between them leaves an older best one; the last checkpoint is then the best one, too.
    fn find_best(&mut self, path: &Path) -> Result<(), RunError> {
        let Some(best) = &self.state.best else {
            return Ok(());
        };
        let is_last = best.epoch == self.manifest.epoch && best.step == self.manifest.step;
        let found = directory::load(path).and_then(|(manifest, mut files)| {
            match (manifest.epoch, manifest.step) == (best.epoch, best.step) {
                true => Ok(files.remove(WEIGHTS).unwrap_or_default()),
                false => Err(RunError::checkpoint(
                    path,
                    format!(
                        "it is of epoch {}, but the best epoch of the run is {}",
                        manifest.epoch, best.epoch
                    ),
                )),
            }
        });
        self.best = Some(match found {
            Ok(weights) => weights,
            Err(_) if is_last => {
                let weights = self.weights()?.to_vec();
                let mut files: Vec<(&str, &[u8])> = vec![(WEIGHTS, &weights)];
                let kept = [FILE, KINSHIP, BATCHES].into_iter();
                let kept = kept.filter_map(|name| Some((name, self.files.get(name)?.as_slice())));
                files.extend(kept);
                directory::save(path, &self.manifest, &files)?;
                weights
            }
            Err(error) => return Err(error),
        });
        Ok(())
    }

    fn weights(&self) -> Result<&[u8], RunError> {
        self.file(WEIGHTS)
    }

    /// A file of the last checkpoint.
    ///
    /// # Errors
    /// The checkpoint has no file of this name.
    pub fn file(&self, name: &str) -> Result<&[u8], RunError> {
        let found = self.files.get(name).map(Vec::as_slice);
        found.ok_or_else(|| {
            RunError::checkpoint(&self.last, format!("it lacks {name}, which the run needs"))
        })
    }

    /// Returns `module`, which has the run's shape, with the weights and the parameter ids of the
    /// last checkpoint.
    ///
    /// # Errors
    /// Weights or ids of another model.
    pub fn weights_into<M: Module>(&self, module: M) -> Result<M, RunError> {
        let name = match self.files.contains_key(TRAINING) {
            true => TRAINING,
            false => WEIGHTS,
        };
        let module = self.loaded(module, name)?;
        with_ids(module, &self.state.parameters)
            .map_err(|problem| RunError::checkpoint(self.last.join(TRAINER), problem))
    }

    /// Returns `module` with the weights in a file of the last checkpoint.
    fn loaded<M: Module>(&self, module: M, name: &str) -> Result<M, RunError> {
        let weights = self.file(name)?.to_vec();
        directory::load_weights(module, weights, false, &self.last.join(name))
    }

    /// Returns `module` with the average of the weights.
    ///
    /// # Errors
    /// A run without an average.
    pub fn average<M: Module>(&self, module: &M) -> Result<M, RunError> {
        self.loaded(module.clone(), AVERAGE)
    }

    /// Returns `module` with the weights of the best epoch of the stage, if there is one.
    ///
    /// # Errors
    /// Weights of another model.
    pub fn best<M: Module>(&self, module: &M) -> Result<Option<M>, RunError> {
        let weights = self.best.clone();
        let path = self.last.with_file_name(BEST).join(WEIGHTS);
        weights
            .map(|weights| {
                let module = module.clone().materialize();
                directory::load_weights(module, weights, false, &path)
            })
            .transpose()
    }

    /// Returns `optimizer` with this rank's part of the state of the last checkpoint.
    ///
    /// # Errors
    /// No such state.
    pub fn optimizer(
        &self,
        optimizer: ModuleOptimizer,
        updater: &Updater<'_>,
    ) -> Result<ModuleOptimizer, RunError> {
        let files = (0..self.state.optimizer_parts).map(optimizer_file);
        let parts = files.map(|file| Ok(self.file(&file)?.to_vec()));
        let parts = parts.collect::<Result<_, RunError>>()?;
        let own = updater.own_state(parts);
        own.and_then(|own| restored(optimizer, own))
            .map_err(|problem| {
                RunError::checkpoint(
                    self.last.join(OPTIMIZER),
                    format!("it is not a state of an optimizer: {problem}"),
                )
            })
    }

    /// The run's split of the samples `ids`, which is never computed again.
    ///
    /// # Errors
    /// A missing sample.
    pub fn split(&self, ids: &[String]) -> Result<Split, RunError> {
        let rows: HashMap<&str, usize> = ids.iter().map(String::as_str).zip(0..).collect();
        let of = |names: &[String]| {
            let row = |name: &String| {
                rows.get(name.as_str()).copied().ok_or_else(|| {
                    let error = DataError::new(format!(
                        "the sample '{name}', which the run uses, is no longer common to all files"
                    ));
                    let help = "restore the data, or start a new run in another --output-dir";
                    RunError::from(error.help(help))
                })
            };
            names.iter().map(row).collect::<Result<Vec<_>, _>>()
        };
        Ok(Split {
            train: of(&self.manifest.train_samples)?,
            validation: of(&self.manifest.validation_samples)?,
        })
    }

    /// The parts on top of the base, as at the start of the run; only the strategy may change.
    pub fn parts(&self, now: PredictorManifest) -> PredictorManifest {
        match &self.manifest.predictor {
            None => now,
            Some(before) => PredictorManifest {
                strategy: now.strategy,
                ..before.clone()
            },
        }
    }

    /// Whether a run of `stages` stages, the last of which has the given `limits`, is complete.
    pub fn is_finished(&self, stages: usize, limits: Limits) -> bool {
        let before = self.state.limits;
        self.state.finished
            && self.state.stage + 1 == stages
            && limits.epochs <= before.epochs
            && limits.max_steps <= before.max_steps
            && limits.patience == before.patience
    }
}

/// Reports where a run is resumed.
///
/// # Errors
/// Those of the observer.
pub fn announce(resumed: Option<&Resumed>, observer: &mut dyn Observer) -> Result<(), RunError> {
    let Some(resumed) = resumed else {
        let text = "the run has no checkpoint yet: starting from the beginning";
        observer.observe(&Event::Note(text))?;
        return observer.observe(&Event::Resumed { epoch: 0, step: 0 });
    };
    let done = resumed.state.done;
    let inside = match resumed.state.place.rows {
        0 => String::new(),
        _ => ", within the next epoch".to_owned(),
    };
    observer.observe(&Event::Note(&format!(
        "resuming after epoch {}, update {}{inside}",
        done.epochs, done.steps
    )))?;
    observer.observe(&Event::Resumed {
        epoch: done.epochs,
        step: done.steps,
    })
}

/// Whether a run of one stage is complete. If so, reports it.
///
/// # Errors
/// Those of the observer.
pub fn is_done(
    resumed: Option<&Resumed>,
    options: &OptimizationOptions,
    limits: Limits,
    observer: &mut dyn Observer,
) -> Result<bool, RunError> {
    let path = options.output_dir.as_deref().unwrap_or(Path::new("."));
    let done = resumed.is_some_and(|resumed| resumed.is_finished(1, limits));
    if !done || !RunDirectory::at(path).has_results() {
        return Ok(false);
    }
    say_done(path, observer)?;
    Ok(true)
}

/// Reports that the run in `path` is complete.
///
/// # Errors
/// Those of the observer.
pub fn say_done(path: &Path, observer: &mut dyn Observer) -> Result<(), RunError> {
    observer.observe(&Event::Note(&format!(
        "{}: the run is complete; increase --epochs or --max-steps to extend it",
        path.display()
    )))
}

/// Reports where a run was stopped.
///
/// # Errors
/// Those of the observer.
pub fn stopped(done: Done, observer: &mut dyn Observer) -> Result<(), RunError> {
    observer.observe(&Event::Note(&format!(
        "stopped and saved after update {}, {}; use --resume to continue",
        done.steps,
        counted(done.epochs, "epoch")
    )))
}

/// Whether the directory `path` contains a run with these settings and a checkpoint.
pub fn can_go_on<T: Options>(path: &Path, options: &T) -> bool {
    let last = RunDirectory::checkpoints_of(path).join(LAST);
    // A damaged one is trained again.
    let state = directory::load(&last)
        .ok()
        .and_then(|(_, files)| serde_json::from_slice::<TrainerState>(files.get(TRAINER)?).ok());
    let now = settings::bearing::<T>(settings::table(options));
    state.is_some_and(|state| settings::bearing::<T>(state.fingerprint.settings) == now)
}
