//! What a checkpoint keeps of its training samples, and how the samples to predict compare with them.

use std::collections::BTreeMap;
use std::path::Path;

use aam_data::Table;
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_run::predictions::Likeness;
use aam_study::familiarity::{FILE, Familiarity};

/// What is kept of them; nothing in checkpoints of older versions.
pub struct TrainingSamples(Option<Familiarity>);

impl TrainingSamples {
    /// Takes them from the `files` of the checkpoint at `path`; `needed` says that a prediction
    /// depends on them.
    ///
    /// # Errors
    /// A file that is damaged, or none although it is needed.
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
                    "{} keeps nothing of its training samples, so that none can be said to be unlike them; train again, or leave it out",
                    path.display()
                ),
            )),
            None => Ok(Self(None)),
        }
    }

    /// Compares the samples of `table` with them, and reports the result; with `abstain`,
    /// predictions of unlike ones are left empty.
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
                "the checkpoint was written by an older aam and holds nothing of its training samples, so these samples cannot be compared with them",
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
                "{count} of {} samples are unlike the training samples: further from them than they are from one another, or with fewer ASVs in common (column 'unlike'); {so}",
                compared.samples.len()
            )))?;
        }
        Ok(ComparedSamples {
            samples: compared.samples,
            abstain,
        })
    }
}

/// How the samples to predict compare with the training samples, where that is known.
pub struct ComparedSamples {
    samples: Vec<Likeness>,
    abstain: bool,
}

impl ComparedSamples {
    /// What the sample at `row` is.
    pub fn of(&self, row: usize) -> Option<Likeness> {
        self.samples.get(row).copied()
    }

    /// Whether its predictions are left empty.
    pub fn abstains(&self, row: usize) -> bool {
        self.abstain && self.of(row).is_some_and(|sample| sample.unlike)
    }
}
