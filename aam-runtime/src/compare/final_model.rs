//! The final model of a cross-validation, which is trained on all samples.

use std::sync::atomic::AtomicBool;

use aam_run::RunError;
use aam_run::events::{Observer, Outcome};
use aam_run::run_directory::RunDirectory;
use aam_train::options::TrainOptions;
use aam_train::resume::{BEST, can_go_on};

use super::FinishedComparison;
use super::fold_listener::FoldListener;
use crate::members::{Members, OutOfFold, SavedMembers};
use crate::one_training::train_among_others;

/// The directory of the network trained on all samples.
pub(super) const ALL_SAMPLES: &str = "all-samples";

impl FinishedComparison {
    /// Fits the members to all samples, and saves them in the checkpoint `best` of `run`.
    pub(super) fn fit_on_all(
        &self,
        options: &TrainOptions,
        (members, out_of_fold): (&Members, OutOfFold),
        run: &RunDirectory,
        observer: &mut dyn Observer,
        interrupt: &AtomicBool,
    ) -> Result<Outcome, RunError> {
        let path = run.join(ALL_SAMPLES);
        let mut all = options.clone();
        all.split = options.split.of_a_fold();
        all.data.test_size = Some(0.0);
        all.members = TrainOptions::network_alone();
        all.optimization.resume = can_go_on(&path, &all);
        all.optimization.overwrite = !all.optimization.resume;
        all.optimization.output_dir = Some(path.clone());
        let mut warned = self.warned.clone();
        let mut listener = FoldListener::new(0, "all samples", false, &mut warned, observer);
        let outcome = train_among_others(&all, &mut listener, interrupt)?;
        if outcome == Outcome::Interrupted {
            return Ok(outcome);
        }
        let rows: Vec<usize> = (0..self.divided.ids.len()).collect();
        let saved = SavedMembers {
            members: members.fit(&self.divided.labelled(options), &rows)?,
            out_of_fold,
        };
        let of_network = RunDirectory::checkpoints_of(&path).join(BEST);
        saved.add_to(&of_network, &run.checkpoints().join(BEST))?;
        Ok(Outcome::Finished)
    }
}
