//! The models of the folds of a cross-validation: for every fold a checkpoint next to the final model, with
//! all members as they were fitted without its samples.

use std::path::{Path, PathBuf};

use aam_evaluation::results::{HeldOut, RawColumn};
use aam_run::RunError;
use aam_run::run_directory::FOLD;
use aam_train::checkpoint::directory;
use aam_train::resume::{BEST, LAST};

use super::fitted::FittedMembers;
use super::saved::{OutOfFold, SavedMembers};

/// What is saved of a fold.
pub struct FoldOfMembers<'a> {
    /// The number of the fold, from 1.
    pub number: usize,
    /// The members, fitted without its samples.
    pub members: FittedMembers,
    /// The rows of its samples, ascending.
    pub held_out: &'a [usize],
}

impl FoldOfMembers<'_> {
    /// Saves the members in the directory `checkpoints`, with the network after the last epoch of the
    /// training of the fold, whose checkpoints are in `of_network`. Intervals and probabilities are calibrated
    /// on the predictions `together` of the other folds, as in the predictions of the run.
    ///
    /// Nothing is saved if the checkpoint of the network was removed.
    ///
    /// # Errors
    /// A checkpoint that cannot be read or written.
    pub fn save(
        self,
        (targets, together, levels): (&[RawColumn], &[HeldOut], &[f64]),
        of_network: &Path,
        checkpoints: &Path,
    ) -> Result<(), RunError> {
        let network = of_network.join(LAST);
        if !directory::exists(&network) {
            return Ok(());
        }
        let others = together.iter();
        let others = others.filter(|sample| self.held_out.binary_search(&sample.row).is_err());
        let others: Vec<HeldOut> = others.cloned().collect();
        let saved = SavedMembers {
            members: self.members,
            out_of_fold: OutOfFold::of(targets, &others, levels),
        };
        saved.add_to(
            &network,
            &checkpoints.join(format!("{FOLD}{}", self.number)),
        )
    }
}

/// The checkpoints whose validation samples neither the network nor the other members were fitted
/// to or chosen by, for the model at `checkpoint`: those of the folds, or of the last epoch of a
/// training run on a single split, if it is the best one of a run; otherwise itself.
pub fn with_held_out_samples(checkpoint: &Path) -> Vec<PathBuf> {
    if checkpoint.file_name().is_none_or(|name| name != BEST) {
        return vec![checkpoint.to_owned()];
    }
    let Some(checkpoints) = checkpoint.parent() else {
        return Vec::new();
    };
    let entries = std::fs::read_dir(checkpoints).into_iter().flatten();
    let numbered = entries.flatten().filter_map(|entry| {
        let name = entry.file_name();
        let number: usize = name.to_str()?.strip_prefix(FOLD)?.parse().ok()?;
        Some((number, entry.path()))
    });
    let mut folds: Vec<(usize, PathBuf)> = numbered.collect();
    folds.sort_unstable();
    if folds.is_empty() {
        let last = checkpoints.join(LAST);
        return directory::exists(&last)
            .then_some(last)
            .into_iter()
            .collect();
    }
    folds.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_are_next_to_the_final_model_in_the_order_of_their_numbers() {
        let place = tempfile::tempdir().unwrap();
        let make = |name: &str| std::fs::create_dir(place.path().join(name)).unwrap();
        let found = |name: &str| -> Vec<String> {
            let found = with_held_out_samples(&place.path().join(name)).into_iter();
            let names = found.map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
            names.collect()
        };
        make("best");
        assert!(found("best").is_empty());
        make("last");
        assert_eq!(found("best"), ["last"]);
        for name in ["fold-10", "fold-2", "fold-mine", "epoch-3"] {
            make(name);
        }
        assert_eq!(found("best"), ["fold-2", "fold-10"]);
        assert_eq!(found("fold-2"), ["fold-2"]);
    }
}
