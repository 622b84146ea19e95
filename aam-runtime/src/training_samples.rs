//! The summary of the training samples in a checkpoint, and how new samples compare with it.

use std::collections::BTreeMap;
use std::path::Path;

use aam_core::text::{agreeing, counted};
use aam_data::Table;
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_run::predictions::Likeness;
use aam_study::familiarity::{FILE, Familiarity};

/// The summary of the training samples. Checkpoints of older versions have none.
pub struct TrainingSamples(Option<Familiarity>);

impl TrainingSamples {
    /// Reads the summary from the `files` of the checkpoint at `path`. `needed` says that a
    /// prediction depends on it.
    ///
    /// # Errors
    /// A damaged file, or a missing file that is needed.
    pub fn of(
        files: &mut BTreeMap<String, Vec<u8>>,
        path: &Path,
        needed: bool,
    ) -> Result<Self, RunError> {
        match files.remove(FILE) {
            Some(bytes) => Familiarity::from_bytes(&bytes)
                .map(|kept| Self(Some(kept)))
                .map_err(|problem| {
                    RunError::checkpoint(path.join(FILE), format!("it is damaged: {problem}"))
                }),
            None if needed => Err(RunError::setting(
                "abstain",
                format!(
                    "{} has no summary of its training samples, so no sample can be compared with them; train again, or leave it out",
                    path.display()
                ),
            )),
            None => Ok(Self(None)),
        }
    }

    /// Compares the samples of `table` with the training samples and reports the result. With
    /// `abstain`, predictions of dissimilar samples are left empty.
    ///
    /// # Errors
    /// Those of the observer.
    pub fn compare(
        &self,
        table: &Table,
        abstain: bool,
        observer: &mut dyn Observer,
    ) -> Result<ComparedSamples, RunError> {
        let Some(kept) = &self.0 else {
            observer.observe(&Event::Note(
                "the checkpoint was written by an older aam and has no summary of its training samples, so these samples cannot be compared with them",
            ))?;
            return Ok(ComparedSamples {
                samples: Vec::new(),
                abstain,
            });
        };
        let compared = kept.compare(table);
        observer.observe(&Event::Note(&compared.summary))?;
        for text in &compared.warnings {
            observer.observe(&Event::Warning(text))?;
        }
        let unlike = compared.samples.iter().filter(|sample| sample.unlike);
        if let count @ 1.. = unlike.count() {
            let so = match abstain {
                true => "their predictions are left empty",
                false => "--abstain leaves their predictions empty",
            };
            observer.observe(&Event::Warning(&format!(
                "{count} of {} {} unlike the training samples: further from them than those are from one another, or sharing fewer ASVs with them (column 'unlike'); {so}",
                counted(compared.samples.len(), "sample"),
                agreeing(count, "is", "are")
            )))?;
        }
        Ok(ComparedSamples {
            samples: compared.samples,
            abstain,
        })
    }
}

/// How the samples to predict compare with the training samples, if known.
pub struct ComparedSamples {
    samples: Vec<Likeness>,
    abstain: bool,
}

impl ComparedSamples {
    /// The likeness of the sample at `row`.
    pub fn of(&self, row: usize) -> Option<Likeness> {
        self.samples.get(row).copied()
    }

    /// Whether the predictions of the sample at `row` are left empty.
    pub fn abstains(&self, row: usize) -> bool {
        self.abstain && self.of(row).is_some_and(|sample| sample.unlike)
    }
}
