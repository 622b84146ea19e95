//! Which events of one run of a comparison go to whom.

use std::path::Path;

use aam_api::metric::is_held_out;
use aam_evaluation::metrics::Metric;
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_run::run_directory::RunDirectory;
use aam_train::checkpoint::directory;
use aam_train::resume::LAST;

use super::table::FoldResult;

/// Listens to a run for its figures, and passes on what is worth seeing of one among many.
pub(super) struct FoldListener<'a> {
    observer: &'a mut dyn Observer,
    what: &'a str,
    warned: &'a mut Vec<String>,
    /// Whether what other methods reach on the samples is wanted.
    with_others: bool,
    others: Vec<Metric>,
    /// Epochs, and batches of one.
    batches: (usize, usize),
    result: FoldResult,
}

impl<'a> FoldListener<'a> {
    /// Of the run called `what` on a fold, counted from 0; `warned` says what the person was warned
    /// of already.
    pub fn new(
        fold: usize,
        what: &'a str,
        with_others: bool,
        warned: &'a mut Vec<String>,
        observer: &'a mut dyn Observer,
    ) -> Self {
        Self {
            observer,
            what,
            warned,
            with_others,
            others: Vec::new(),
            batches: (0, 0),
            result: FoldResult {
                fold: fold + 1,
                epochs: 0,
                seconds: 0.0,
                parameters: (0, 0),
                metrics: Vec::new(),
            },
        }
    }

    /// What the run in the directory `path` came to, if it `ended` well; one that had been trained to
    /// its end before reports no epoch.
    ///
    /// # Errors
    /// A checkpoint that cannot be read.
    pub fn result(self, ended: bool, path: &Path) -> Result<FoldResult, RunError> {
        let mut result = self.result;
        if ended && result.epochs == 0 {
            (result.epochs, result.metrics) = last_epoch(path)?;
        }
        result.metrics.extend(self.others);
        Ok(result)
    }
}

/// Passes on what is said of the whole comparison, and remembers its warnings, which its runs repeat.
pub(super) struct WarningsHeard<'a> {
    /// Who listens.
    pub observer: &'a mut dyn Observer,
    /// What the person was warned of.
    pub warned: &'a mut Vec<String>,
}

impl Observer for WarningsHeard<'_> {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), RunError> {
        if let Event::Warning(text) = event {
            self.warned.push((*text).to_owned());
        }
        self.observer.observe(event)
    }
}

impl Observer for FoldListener<'_> {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), RunError> {
        match event {
            Event::Warning(text) => {
                if self.warned.iter().any(|warned| warned == text) {
                    return Ok(());
                }
                self.warned.push((*text).to_owned());
                self.observer.observe(event)
            }
            Event::Started {
                epochs,
                batches,
                parameters,
            } => {
                self.batches = (*epochs, *batches);
                self.result.parameters = *parameters;
                Ok(())
            }
            Event::Batch { epoch, batch, .. } => {
                let (epochs, batches) = self.batches;
                self.observer.observe(&Event::Progress {
                    what: self.what,
                    done: (epoch - 1) * batches + batch,
                    total: epochs * batches,
                })
            }
            Event::Epoch {
                epoch,
                metrics,
                seconds,
                ..
            } => {
                self.result.metrics = of_validation(metrics);
                self.result.epochs = *epoch;
                self.result.seconds += seconds;
                Ok(())
            }
            Event::Evaluated(evaluation) if self.with_others => {
                self.others = evaluation.of_others().collect();
                Ok(())
            }
            Event::Progress { .. } => self.observer.observe(event),
            _ => Ok(()),
        }
    }
}

/// Number and metrics of the last epoch of the run in `path`, which was trained to its end before.
fn last_epoch(path: &Path) -> Result<(usize, Vec<Metric>), RunError> {
    let last = RunDirectory::checkpoints_of(path).join(LAST);
    let (manifest, _) = directory::load(&last)?;
    Ok((manifest.epoch, of_validation(&manifest.metrics)))
}

fn of_validation(metrics: &[Metric]) -> Vec<Metric> {
    let validation = metrics.iter().filter(|metric| is_held_out(&metric.name));
    validation.cloned().collect()
}
