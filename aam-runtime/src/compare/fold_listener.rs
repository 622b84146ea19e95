//! Filters the events of the individual runs of a comparison.

use std::path::Path;

use aam_api::metric::is_held_out;
use aam_core::text::counted;
use aam_evaluation::metrics::Metric;
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_run::run_directory::RunDirectory;
use aam_train::checkpoint::directory;
use aam_train::resume::LAST;

use super::table::FoldResult;

/// Collects the metrics of a run, and forwards the events that matter in a comparison.
pub(super) struct FoldListener<'a> {
    observer: &'a mut dyn Observer,
    what: &'a str,
    warned: &'a mut Vec<String>,
    /// Whether the metrics of other methods on the samples join those of the run.
    with_others: bool,
    others: Vec<Metric>,
    /// The number of epochs, and of batches per epoch.
    batches: (usize, usize),
    result: FoldResult,
}

impl<'a> FoldListener<'a> {
    /// Creates the listener of the run named `what` on a fold (from 0). `warned` holds warnings
    /// that the user has already seen.
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
                others: Vec::new(),
            },
        }
    }

    /// The result of the run in the directory `path`, if it `ended` normally. A run that was
    /// already complete reports no epoch.
    ///
    /// # Errors
    /// A checkpoint that cannot be read.
    pub fn result(self, ended: bool, path: &Path) -> Result<FoldResult, RunError> {
        let mut result = self.result;
        if ended && result.epochs == 0 {
            (result.epochs, result.metrics) = last_epoch(path)?;
        }
        match self.with_others {
            true => result.metrics.extend(self.others),
            false => result.others = self.others,
        }
        Ok(result)
    }
}

/// Forwards events of the whole comparison, and records its warnings, which its runs repeat.
pub(super) struct WarningsHeard<'a> {
    /// The observer of the comparison.
    pub observer: &'a mut dyn Observer,
    /// Warnings that the user has already seen.
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
            Event::Ranks(size) => {
                let text = format!("each run has {}", counted(*size, "rank"));
                if self.warned.contains(&text) {
                    return Ok(());
                }
                self.observer.observe(event)?;
                // A single one has a warning.
                if *size > 1 {
                    self.observer.observe(&Event::Note(&text))?;
                }
                self.warned.push(text);
                Ok(())
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
            Event::Evaluated(evaluation) => {
                self.others = evaluation.of_others().collect();
                Ok(())
            }
            Event::Progress { .. } => self.observer.observe(event),
            _ => Ok(()),
        }
    }
}

/// Number and metrics of the last epoch of the run in `path`, which was already complete.
fn last_epoch(path: &Path) -> Result<(usize, Vec<Metric>), RunError> {
    let last = RunDirectory::checkpoints_of(path).join(LAST);
    let (manifest, _) = directory::load(&last)?;
    Ok((manifest.epoch, of_validation(&manifest.metrics)))
}

fn of_validation(metrics: &[Metric]) -> Vec<Metric> {
    let validation = metrics.iter().filter(|metric| is_held_out(&metric.name));
    validation.cloned().collect()
}
