//! Checkpoints from which a training run can be resumed.

use std::collections::BTreeMap;
use std::path::Path;

use aam_data::bounded::read_file;
use aam_run::RunError;
use aam_run::checkpoint_files::{MANIFEST, WEIGHTS, put};
use aam_train::checkpoint::directory::{load_weights, weights};
use aam_train::state::{OPTIMIZER, optimizer_bytes, parameters, restored, with_ids};
use serde::{Deserialize, Serialize};

use crate::training::{Plan, Training};

/// Maximum file size of a checkpoint in bytes.
const LARGEST: u64 = 4 << 30;

/// The metadata of a checkpoint.
#[derive(Debug, Serialize, Deserialize)]
struct Progress {
    plan: Plan,
    /// Number of completed updates.
    step: usize,
    /// Paths of the parameters, with their ids in the optimizer.
    parameters: Vec<(String, u64)>,
    /// The sizes of the files, by name.
    files: BTreeMap<String, u64>,
}

impl Training<'_> {
    /// Saves the training as the directory `target`, replacing an earlier one.
    ///
    /// # Errors
    /// A file that cannot be written; the earlier checkpoint is then untouched.
    pub fn save(&self, target: &Path) -> Result<(), RunError> {
        let files = [
            (WEIGHTS, weights(&self.model)?),
            (OPTIMIZER, optimizer_bytes(&self.optimizer)?),
        ];
        let sizes = files.iter();
        let progress = Progress {
            plan: self.plan,
            step: self.step,
            parameters: parameters(&self.model),
            files: sizes
                .map(|(name, bytes)| ((*name).to_owned(), bytes.len() as u64))
                .collect(),
        };
        let text = serde_json::to_vec_pretty(&progress);
        let text = text.map_err(|error| RunError::checkpoint(target, error.to_string()))?;
        let files = files.each_ref();
        put(
            target,
            &text,
            &files.map(|(name, bytes)| (*name, bytes.as_slice())),
        )
    }

    /// Restores the training from its checkpoint `target`.
    ///
    /// # Errors
    /// A checkpoint that cannot be read, or of another plan.
    pub fn resumed(mut self, target: &Path) -> Result<Self, RunError> {
        let broken = |problem: String| RunError::checkpoint(target, problem);
        let read = |name: &str| {
            let bytes = read_file(&target.join(name), LARGEST);
            bytes.map_err(|error| RunError::checkpoint(target.join(name), error.to_string()))
        };
        let progress: Progress =
            serde_json::from_slice(&read(MANIFEST)?).map_err(|error| broken(error.to_string()))?;
        if progress.plan != self.plan {
            let problem = "it was started with other steps, organisms, rate or seed; \
                           resume it with those, or start over with --overwrite";
            return Err(broken(problem.to_owned()));
        }
        let file = |name: &str| {
            let bytes = read(name)?;
            match progress.files.get(name) == Some(&(bytes.len() as u64)) {
                true => Ok(bytes),
                false => Err(broken(format!("{name} is damaged"))),
            }
        };
        let model = load_weights(self.model, file(WEIGHTS)?, false, target)?;
        self.model = with_ids(model, &progress.parameters).map_err(broken)?;
        self.optimizer = restored(self.optimizer, file(OPTIMIZER)?).map_err(broken)?;
        self.step = progress.step;
        Ok(self)
    }
}
